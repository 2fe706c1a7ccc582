// Keeps a login alive: one token for all requests, renewed before it expires, or once it has been
// refused.
import type { HttpClient } from '../http/client.js';
import { authenticate, type Authentication, type Token } from './authenticate.js';
import type { CatalogService } from './catalog.js';
import type { StandaloneCredentials } from './credentials.js';

export type LoginHeaders = Readonly<Record<string, string>>;

export interface Session {
  /** Empty without Keystone, and for system scope. */
  readonly projectId: string;
  readonly catalog: readonly CatalogService[];
  /** What the user may do within the scope. */
  readonly roles: readonly string[];
  /** The headers with the login, which is renewed first if it is about to expire. */
  headers(): Promise<LoginHeaders>;
  /**
   * Logs in again, unless that has happened since the headers `refused` were returned, or, if none
   * were refused, the token has just been issued. False if that cannot help.
   */
  renew(refused?: LoginHeaders): Promise<boolean>;
}

const marginMs = 120_000;
/** Less of its life than this makes no difference to a long upload. */
const freshShare = 0.05;

/** Logs in to Keystone immediately: the catalogue is needed before any request. */
export async function openSession(login: Authentication, http: HttpClient, now: () => Date): Promise<Session> {
  const first = await authenticate(login, http);
  let current = { 'X-Auth-Token': first.token };
  let times = timesOf(first, now());
  let renewing: Promise<void> | undefined;
  const logIn = async (): Promise<void> => {
    const token = await authenticate(login, http);
    current = { 'X-Auth-Token': token.token };
    times = timesOf(token, now());
  };
  // Concurrent requests that find the token expired share one login.
  const logInOnce = (): Promise<void> => (renewing ??= logIn().finally(() => (renewing = undefined)));
  // A token that was made from another token expires with it.
  const renewable = login.credentials.kind !== 'token';
  return {
    projectId: first.projectId,
    catalog: first.catalog,
    roles: first.roles,
    headers: async () => {
      if (renewable && now().getTime() >= times.renewAt) await logInOnce();
      return current;
    },
    renew: async (refused) => {
      if (refused ? refused === current : renewable && now().getTime() >= times.freshUntil) await logInOnce();
      return true;
    },
  };
}

/** Without Keystone there is nothing to renew and no catalogue. */
export function standaloneSession(credentials: StandaloneCredentials): Session {
  const headers: LoginHeaders =
    credentials.kind === 'none'
      ? {}
      : { Authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}` };
  return { projectId: '', catalog: [], roles: [], headers: async () => headers, renew: async () => false };
}

/**
 * By this host's clock, which may differ from Keystone's: a token's lifetime is counted from when
 * it was received. In milliseconds since 1970.
 */
function timesOf(token: Token, received: Date): { readonly renewAt: number; readonly freshUntil: number } {
  const lifeMs = token.expiresAt.getTime() - token.issuedAt.getTime();
  return {
    renewAt: received.getTime() + lifeMs - Math.min(marginMs, lifeMs / 2),
    freshUntil: received.getTime() + lifeMs * freshShare,
  };
}
