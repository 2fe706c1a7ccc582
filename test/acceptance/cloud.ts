// The cloud that test/cloud/up has started: its facts, and logins by plain requests, so that
// nothing under test is relied on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { logIn } from '../sandbox/log-in.js';
import type { AuthMapping } from '../sandbox/sandbox.js';

/** The top of this checkout, seen from build/test/acceptance. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

const state = process.env.CHAMELEON_CLOUD_STATE ?? join(root, '.cloud');

/**
 * What the services that every test may count on have written down; those of other services are
 * read with `fact`.
 */
export interface CloudFacts {
  readonly cloud_state: string;
  readonly keystone_url: string;
  readonly glance_url: string;
  readonly swift_url: string;
  readonly store_static_url: string;
  readonly os_client_config_file: string;
  readonly admin_user_id: string;
  readonly admin_password: string;
  readonly admin_project_id: string;
  readonly demo_password: string;
  readonly demo_project_id: string;
  readonly [name: string]: string | undefined;
}

/** Reads what `up` has written down. Throws, naming the cure, where there is no cloud. */
export function readCloud(): CloudFacts {
  try {
    return JSON.parse(readFileSync(join(state, 'cloud.json'), 'utf8')) as CloudFacts;
  } catch (cause) {
    throw new Error(`these tests need the test cloud, and ${state} has none: start it with test/cloud/up`, { cause });
  }
}

/**
 * A fact that is there only where the cloud has the service, such as `nova_url`. Throws, naming the
 * cure.
 */
export function fact(cloud: CloudFacts, name: string): string {
  const value = cloud[name];
  if (value === undefined) throw new Error(`the test cloud has no ${name}: test/cloud/up all`);
  return value;
}

/** The login of `admin` or `demo`. */
export function authOf(cloud: CloudFacts, user: 'admin' | 'demo'): AuthMapping {
  return {
    auth_url: cloud.keystone_url,
    username: user,
    password: fact(cloud, `${user}_password`),
    project_name: user,
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  };
}

/** A token of `admin` or `demo`. */
export async function tokenOf(cloud: CloudFacts, user: 'admin' | 'demo'): Promise<string> {
  try {
    return await logIn(authOf(cloud, user));
  } catch (cause) {
    throw new Error(`the test cloud does not answer the login of ${user} (stopped?); run test/cloud/up`, { cause });
  }
}

/**
 * Asks again and again for what is there at last. Throws, saying what was not, after a minute, or
 * after so many seconds.
 */
export async function until<T>(ask: () => Promise<T | false | undefined>, what: string, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found !== false && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`gave up waiting for ${what}`);
    await sleep(200);
  }
}

/**
 * A request whose status is checked. Throws with the answer's text, or naming test/cloud/up where
 * nobody answers.
 */
export async function call(
  method: string,
  url: string,
  options: { headers?: Record<string, string>; body?: Buffer | string } = {},
): Promise<Response> {
  const answer = await fetch(url, { method, ...options }).catch((cause: unknown) => {
    throw new Error(`${method} ${url}: nobody answers; is the test cloud up? test/cloud/up starts it`, { cause });
  });
  if (!answer.ok)
    throw Object.assign(
      new Error(`${method} ${url} answered ${answer.status}: ${(await answer.text()).slice(0, 400)}`),
      { status: answer.status },
    );
  return answer;
}

let cloudToken: Promise<string> | undefined;

/**
 * A token for the admin's own project, to which the image store's account belongs: one for all
 * tests of a file.
 */
export function cloudAdminToken(cloud: CloudFacts): Promise<string> {
  return (cloudToken ??= adminToken(cloud, { project: { id: cloud.admin_project_id } }));
}

let systemToken: Promise<string> | undefined;

/**
 * A token for the whole system, which has no project: an Ironic that enforces scope shows all nodes
 * to no other. One for all tests of a file.
 */
export function cloudSystemToken(cloud: CloudFacts): Promise<string> {
  return (systemToken ??= adminToken(cloud, { system: { all: true } }));
}

/** A token of the admin, scoped to a project or to the system. */
async function adminToken(cloud: CloudFacts, scope: object): Promise<string> {
  const user = { id: cloud.admin_user_id, password: cloud.admin_password };
  const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } });
  const answer = await call('POST', `${cloud.keystone_url}/auth/tokens`, {
    headers: { 'Content-Type': 'application/json' },
    body,
  });
  return answer.headers.get('x-subject-token') ?? '';
}

export interface Project {
  readonly id: string;
  /** Scoped to the project, with the role admin. */
  readonly token: string;
  remove(): Promise<void>;
}

/**
 * A project of its own, in which the admin is admin: its runs see no image that another test is
 * just bringing in.
 */
export async function createProject(cloud: CloudFacts, name: string): Promise<Project> {
  const { project } = await askKeystone<{ project: { id: string } }>(cloud, 'POST', '/projects', {
    project: { name, domain_id: 'default' },
  });
  await grantRole(cloud, { path: `/projects/${project.id}`, userId: cloud.admin_user_id, role: 'admin' });
  const remove = async (): Promise<void> => void (await askKeystone(cloud, 'DELETE', `/projects/${project.id}`));
  return { id: project.id, token: await adminToken(cloud, { project: { id: project.id } }), remove };
}

export interface Member {
  readonly user_id: string;
  readonly password: string;
  remove(): Promise<void>;
}

/** A user without any privileges in a project. */
export function createMember(cloud: CloudFacts, project: Project): Promise<Member> {
  return createUser(cloud, project, { role: 'member' });
}

/** A user with one role in a project, and perhaps one on the system. */
export async function createUser(
  cloud: CloudFacts,
  project: Project,
  { role, systemRole }: { readonly role: string; readonly systemRole?: string },
): Promise<Member> {
  const password = 'of no use elsewhere';
  const { user } = await askKeystone<{ user: { id: string } }>(cloud, 'POST', '/users', {
    user: { name: `${role}-${systemRole ?? 'nothing'}-${project.id}`, domain_id: 'default', password },
  });
  await grantRole(cloud, { path: `/projects/${project.id}`, userId: user.id, role });
  if (systemRole !== undefined) await grantRole(cloud, { path: '/system', userId: user.id, role: systemRole });
  return {
    user_id: user.id,
    password,
    remove: async () => void (await askKeystone(cloud, 'DELETE', `/users/${user.id}`)),
  };
}

async function grantRole(cloud: CloudFacts, grant: { path: string; userId: string; role: string }): Promise<void> {
  await askKeystone(cloud, 'PUT', `${grant.path}/users/${grant.userId}/roles/${await roleId(cloud, grant.role)}`);
}

/** The id of a role, which is created if Keystone is too old to have it. */
async function roleId(cloud: CloudFacts, name: string): Promise<string> {
  const find = async (): Promise<string | undefined> =>
    (await askKeystone<{ roles: { id: string }[] }>(cloud, 'GET', `/roles?name=${name}`)).roles[0]?.id;
  const found = await find();
  if (found !== undefined) return found;
  // 409 where another test was faster.
  await askKeystone(cloud, 'POST', '/roles', { role: { name } }).catch(() => undefined);
  return (await find()) ?? '';
}

async function askKeystone<T>(cloud: CloudFacts, method: string, path: string, body?: unknown): Promise<T> {
  const headers = { 'X-Auth-Token': await cloudAdminToken(cloud), 'Content-Type': 'application/json' };
  const answer = await call(method, cloud.keystone_url + path, {
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}
