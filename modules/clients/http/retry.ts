// Which failed requests are worth sending again. Only requests that are safe to repeat come here.
import { ConnectionError, HttpError, refusedConnectPrefix } from './errors.js';

/** Options of p-retry: pauses double from `firstPauseMs`, each lengthened at random up to twice, so that many clients do not come back together. */
export function repetitions(
  retries: number,
  firstPauseMs = 500,
): { retries: number; factor: number; minTimeout: number; maxTimeout: number; randomize: boolean } {
  return { retries, factor: 2, minTimeout: firstPauseMs, maxTimeout: firstPauseMs * 10, randomize: true };
}

const passingStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** True for what a moment may mend: an overloaded or restarting server, a broken connection. A rejected certificate or version of TLS stays rejected. */
export function isWorthRepeating(error: unknown): boolean {
  if (error instanceof HttpError) return passingStatuses.has(error.status);
  return error instanceof ConnectionError && error.code !== 'CERTIFICATE_REJECTED' && !isLasting(error);
}

/** What the server asked for by Retry-After, at most half a minute; 0 where it asked for nothing. */
export function retryAfterSeconds(error: unknown): number {
  return error instanceof HttpError && error.retryAfterSeconds ? Math.min(Math.max(error.retryAfterSeconds, 0), 30) : 0;
}

/** A host that is not known, one with which TLS cannot be spoken, or a proxy that will not let us through. */
function isLasting({ facts }: ConnectionError): boolean {
  return (
    facts.cause === 'ENOTFOUND' ||
    facts.cause === 'EPROTO' ||
    String(facts.cause).startsWith(`${refusedConnectPrefix}4`)
  );
}
