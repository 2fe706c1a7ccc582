// A double of Keystone's v3 tokens: password, token and application credential logins, of a project
// or the whole system, one region, one catalogue.

import { randomBytes, randomUUID } from 'node:crypto';

import { Refusal, header, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';

export interface Project {
  readonly id: string;
  readonly name: string;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly project: Project;
  /** In the project. */
  roles: readonly string[];
  /** What the user may do to the whole system; nothing where it is empty. */
  systemRoles: readonly string[];
  readonly applicationCredential: { readonly id: string; readonly secret: string };
}

/** Who a token stands for. */
export interface Identity {
  readonly user: User;
  /** Absent from an unscoped token, and from one of the whole system. */
  readonly project: Project | undefined;
  /** Of the project. */
  readonly isAdmin: boolean;
  /** What a token of the whole system may do; undefined for any other. */
  readonly systemRoles: readonly string[] | undefined;
}

export interface CatalogEntry {
  readonly type: string;
  readonly name: string;
  readonly url: string;
}

export interface KeystoneDouble extends HttpDouble {
  /** The address with /v3. */
  readonly authUrl: string;
  readonly admin: User;
  /** A user without the role admin, in another project. */
  readonly demo: User;
  /** What the catalogue of the next tokens lists, beside the identity service. */
  catalog: readonly CatalogEntry[];
  /** How long the next tokens live. */
  tokenSeconds: number;
  readonly region: string;
  /** What GET /v3/projects lists. */
  readonly projects: Project[];
  /** Makes every token that was given out invalid, as if it had expired. */
  revokeAll(): void;
  /** Who holds this token; undefined if it is unknown, revoked or expired. */
  identify(token: string | undefined): Identity | undefined;
}

interface Token extends Identity {
  readonly methods: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
}

interface Reference {
  readonly id?: string;
  readonly name?: string;
  readonly domain?: { readonly id?: string; readonly name?: string };
}

interface LoginBody {
  readonly auth?: {
    readonly identity?: {
      readonly methods?: readonly string[];
      readonly password?: { readonly user?: Reference & { readonly password?: string } };
      readonly token?: { readonly id?: string };
      readonly application_credential?: { readonly id?: string; readonly secret?: string };
    };
    readonly scope?: { readonly project?: Reference; readonly system?: { readonly all?: boolean } };
  };
}

const domain = { id: 'default', name: 'Default' };

/** What the double remembers; `double` holds what tests may change. */
interface State {
  readonly double: KeystoneDouble;
  readonly tokens: Map<string, Token>;
  readonly now: () => number;
}

type Asked = NonNullable<LoginBody['auth']>;

/** Starts a Keystone with an admin and a demo user; `now` is the clock its tokens live by. */
export async function startKeystone({ now = Date.now }: { now?: () => number } = {}): Promise<KeystoneDouble> {
  const tokens = new Map<string, Token>();
  const server = await startHttpDouble((call) => handle(state, call), now);
  const double: KeystoneDouble = {
    ...server,
    authUrl: `${server.url}/v3`,
    admin: newUser('admin', ['admin', 'member', 'reader'], ['admin', 'member', 'reader']),
    demo: newUser('demo', ['member', 'reader']),
    catalog: [],
    tokenSeconds: 3600,
    region: 'RegionOne',
    projects: [],
    revokeAll: () => tokens.clear(),
    identify: (id) => valid(state, id),
  };
  const state: State = { double, tokens, now };
  return double;
}

function valid({ tokens, now }: State, id: string | undefined): Token | undefined {
  const token = id === undefined ? undefined : tokens.get(id);
  return token !== undefined && token.expiresAt > now() ? token : undefined;
}

function handle(state: State, call: Call): Answer | Promise<Answer> {
  const [version, ...rest] = call.segments;
  const links = [{ rel: 'self', href: `${state.double.authUrl}/` }];
  const entry = { id: 'v3.14', status: 'stable', updated: '2020-04-07T00:00:00Z', links };
  if (version === '') return { status: 300, body: { versions: { values: [entry] } } };
  if (version !== 'v3') return missing();
  if (rest.join('/') === 'auth/tokens') return call.method === 'POST' ? logIn(state, call) : onToken(state, call);
  if (rest.join('/') === 'projects') return listProjects(state, call);
  return rest.join('') === '' ? { status: 200, body: { version: entry } } : missing();
}

/** By default only admins may. */
function listProjects({ double }: State, call: Call): Answer {
  const identity = double.identify(header(call, 'x-auth-token'));
  if (identity?.isAdmin !== true)
    return {
      status: 403,
      body: {
        error: {
          code: 403,
          title: 'Forbidden',
          message: 'You are not authorized to perform the requested action: identity:list_projects.',
        },
      },
    };
  return { status: 200, body: { projects: double.projects, links: { next: null } } };
}

async function logIn(state: State, call: Call): Promise<Answer> {
  const body = (await call.json()) as LoginBody | undefined;
  if (body === undefined) throw failure(400, 'Expecting to find valid JSON in request body.');
  if (body.auth === undefined) throw failure(400, 'Expecting to find auth in request body.');
  const { identity } = body.auth;
  const methods = identity?.methods;
  if (methods === undefined) throw failure(400, "'identity' is a required property");
  const former = methods.includes('token') ? valid(state, identity?.token?.id) : undefined;
  if (methods.includes('token') && former === undefined) throw failure(404, 'Could not recognize Fernet token');
  const token = newToken(state, { methods, user: former?.user ?? userOf(state, body.auth), former, asked: body.auth });
  const id = `gAAAAA${randomBytes(60).toString('base64url')}`;
  state.tokens.set(id, token);
  return shown(state, { call, status: 201, id, token });
}

function newToken(
  { double, now }: State,
  login: { methods: readonly string[]; user: User; former: Token | undefined; asked: Asked },
): Token {
  const { methods, user, former, asked } = login;
  const scope = asked.scope?.project;
  const bound = methods.includes('application_credential') ? user.project : former?.project;
  const forSystem = asked.scope?.system?.all === true;
  // An application credential has the scope that it was made for, whatever is asked.
  if (forSystem && (user.systemRoles.length === 0 || methods.includes('application_credential')))
    throw unauthorized(double.authUrl);
  const project = forSystem ? undefined : scope === undefined ? bound : projectOf(user, scope);
  if (scope !== undefined && project === undefined) throw unauthorized(double.authUrl);
  const issuedAt = now();
  return {
    methods: [...new Set([...methods, ...(former?.methods ?? [])])],
    user,
    project,
    isAdmin: project !== undefined && user.roles.includes('admin'),
    systemRoles: forSystem ? user.systemRoles : scope === undefined ? former?.systemRoles : undefined,
    issuedAt,
    // A token made from another one does not outlive it.
    expiresAt: former?.expiresAt ?? issuedAt + double.tokenSeconds * 1000,
  };
}

function userOf({ double }: State, { identity }: Asked): User {
  const users = [double.admin, double.demo];
  const credential = identity?.application_credential;
  const wanted = identity?.password?.user;
  const user =
    credential !== undefined
      ? users.find(({ applicationCredential: { id, secret } }) => credential.id === id && credential.secret === secret)
      : users.find(({ password, ...rest }) => wanted?.password === password && isNamed(rest, wanted));
  if (user === undefined) throw unauthorized(double.authUrl);
  return user;
}

function projectOf({ project }: User, asked: Reference): Project | undefined {
  return isNamed(project, asked) ? project : undefined;
}

/** Whether the reference, by id or by name and domain, means this one. */
function isNamed(thing: { readonly id: string; readonly name: string }, { id, name, domain: of }: Reference): boolean {
  return id === thing.id || (name === thing.name && (of?.id === domain.id || of?.name === domain.name));
}

function onToken(state: State, call: Call): Answer {
  if (valid(state, header(call, 'x-auth-token')) === undefined) throw unauthorized(state.double.authUrl);
  const id = header(call, 'x-subject-token') ?? '';
  const token = valid(state, id);
  if (token === undefined) throw failure(404, 'Could not recognize Fernet token');
  if (call.method !== 'DELETE') return shown(state, { call, status: 200, id, token });
  state.tokens.delete(id);
  return { status: 204, headers: { Vary: 'X-Auth-Token' } };
}

function shown({ double }: State, of: { call: Call; status: number; id: string; token: Token }): Answer {
  const { methods, user, project, systemRoles, issuedAt, expiresAt } = of.token;
  const base = {
    methods,
    user: { domain, id: user.id, name: user.name, password_expires_at: null },
    audit_ids: [randomBytes(16).toString('base64url')],
    expires_at: instant(expiresAt),
    issued_at: instant(issuedAt),
  };
  const roles = (systemRoles ?? user.roles).map((name) => ({ id: hexId(), name }));
  const scope =
    project !== undefined
      ? { project: { domain, ...project }, is_domain: false, roles }
      : systemRoles
        ? { system: { all: true }, roles }
        : {};
  const catalog =
    (project ?? systemRoles) === undefined || of.call.query.has('nocatalog') ? {} : { catalog: catalogOf(double) };
  const headers = { 'X-Subject-Token': of.id, Vary: 'X-Auth-Token' };
  return { status: of.status, headers, body: { token: { ...base, ...scope, ...catalog } } };
}

function catalogOf({ catalog, authUrl, region }: KeystoneDouble): object[] {
  return [...catalog, { type: 'identity', name: 'keystone', url: authUrl }].map(({ type, name, url }) => ({
    id: hexId(),
    type,
    name,
    endpoints: ['public', 'internal', 'admin'].map((side) => ({
      id: hexId(),
      interface: side,
      region_id: region,
      region,
      url,
    })),
  }));
}

function newUser(name: string, roles: readonly string[], systemRoles: readonly string[] = []): User {
  const project = { id: hexId(), name };
  const applicationCredential = { id: hexId(), secret: `${name}-credential` };
  return { id: hexId(), name, password: `${name}-password`, project, roles, systemRoles, applicationCredential };
}

function hexId(): string {
  return randomUUID().replaceAll('-', '');
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, '.000000Z');
}

function failure(code: number, message: string): Refusal {
  const title = { 400: 'Bad Request', 404: 'Not Found' }[code] ?? 'Unauthorized';
  return new Refusal({ status: code, headers: { Vary: 'X-Auth-Token' }, body: { error: { code, message, title } } });
}

function unauthorized(authUrl: string): Refusal {
  const { answer } = failure(401, 'The request you have made requires authentication.');
  return new Refusal({ ...answer, headers: { ...answer.headers, 'WWW-Authenticate': `Keystone uri="${authUrl}"` } });
}

function missing(): Answer {
  return { status: 404, body: '<!doctype html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n' };
}
