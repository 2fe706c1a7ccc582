// Where we read a login in another way than openstacksdk or openstackclient: what we refuse, and
// what we take besides.
import { afterAll, describe, expect, test } from '@jest/globals';
import { endpointsOf } from '../../modules/clients/keystone/catalog.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { auth, catalog, openrc } from './openstacksdk-cases.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe('what openstackclient would understand and we do not', () => {
  test.each([
    ['v2password', `auth_type: v2password, ${auth}`, 'auth_type "v2password"'],
    ['v3totp', `auth_type: v3totp, ${auth}`, 'auth_type "v3totp"'],
    ['v3oidcpassword', `auth_type: v3oidcpassword, ${auth}`, 'auth_type "v3oidcpassword"'],
    ['admin_token', `auth_type: admin_token, ${auth}`, 'auth_type "admin_token"'],
    [
      'a trust',
      'auth: {auth_url: "http://key", username: u, password: p, trust_id: t}',
      'has auth.trust_id, which is not supported',
    ],
    [
      'a passcode',
      'auth: {auth_url: "http://key", username: u, password: p, passcode: "1", project_id: i}',
      'has auth.passcode, which is not supported',
    ],
    ['a profile that openstacksdk brings along', `profile: vexxhost, ${auth}`, 'profile "vexxhost"'],
    [
      'a profile behind a URL',
      'profile: "https://example.org/p", auth: {username: u, password: p, project_name: w}',
      'profile "https://example.org/p"',
    ],
    [
      'system scope for a part',
      'auth: {auth_url: "http://key", username: u, password: p, system_scope: some}',
      'auth.system_scope "some"',
    ],
  ])('refuses %s by name', async (_, entry, message) => {
    const file = folder.write('refused.yaml', `clouds: {site: {${entry}}}`);

    await expect(resolveLogin({ cloud: 'site' }, { OS_CLIENT_CONFIG_FILE: file })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['image_api_version: 1', 'image'],
    ['volume_api_version: 2', 'block-storage'],
    ['baremetal_api_version: 2', 'baremetal'],
  ])('refuses %s when that service is asked', async (entry, type) => {
    const file = folder.write('versions.yaml', `clouds: {site: {${auth}, region_name: A, ${entry}}}`);
    const {
      regionName,
      interface: side,
      endpointOverrides: overrides,
      services: settings,
      authUrl,
    } = await resolveLogin({ cloud: 'site' }, { OS_CLIENT_CONFIG_FILE: file });
    const endpoints = endpointsOf(catalog, { regionName, interface: side, overrides, services: settings, authUrl });

    expect(() => endpoints.root(type)).toThrow(/these tools use version \d: leave it out/);
    expect(endpoints.root('compute')).toBe('http://compute.public.a');
  });
});

describe('beyond openstacksdk', () => {
  test('an openrc with carriage returns', async () => {
    const environment = Object.fromEntries(Object.entries(openrc).map(([name, value]) => [name, `${value}\r`]));

    expect(await resolveLogin({}, environment)).toEqual(await resolveLogin({}, openrc));
  });

  test('an id with zeros in front, of which PyYAML makes an octal number', async () => {
    const file = folder.write(
      'zeros.yaml',
      'clouds: {site: {auth: {auth_url: "http://key", user_id: 0123, password: 0o17, project_id: 00112233}}}',
    );

    expect((await resolveLogin({ cloud: 'site' }, { OS_CLIENT_CONFIG_FILE: file })).credentials).toMatchObject({
      user: { id: '0123' },
      password: '0o17',
      project: { id: '00112233' },
    });
  });

  test('a Bare Metal service without Keystone, by its override alone', async () => {
    const login = await resolveLogin(
      {},
      { OS_AUTH_TYPE: 'none', OS_BAREMETAL_ENDPOINT_OVERRIDE: 'http://ironic:6385' },
    );

    expect(login).toMatchObject({
      credentials: { kind: 'none' },
      endpointOverrides: { baremetal: 'http://ironic:6385' },
    });
  });

  test('interface and certificates of the environment beside OS_CLOUD, as openstackclient takes them', async () => {
    const file = folder.write('beside.yaml', `clouds: {site: {${auth}, interface: public}}`);

    const login = await resolveLogin(
      {},
      {
        OS_CLIENT_CONFIG_FILE: file,
        OS_CLOUD: 'site',
        OS_INTERFACE: 'internal',
        OS_CACERT: '/ca',
        OS_SYSTEM_SCOPE: 'all',
        OS_PASSWORD: 'other',
      },
    );

    expect(login).toMatchObject({
      interface: 'internal',
      caCert: '/ca',
      credentials: { password: 'p', systemScope: 'requested' },
    });
  });
});
