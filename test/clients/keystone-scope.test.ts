import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin, type LoginArguments } from '../../modules/clients/keystone/login.js';
import { header, startHttpDouble } from '../sandbox/http-double.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';

const http = createHttpClient({
  validateCerts: true,
  timeoutSeconds: 5,
  firstPauseMs: 1,
  signal: new AbortController().signal,
});

let sandbox: Sandbox;
/** The scopes of the tokens with which the Bare Metal service was asked, in order. */
let scopes: string[];
let clock: number;

beforeEach(async () => {
  clock = Date.now();
  sandbox = await startSandbox({ services: ['baremetal'], now: () => clock });
  scopes = [];
  sandbox.users.baremetal.enforcesScope = true;
  sandbox.users.baremetal.intervene = (call) => {
    const identity = sandbox.keystone.identify(header(call, 'x-auth-token'));
    scopes.push(identity?.systemRoles ? 'system' : (identity?.project?.name ?? 'none'));
    return undefined;
  };
});

afterEach(() => sandbox.close());

async function open(args: LoginArguments = { auth: { ...sandbox.auth } }): Promise<Cloud> {
  return connect(await resolveLogin(args, {}), http, () => new Date(clock));
}

async function namesOf(cloud: Cloud): Promise<string[]> {
  const answer = await cloud.request('baremetal', {
    method: 'GET',
    path: '/v1/nodes',
    headers: { 'X-OpenStack-Ironic-API-Version': '1.65' },
  });
  return ((await answer.json()) as { nodes: { name: string }[] }).nodes.map(({ name }) => name);
}

const logins = (): number => sandbox.keystone.requests.filter(({ method }) => method === 'POST').length;
const withoutProject = (): Record<string, string> => ({ ...sandbox.auth, project_name: '', system_scope: 'all' });

describe('a system-scoped token', () => {
  test('is used for bare metal by default, if the user has a role on the system', async () => {
    sandbox.users.baremetal.seed({ name: 'nobodys' });
    const cloud = await open();

    expect(await namesOf(cloud)).toEqual(['nobodys']);

    expect(scopes).toEqual(['system']);
    expect((await cloud.request('image', { method: 'GET', path: '/v2/images' })).status).toBe(200);
    expect([cloud.projectId, await cloud.baremetalScope(), logins()]).toEqual([
      sandbox.keystone.admin.project.id,
      'system',
      2,
    ]);
  });

  test('is not requested by a login that has nothing to do with bare metal', async () => {
    const cloud = await open();

    await cloud.request('image', { method: 'GET', path: '/v2/images' });

    expect(logins()).toBe(1);
  });

  test.each([
    ['has no role there', []],
    ['has a role there that is good for nothing', ['auditor']],
  ])('is done without where the user %s', async (_, roles) => {
    sandbox.keystone.admin.systemRoles = roles;
    sandbox.users.baremetal.seed({ name: 'nobodys' });
    sandbox.users.baremetal.seed({ name: 'ours', owner: sandbox.keystone.admin.project.id });
    const cloud = await open();

    expect(await namesOf(cloud)).toEqual(['ours']);
    expect(await namesOf(cloud)).toEqual(['ours']);

    expect([scopes, logins(), await cloud.baremetalScope()]).toEqual([['admin', 'admin'], 2, 'project']);
  });

  test.each([
    ['auth.system_scope', () => ({ auth: { ...sandbox.auth, system_scope: 'all' } })],
    ['system_scope', () => ({ auth: { ...sandbox.auth }, system_scope: 'all' as const })],
  ])('that is requested by %s and refused is an error that says how to get one', async (_, args) => {
    sandbox.keystone.admin.systemRoles = [];
    const cloud = await open(args());

    await expect(namesOf(cloud)).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringMatching(
        new RegExp(
          'refused user "admin" in domain "Default" a system-scoped token ' +
            '\\(system_scope all, login from the option auth\\): .*openstack role add --user USER --system all reader',
        ),
      ),
    });
    expect(scopes).toEqual([]);
  });

  test('is never requested with an application credential', async () => {
    const { id, secret } = sandbox.keystone.admin.applicationCredential;
    const auth = {
      auth_url: sandbox.auth.auth_url,
      application_credential_id: id,
      application_credential_secret: secret,
    };
    const cloud = await open({ auth });

    await namesOf(cloud);

    expect([scopes, logins()]).toEqual([['admin'], 1]);
    await expect(open({ auth, system_scope: 'all' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('with an application credential, which Keystone binds to its project'),
    });
  });

  test('is derived from a given token', async () => {
    const { username, password, ...rest } = sandbox.auth;
    const cloud = await open({ auth: { ...rest, token: await issueToken() } });

    await namesOf(cloud);

    expect(scopes).toEqual(['system']);
    expect([username, password].every(Boolean)).toBe(true);
  });

  test('is renewed like that of the project', async () => {
    const cloud = await open();
    await namesOf(cloud);
    clock += 59 * 60_000;
    await namesOf(cloud);
    sandbox.keystone.revokeAll();

    await namesOf(cloud);

    expect(scopes).toEqual(['system', 'system', 'none', 'system']);
    expect((await cloud.request('image', { method: 'GET', path: '/v2/images' })).status).toBe(200);
  });

  test.each(['ALL', 'none'])('must be all, not %s', async (scope) => {
    await expect(open({ auth: { ...sandbox.auth, system_scope: scope } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `the login from the option auth has auth.system_scope "${scope}"; the only system scope is all`,
    });
  });
});

async function issueToken(): Promise<string> {
  const user = { name: 'admin', domain: { id: 'default' }, password: sandbox.auth.password };
  const body = JSON.stringify({
    auth: {
      identity: { methods: ['password'], password: { user } },
      scope: { project: { id: sandbox.keystone.admin.project.id } },
    },
  });
  return (
    (await http({ method: 'POST', url: `${sandbox.auth.auth_url}/auth/tokens`, body })).header('x-subject-token') ?? ''
  );
}

describe('a login with system scope only', () => {
  test('works for bare metal, and reports what images need', async () => {
    const cloud = await open({ auth: withoutProject() });

    expect(await namesOf(cloud)).toEqual([]);

    expect([cloud.projectId, cloud.identity]).toEqual(['', `${sandbox.keystone.url} system RegionOne`]);
    await expect(cloud.request('image', { method: 'GET', path: '/v2/images' })).rejects.toMatchObject({
      code: 'NO_PROJECT',
      message:
        'the login from the option auth has system scope (system_scope: all) ' +
        'and no project, without which the image service cannot be used: ' +
        'give auth.project_name or auth.project_id as well',
    });
  });

  test('is what a given system-scoped token means', async () => {
    const user = { name: 'admin', domain: { id: 'default' }, password: sandbox.auth.password };
    const body = JSON.stringify({
      auth: { identity: { methods: ['password'], password: { user } }, scope: { system: { all: true } } },
    });
    const token =
      (await http({ method: 'POST', url: `${sandbox.auth.auth_url}/auth/tokens`, body })).header('x-subject-token') ??
      '';

    const cloud = await open({ auth: { auth_url: sandbox.auth.auth_url, token } });

    expect(await namesOf(cloud)).toEqual([]);
    expect([scopes, await cloud.baremetalScope()]).toEqual([['system'], 'system']);
  });
});

describe('a request that is refused within one scope', () => {
  const answers = async (
    allowed: string,
  ): Promise<{
    readonly ask: (prefersProject?: boolean) => Promise<unknown>;
    readonly close: () => Promise<void>;
    readonly seen: string[];
  }> => {
    const seen: string[] = [];
    const ironic = await startHttpDouble((call) => {
      const scope = sandbox.keystone.identify(header(call, 'x-auth-token'))?.systemRoles ? 'system' : 'project';
      seen.push(scope);
      return scope === allowed ? { status: 200, body: {} } : { status: scope === 'project' ? 404 : 403, body: {} };
    });
    const cloud = await open({ auth: { ...sandbox.auth }, endpoint_override: { baremetal: ironic.url } });
    return {
      ask: (prefersProject = false) =>
        cloud.request('baremetal', { method: 'PUT', path: '/v1/nodes/x', body: '{}', prefersProject }),
      close: ironic.close,
      seen,
    };
  };

  test.each([
    ['the project may what the system role may not', 'project', false, ['system', 'project']],
    ['the system may at once', 'system', false, ['system']],
    ['images are to be read: the project may', 'project', true, ['project']],
    ['images are to be read: the project does not see the node', 'system', true, ['project', 'system']],
  ] as const)('goes on to the other one: %s', async (_, allowed, prefersProject, expected) => {
    const { ask, close, seen } = await answers(allowed);

    await ask(prefersProject);

    expect(seen).toEqual(expected);
    await close();
  });

  test('is an error if both refuse it', async () => {
    const { ask, close } = await answers('nobody');

    await expect(ask(true)).rejects.toMatchObject({ status: 403 });
    await close();
  });
});
