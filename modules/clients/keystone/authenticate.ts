// Gets a token from Keystone v3.
import { hasCode, OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import type { HttpAnswer, HttpClient, HttpRequest } from '../http/client.js';
import { HttpError, statusOf } from '../http/errors.js';
import { parseCatalog, type CatalogService } from './catalog.js';
import type { KeystoneCredentials, Project, KeystoneUser } from './credentials.js';

export interface Token {
  readonly token: string;
  readonly expiresAt: Date;
  readonly issuedAt: Date;
  /** Empty for a system-scoped token. */
  readonly projectId: string;
  readonly roles: readonly string[];
  readonly catalog: readonly CatalogService[];
}

export type TokenScope = 'project' | 'system';

export interface Authentication {
  /** Without `/v3`. */
  readonly authUrl: string;
  readonly credentials: KeystoneCredentials;
  readonly scope: TokenScope;
  /** Where the login comes from, for messages. */
  readonly source: string;
}

/**
 * Logs in. Throws AUTHENTICATION_FAILED, NOT_KEYSTONE or NO_PROJECT, and errors of the network
 * unchanged.
 */
export async function authenticate(login: Authentication, http: HttpClient): Promise<Token> {
  const answer = await requestToken(login, http);
  const token = answer.header('x-subject-token');
  const issued = parseToken(await jsonOf(answer));
  if (!token || !issued) throw notKeystone(login, 'it returned no valid token');
  if (issued.scope === undefined) {
    const message =
      `${login.authUrl} accepted ${describeUser(login)}, but the token has no project: ` +
      `give auth.project_name or auth.project_id (login from ${login.source})`;
    throw new OperationError('NO_PROJECT', message, { source: login.source });
  }
  return { token, ...issued };
}

/** What Keystone says about a token, checked; undefined if it is not what Keystone returns. */
function parseToken(body: unknown): (Omit<Token, 'token'> & { scope: TokenScope | undefined }) | undefined {
  if (!isMapping(body) || !isMapping(body.token)) return undefined;
  const { project, system, roles, catalog, expires_at: expires, issued_at: issued } = body.token;
  const [expiresAt, issuedAt] = [new Date(String(expires)), new Date(String(issued))];
  const projectId = isMapping(project) && typeof project.id === 'string' ? project.id : '';
  const services = parseCatalog(catalog ?? []);
  if (Number.isNaN(expiresAt.getTime()) || Number.isNaN(issuedAt.getTime()) || services === undefined) return undefined;
  return {
    expiresAt,
    issuedAt,
    projectId,
    scope: projectId !== '' ? 'project' : system ? 'system' : undefined,
    roles: Array.isArray(roles) ? roles.filter(isMapping).map(({ name }) => String(name)) : [],
    catalog: services,
  };
}

async function requestToken(login: Authentication, http: HttpClient): Promise<HttpAnswer> {
  try {
    return await http(tokenRequest(login));
  } catch (error) {
    const status = statusOf(error);
    // Keystone answers 404 for an unknown or expired token.
    if (status === 401 || (status === 404 && login.credentials.kind === 'token' && (await isKeystone(login, http))))
      throw refused(login, error);
    if (status !== undefined && (status < 400 || status === 404 || status === 405))
      throw notKeystone(login, `it answered ${status}`, error);
    throw error;
  }
}

function tokenRequest({ authUrl, credentials, scope }: Authentication): HttpRequest {
  const url = `${authUrl}/v3/auth/tokens`;
  if (credentials.kind === 'token' && !credentials.project && scope === 'project') {
    // A token made from it would have no project, so it is used as it is; Keystone reports its
    // scope.
    return {
      method: 'GET',
      url,
      headers: { 'X-Auth-Token': credentials.token, 'X-Subject-Token': credentials.token },
      expect: [200],
    };
  }
  const body = JSON.stringify({ auth: requestBody(credentials, scope) });
  // A second token is harmless: the first one is not used and expires.
  return {
    method: 'POST',
    url,
    headers: { 'Content-Type': 'application/json' },
    body,
    expect: [201],
    repeatable: true,
  };
}

/**
 * The JSON of an answer; an empty object if it is not JSON, and so not Keystone's. Throws if it
 * stalls, breaks off or is interrupted.
 */
async function jsonOf(answer: HttpAnswer): Promise<object> {
  try {
    const body = await answer.json();
    return typeof body === 'object' && body !== null ? body : {};
  } catch (error) {
    if (hasCode(error, 'NOT_JSON')) return {};
    throw error;
  }
}

async function isKeystone(login: Authentication, http: HttpClient): Promise<boolean> {
  const answer = await http({ method: 'GET', url: `${login.authUrl}/v3/`, expect: [200, 404] });
  return 'version' in (await jsonOf(answer));
}

function requestBody(credentials: KeystoneCredentials, scope: TokenScope): object {
  const scopeWith = (project: Project | undefined): object =>
    scope === 'system' ? { system: { all: true } } : { project };
  switch (credentials.kind) {
    case 'password': {
      const { user, password, project } = credentials;
      return {
        identity: { methods: ['password'], password: { user: { ...user, password } } },
        scope: scopeWith(project),
      };
    }
    case 'token':
      return {
        identity: { methods: ['token'], token: { id: credentials.token } },
        scope: scopeWith(credentials.project),
      };
    case 'application_credential': {
      const application_credential = { ...credentials.credential, secret: credentials.secret };
      return { identity: { methods: ['application_credential'], application_credential } };
    }
  }
}

function refused(login: Authentication, cause: unknown): OperationError {
  const { authUrl, credentials, source, scope } = login;
  if (scope === 'system') {
    const message =
      `${authUrl} refused ${describeUser(login)} a system-scoped token (system_scope all, login from ${source}): ` +
      'check user and password, and that the user has a role on the system: ' +
      'openstack role add --user USER --system all reader (admin to change nodes)';
    return new OperationError('AUTHENTICATION_FAILED', message, { url: authUrl, source }, cause);
  }
  const project = 'project' in credentials && credentials.project ? ` for project ${nameOf(credentials.project)}` : '';
  const check = {
    password: 'user, password, project and their domains',
    token: 'that the token has not expired',
    application_credential: 'id and secret',
  };
  const message =
    `${authUrl} refused the login of ${describeUser(login)}${project} (login from ${source}): ` +
    `check ${check[credentials.kind]}`;
  return new OperationError('AUTHENTICATION_FAILED', message, { url: authUrl, source }, cause);
}

function notKeystone(login: Authentication, what: string, cause?: unknown): OperationError {
  const url = `${login.authUrl}/v3`;
  const redirect = cause instanceof HttpError && cause.status < 400 ? ` (${cause.message})` : '';
  const message =
    `${url} is not a Keystone v3: ${what}${redirect}; auth_url must be the URL of Keystone, including its path if ` +
    `any, such as https://host/identity (login from ${login.source})`;
  return new OperationError('NOT_KEYSTONE', message, { url, source: login.source }, cause);
}

function describeUser({ credentials }: Authentication): string {
  if (credentials.kind === 'token') return 'a token';
  if (credentials.kind === 'password') return `user ${nameOf(credentials.user)}`;
  const { credential } = credentials;
  return (
    'application credential ' +
    `${'id' in credential ? credential.id : `"${credential.name}" of user ${nameOf(credential.user)}`}`
  );
}

function nameOf(entity: KeystoneUser | Project): string {
  if ('id' in entity) return entity.id;
  return `"${entity.name}" in domain "${'id' in entity.domain ? entity.domain.id : entity.domain.name}"`;
}
