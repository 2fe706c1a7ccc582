// Opens what an operation talks to: the cloud of its login, and the image store.
import { withHome } from '../clients/files/paths.js';
import type { OnCertificate } from '../clients/http/certificate-watch.js';
import { createHttpClient, type HttpClient } from '../clients/http/client.js';
import { connect, type Cloud } from '../clients/keystone/cloud.js';
import { watchClock, type WatchedClock } from '../clients/keystone/clock.js';
import type { Credentials } from '../clients/keystone/credentials.js';
import { resolveLogin, type LoginArguments } from '../clients/keystone/login.js';
import type { Context } from '../core/operation.js';

export interface ConnectionArguments extends LoginArguments {
  /** Seconds until an answer begins. */
  readonly timeout: number;
}

interface Tls {
  readonly caCert: string | undefined;
  readonly validateCerts: boolean;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly tlsMinimumVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Called with the certificate of each server that speaks TLS. */
  readonly onCertificate?: OnCertificate;
}

type Watching = Pick<Tls, 'onCertificate'>;

/** Logs in by the arguments, which site.yaml has been merged into, or by the environment. */
export async function openCloud(args: ConnectionArguments, context: Context): Promise<Cloud> {
  return (await openWatchedCloud(args, context)).cloud;
}

/** The same, and watches what time the services report. */
export async function openWatchedCloud(
  args: ConnectionArguments,
  context: Context,
  watching: Watching = {},
): Promise<{ cloud: Cloud; clock: WatchedClock }> {
  const login = await resolveLogin(args, context.environment);
  context.learnSecrets?.(secretsOf(login.credentials));
  context.log('debug', `login from ${login.source}`);
  const now = (): Date => context.now();
  const clock = watchClock(createHttp(args, { ...login, ...watching }, context), now);
  return { cloud: await connect(login, clock.http, now), clock };
}

/**
 * A client for the image store: anonymous, with the TLS options of the arguments, but without the
 * cloud's login.
 */
export function openHttp(
  args: ConnectionArguments,
  context: Context,
  options: Pick<Tls, 'tlsMinimumVersion' | 'onCertificate'> = {},
): HttpClient {
  const caCert = args.ca_cert && withHome(args.ca_cert, context.environment);
  return createHttp(args, { caCert, validateCerts: args.validate_certs ?? true, ...options }, context);
}

function createHttp(args: ConnectionArguments, tls: Tls, context: Context): HttpClient {
  return createHttpClient({
    ...tls,
    environment: context.environment,
    timeoutSeconds: args.timeout,
    signal: context.signal,
    trace: (line) => context.log('debug', line),
    ...(context.learnSecrets ? { learnSecrets: context.learnSecrets } : {}),
    ...(context.redact ? { redact: context.redact } : {}),
  });
}

function secretsOf(credentials: Credentials): string[] {
  return [
    ...('password' in credentials ? [credentials.password] : []),
    ...('secret' in credentials ? [credentials.secret] : []),
    ...('token' in credentials ? [credentials.token] : []),
  ];
}
