// Logins against the real cloud that test/cloud/up starts.
import { afterAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createHttpClient, type HttpClient } from '../../modules/clients/http/client.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import type { Context } from '../../modules/core/operation.js';
import { openCloud, openHttp, type ConnectionArguments } from '../../modules/runtime/connect.js';
import { loginFields } from '../../modules/runtime/login-fields.js';
import { mergeSiteYaml } from '../../modules/runtime/site-yaml.js';
import { temporaryFolder } from '../clients/temporary-folder.js';

const state = resolve(process.env.CHAMELEON_CLOUD_STATE ?? '.cloud');
const isUp = existsSync(join(state, 'cloud.json'));
const facts = isUp ? (JSON.parse(readFileSync(join(state, 'cloud.json'), 'utf8')) as Record<string, string>) : {};
const fact = (name: string): string => facts[name] ?? '';
const cloudsFile = { OS_CLIENT_CONFIG_FILE: join(state, 'clouds.yaml') };
const rootUrl = fact('keystone_url').replace(/\/v3$/, '');
const admin = { auth_url: rootUrl, username: 'admin', password: fact('admin_password'), project_name: 'admin' };
const adminProject = fact('admin_project_id');

const folder = temporaryFolder();
afterAll(() => folder.remove());

type LoginOptions = Omit<ConnectionArguments, 'timeout'>;
type Variables = Readonly<Record<string, string>>;

function contextWith(environment: Variables, lines: string[] = []): Context {
  return {
    checkMode: false,
    environment,
    signal: new AbortController().signal,
    now: () => new Date(),
    random: () => 0.5,
    log: (_, text) => void lines.push(text),
    progress: () => {},
  };
}

function open(args: LoginOptions, environment: Variables = cloudsFile, lines: string[] = []): Promise<Cloud> {
  return openCloud({ timeout: 20, ...args }, contextWith(environment, lines));
}

async function openBySiteYaml(content: string, environment: Variables): Promise<Cloud> {
  const { values } = await mergeSiteYaml(
    loginFields,
    { site_yaml: folder.write('site.yaml', content) },
    { environment },
  );
  return open(values as LoginOptions, environment);
}

/** The project that Glance takes us to be of: that of an image which is created and deleted. */
async function projectAtGlance(cloud: Cloud): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await cloud.request('image', {
    method: 'POST',
    path: '/v2/images',
    headers,
    body: '{"name": "login test"}',
  });
  const { id, owner } = (await answer.json()) as { id: string; owner: string };
  await cloud.request('image', { method: 'DELETE', path: `/v2/images/${id}` });
  return owner;
}

/** A client that remembers the tokens it sent. */
function watchedHttp(): { readonly http: HttpClient; readonly tokens: string[] } {
  const tokens: string[] = [];
  const client = createHttpClient({ validateCerts: true, timeoutSeconds: 20, signal: new AbortController().signal });
  const http: HttpClient = (request) => {
    const token = request.headers?.['X-Auth-Token'];
    if (token && token !== tokens.at(-1)) tokens.push(token);
    return client(request);
  };
  return { http, tokens };
}

async function issueToken(): Promise<string> {
  const { http, tokens } = watchedHttp();
  const cloud = await connect(await resolveLogin({ auth: admin }, {}), http);
  await cloud.request('identity', { method: 'GET', path: '/v3/' });
  return tokens[0] ?? '';
}

const describeOnCloud = isUp ? describe : describe.skip;

describeOnCloud(`logins on the cloud of ${state}${isUp ? '' : ' (skipped: it is not up; run test/cloud/up)'}`, () => {
  test('by password, and nothing secret is logged', async () => {
    const lines: string[] = [];

    const cloud = await open({ cloud: 'local' }, cloudsFile, lines);

    expect(cloud.projectId).toBe(adminProject);
    expect(cloud.identity).toBe(`${rootUrl} ${adminProject} RegionOne`);
    expect(await projectAtGlance(cloud)).toBe(adminProject);
    expect(lines.join('\n')).toMatch(/login from cloud "local".*\nPOST .*\/v3\/auth\/tokens 201 \d+ ms/);
    expect(lines.join('\n')).not.toContain(fact('admin_password'));
  });

  test('of another user and project', async () => {
    expect(await projectAtGlance(await open({ cloud: 'local-user' }))).toBe(fact('demo_project_id'));
  });

  test('by application credential', async () => {
    const cloud = await open({ cloud: 'local-appcred' });

    expect(await projectAtGlance(cloud)).toBe(cloud.projectId);
  });

  test.each([[true], [false]])('by token, the project named: %s', async (named) => {
    const auth = { auth_url: rootUrl, token: await issueToken(), ...(named ? { project_id: adminProject } : {}) };

    expect(await projectAtGlance(await open({ auth }, {}))).toBe(adminProject);
  });

  test('by user id and project id, below /v3/', async () => {
    const auth = {
      auth_url: `${rootUrl}/v3/`,
      user_id: fact('admin_user_id'),
      password: fact('admin_password'),
      project_id: adminProject,
    };

    expect((await open({ auth }, {})).projectId).toBe(adminProject);
  });

  test('by the site.yaml of older tools', async () => {
    const { username, password, project_name: project } = admin;
    const content =
      `auth_url: ${rootUrl}\nadmin_username: ${username}\nadmin_password: ${password}\nadmin_project: ${project}\n` +
      'region_name: RegionOne\n';

    expect((await openBySiteYaml(content, {})).projectId).toBe(adminProject);
  });

  test('by the current site.yaml', async () => {
    expect((await openBySiteYaml('image_store_cloud: local-user\n', cloudsFile)).projectId).toBe(
      fact('demo_project_id'),
    );
  });

  test('by the OS_* environment', async () => {
    const openrc = {
      ...{
        OS_AUTH_URL: `${rootUrl}/v3`,
        OS_USERNAME: 'demo',
        OS_PASSWORD: fact('demo_password'),
        OS_PROJECT_NAME: 'demo',
        OS_TENANT_NAME: 'demo',
      },
      ...{
        OS_USER_DOMAIN_NAME: 'Default',
        OS_PROJECT_DOMAIN_NAME: 'Default',
        OS_REGION_NAME: 'RegionOne',
        OS_INTERFACE: 'internal',
        OS_AUTH_PLUGIN: 'password',
      },
    };

    expect(await projectAtGlance(await open({}, openrc))).toBe(fact('demo_project_id'));
    expect((await open({}, { ...cloudsFile, OS_CLOUD: 'local' })).projectId).toBe(adminProject);
  });

  test('with the right CA', async () => {
    const cloud = await open({ cloud: 'local-tls' });

    expect(await projectAtGlance(cloud)).toBe(adminProject);
  });

  test('with no check of certificates', async () => {
    expect((await open({ cloud: 'local-tls', ca_cert: fact('tls_other_ca'), validate_certs: false })).projectId).toBe(
      adminProject,
    );
  });
});

describeOnCloud('logins that the cloud refuses', () => {
  const token = { auth_url: rootUrl, token: 'gAAAAAnone' };
  const appcred = {
    auth_url: rootUrl,
    application_credential_id: fact('application_credential_id'),
    application_credential_secret: 'wrong',
  };
  const rows: readonly [string, LoginOptions, string, string][] = [
    [
      'a wrong password',
      { cloud: 'local', auth: { password: 'wrong' } },
      'AUTHENTICATION_FAILED',
      `${rootUrl} refused the login of user "admin" in domain "Default" for project "admin"`,
    ],
    [
      'an unknown project',
      { auth: { ...admin, project_name: 'none' } },
      'AUTHENTICATION_FAILED',
      'for project "none" in domain "default" (login from the option auth)',
    ],
    ['an unknown token', { auth: token }, 'AUTHENTICATION_FAILED', 'refused the login of a token'],
    [
      'an unknown token of a project that is named',
      { auth: { ...token, project_id: adminProject } },
      'AUTHENTICATION_FAILED',
      'refused the login of a token',
    ],
    [
      'a wrong secret',
      { auth: appcred },
      'AUTHENTICATION_FAILED',
      `application credential ${fact('application_credential_id')}`,
    ],
    ['another service', { auth: { ...admin, auth_url: fact('glance_url') } }, 'NOT_KEYSTONE', 'is not a Keystone v3'],
    [
      'the image store',
      { auth: { ...admin, auth_url: fact('store_static_url') } },
      'NOT_KEYSTONE',
      'is not a Keystone v3',
    ],
    [
      'an unreachable host',
      { auth: { ...admin, auth_url: 'http://127.0.0.1:9' } },
      'UNREACHABLE',
      'http://127.0.0.1:9 cannot be reached: the connection was refused',
    ],
    [
      'an unknown host',
      { auth: { ...admin, auth_url: 'http://keystone.invalid:5000' } },
      'UNREACHABLE',
      'http://keystone.invalid:5000 cannot be reached',
    ],
    [
      'a certificate without its CA',
      { auth: { ...admin, auth_url: fact('keystone_tls_url') } },
      'CERTIFICATE_REJECTED',
      'name its CA with ca_cert',
    ],
    [
      'a certificate with another CA',
      { cloud: 'local-tls', ca_cert: fact('tls_other_ca') },
      'CERTIFICATE_REJECTED',
      'name its CA with ca_cert',
    ],
    [
      'a certificate of another host',
      { auth: { ...admin, auth_url: fact('keystone_wrong_name_url') }, ca_cert: fact('tls_ca') },
      'CERTIFICATE_REJECTED',
      'it was issued for another host name',
    ],
  ];

  test.each(rows)('%s', async (_, args, code, message) => {
    await expect(open(args)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('a missing service, and a missing region', async () => {
    const cloud = await open({ cloud: 'local' });
    const elsewhere = await open({ cloud: 'local', region_name: 'RegionTwo' });

    await expect(cloud.request('reservation', { method: 'GET', path: '/leases' })).rejects.toMatchObject({
      code: 'SERVICE_MISSING',
      message: expect.stringMatching(
        /has no reservation service with a public endpoint in region "RegionOne"; its catalogue has .*image \(RegionOne: /,
      ),
    });
    await expect(elsewhere.request('image', { method: 'GET', path: '/v2/images' })).rejects.toMatchObject({
      code: 'SERVICE_MISSING',
    });
    expect([cloud.hasService('image'), cloud.hasService('reservation'), elsewhere.hasService('image')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describeOnCloud('a token in use', () => {
  test('is renewed after it was revoked', async () => {
    const { http, tokens } = watchedHttp();
    const cloud = await connect(await resolveLogin({ cloud: 'local' }, cloudsFile), http);
    const readProject = (): Promise<unknown> =>
      cloud
        .request('identity', { method: 'GET', path: `/v3/projects/${adminProject}` })
        .then((answer) => answer.json());
    await readProject();

    await cloud.request('identity', {
      method: 'DELETE',
      path: '/v3/auth/tokens',
      headers: { 'X-Subject-Token': tokens[0] ?? '' },
    });

    expect(await readProject()).toMatchObject({ project: { name: 'admin' } });
    expect(tokens).toHaveLength(2);
  });

  test('is a new one before a long upload', async () => {
    const { http, tokens } = watchedHttp();
    const cloud = await connect(await resolveLogin({ cloud: 'local' }, cloudsFile), http);
    await cloud.request('identity', { method: 'GET', path: '/v3/' });

    await cloud.renewToken();

    expect(await projectAtGlance(cloud)).toBe(adminProject);
    expect(tokens).toHaveLength(2);
  });

  test("follows Glance's own next links", async () => {
    const cloud = await open({ cloud: 'local' });
    const create = async (): Promise<string> => {
      const answer = await cloud.request('image', {
        method: 'POST',
        path: '/v2/images',
        headers: { 'Content-Type': 'application/json' },
        body: '{"name": "next link"}',
      });
      return ((await answer.json()) as { id: string }).id;
    };
    const ids = [await create(), await create()];

    const first = (await (
      await cloud.request('image', { method: 'GET', path: '/v2/images?name=next%20link&limit=1' })
    ).json()) as { next: string };
    const second = await cloud.request('image', { method: 'GET', path: first.next });

    expect(((await second.json()) as { images: unknown[] }).images).toHaveLength(1);
    for (const id of ids) await cloud.request('image', { method: 'DELETE', path: `/v2/images/${id}` });
  });
});

test('the image store answers without a login', async () => {
  if (!isUp) return;
  const http = openHttp({ timeout: 20, ca_cert: fact('tls_ca') }, contextWith({}));

  const answer = await http({ method: 'GET', url: `${fact('store_static_url')}/`, expect: [200, 403, 404] });

  expect(answer.status).toBeGreaterThanOrEqual(200);
});
