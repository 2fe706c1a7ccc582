// Which token is sent with a request. Nodes of the Bare Metal service belong to no project by
// default, and since 2024.1 it shows those to system-scoped tokens only; the Image and the Compute
// service refuse such tokens. So a login may have both.
import { OperationError } from '../../core/errors.js';
import type { HttpClient } from '../http/client.js';
import { statusOf } from '../http/errors.js';
import type { KeystoneCredentials } from './credentials.js';
import type { Login } from './login.js';
import { openSession, standaloneSession, type Session } from './session.js';

export interface Scopes {
  /** The session whose catalogue is used: the project's, or the system's without a project. */
  readonly base: Session;
  /**
   * The sessions to try for a request, in order: the next one only if the service has refused it.
   * Throws NO_PROJECT.
   */
  sessionsFor(service: string, options: { readonly prefersProject: boolean }): Promise<readonly Session[]>;
  /** Whether requests to the Bare Metal service are sent with a system-scoped token. */
  hasSystemScope(): Promise<boolean>;
}

/** Services that accept a system-scoped token. */
const systemServices: ReadonlySet<string> = new Set(['baremetal', 'identity']);

/**
 * Roles of which a system-scoped token needs one, for the Bare Metal service to show it anything.
 */
const usefulRoles: ReadonlySet<string> = new Set(['admin', 'manager', 'member', 'reader', 'service']);

/** Logs in. Throws AUTHENTICATION_FAILED, NOT_KEYSTONE or NO_PROJECT. */
export async function openScopes(login: Login, http: HttpClient, now: () => Date): Promise<Scopes> {
  const { credentials } = login;
  if (credentials.kind === 'none' || credentials.kind === 'http_basic') {
    const session = standaloneSession(credentials);
    return { base: session, sessionsFor: async () => [session], hasSystemScope: async () => false };
  }
  const authentication = { authUrl: login.authUrl, source: login.source, credentials };
  const base = await openSession(
    { ...authentication, scope: isSystemOnly(credentials) ? 'system' : 'project' },
    http,
    now,
  );
  if (base.projectId === '') return systemAlone(login, base);
  let opening: Promise<Session | undefined> | undefined;
  // Only at the first request to the Bare Metal service; a failure of the network is not
  // remembered.
  const system = (): Promise<Session | undefined> => {
    opening ??= openSystem({
      credentials,
      open: () => openSession({ ...authentication, scope: 'system' }, http, now),
    }).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    base,
    sessionsFor: async (service, { prefersProject }) => {
      const other = service === 'baremetal' ? await system() : undefined;
      if (!other) return [base];
      if (prefersProject) return [base, other];
      return isRequested(credentials) ? [other] : [other, base];
    },
    hasSystemScope: async () => (await system()) !== undefined,
  };
}

function systemAlone({ source }: Login, session: Session): Scopes {
  return {
    base: session,
    sessionsFor: async (service) => {
      if (systemServices.has(service)) return [session];
      const message =
        `the login from ${source} has system scope (system_scope: all) ` +
        `and no project, without which the ${service} service cannot be used: ` +
        'give auth.project_name or auth.project_id as well';
      throw new OperationError('NO_PROJECT', message, { source, service });
    },
    hasSystemScope: async () => true,
  };
}

interface SystemLogin {
  readonly credentials: KeystoneCredentials;
  readonly open: () => Promise<Session>;
}

/** Undefined if system scope was not requested and the user may not have it. */
async function openSystem({ credentials, open }: SystemLogin): Promise<Session | undefined> {
  if (credentials.kind === 'application_credential') return undefined;
  if (isRequested(credentials)) return open();
  try {
    const session = await open();
    return session.roles.some((role) => usefulRoles.has(role)) ? session : undefined;
  } catch (error) {
    // 401 for a user without a role on the system, 403 for a token that may not be exchanged for
    // another, 400 from a Keystone before Queens.
    if (
      (error instanceof OperationError && error.code === 'AUTHENTICATION_FAILED') ||
      [400, 403].includes(statusOf(error) ?? 0)
    )
      return undefined;
    throw error;
  }
}

function isRequested(credentials: KeystoneCredentials): boolean {
  return credentials.kind !== 'application_credential' && credentials.systemScope === 'requested';
}

function isSystemOnly(credentials: KeystoneCredentials): boolean {
  return credentials.kind !== 'application_credential' && isRequested(credentials) && credentials.project === undefined;
}
