// Logins against the real cloud that test/cloud/up starts.
import { afterAll, expect, test } from '@jest/globals';
import { openHttp } from '../../modules/runtime/connect.js';
import {
  admin,
  adminProject,
  cloudsFile,
  contextWith,
  describeOnCloud,
  fact,
  folder,
  isUp,
  issueToken,
  open,
  openBySiteYaml,
  projectAtGlance,
  rootUrl,
  state,
  type LoginOptions,
} from './real-login.js';

afterAll(() => folder.remove());

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
      'name its CA with',
    ],
    [
      'a certificate with another CA',
      { cloud: 'local-tls', ca_cert: fact('tls_other_ca') },
      'CERTIFICATE_REJECTED',
      'name its CA with',
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

test('the image store answers without a login', async () => {
  if (!isUp) return;
  const http = openHttp({ timeout: 20, ca_cert: fact('tls_ca') }, contextWith({}));

  const answer = await http({ method: 'GET', url: `${fact('store_static_url')}/`, expect: [200, 403, 404] });

  expect(answer.status).toBeGreaterThanOrEqual(200);
});
