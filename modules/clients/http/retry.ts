// Which failed requests are worth repeating. This is only asked about requests that are safe to
// repeat.
import { ConnectionError, HttpError, isTlsFault, refusedConnectPrefix, tlsPortCause } from './errors.js';

/**
 * Options of p-retry: pauses double from `firstPauseMs`, each extended by a random factor of up to
 * two, so that many clients do not retry at the same time.
 */
export function repetitions(
  retries: number,
  firstPauseMs = 500,
): { retries: number; factor: number; minTimeout: number; maxTimeout: number; randomize: boolean } {
  return { retries, factor: 2, minTimeout: firstPauseMs, maxTimeout: firstPauseMs * 10, randomize: true };
}

const passingStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * True for failures that may be temporary: an overloaded or restarting server, a broken connection.
 * A rejected certificate or version of TLS stays rejected.
 */
export function isWorthRepeating(error: unknown): boolean {
  if (error instanceof HttpError) return passingStatuses.has(error.status);
  return error instanceof ConnectionError && error.code !== 'CERTIFICATE_REJECTED' && !isLasting(error);
}

/** The pause that the server requested by Retry-After, at most half a minute; 0 if none. */
export function retryAfterSeconds(error: unknown): number {
  return error instanceof HttpError && error.retryAfterSeconds ? Math.min(Math.max(error.retryAfterSeconds, 0), 30) : 0;
}

/** An unknown host, TLS on one side alone, or a proxy that refuses the connection. */
function isLasting({ facts }: ConnectionError): boolean {
  return (
    facts.cause === 'ENOTFOUND' ||
    facts.cause === tlsPortCause ||
    isTlsFault(facts.cause) ||
    String(facts.cause).startsWith(`${refusedConnectPrefix}4`)
  );
}
