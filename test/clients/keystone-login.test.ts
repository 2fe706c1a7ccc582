import { describe, expect, test } from '@jest/globals';
import { optionText } from '../../modules/core/option-text.js';
import { resolveLogin, type Login, type LoginArguments } from '../../modules/clients/keystone/login.js';
import { temporaryFolder } from './temporary-folder.js';

const environment = {
  OS_AUTH_URL: 'http://env:5000/v3',
  OS_USERNAME: 'u',
  OS_PASSWORD: 'p',
  OS_PROJECT_NAME: 'w',
  OS_TENANT_NAME: 'old',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
  OS_CLOUD: '',
};

const auth = { auth_url: 'http://key', username: 'u', password: 'p', project_name: 'w' };

describe('the environment', () => {
  const rows: readonly [string, Record<string, string>, unknown][] = [
    [
      'password',
      {},
      {
        authUrl: 'http://env:5000',
        source: 'the OS_* environment',
        credentials: { kind: 'password', user: { name: 'u', domain: { name: 'Default' } }, project: { name: 'w' } },
      },
    ],
    ['ids', { OS_USER_ID: 'ui', OS_PROJECT_ID: 'pi' }, { credentials: { user: { id: 'ui' }, project: { id: 'pi' } } }],
    [
      'domain ids',
      { OS_USER_DOMAIN_ID: 'd1', OS_PROJECT_DOMAIN_ID: 'd2' },
      { credentials: { user: { domain: { id: 'd1' } }, project: { domain: { id: 'd2' } } } },
    ],
    ['a token', { OS_TOKEN: 't', OS_PASSWORD: '' }, { credentials: { kind: 'token', token: 't' } }],
    ['a token, said so', { OS_TOKEN: 't', OS_AUTH_TYPE: 'v3token' }, { credentials: { kind: 'token', token: 't' } }],
    [
      'an application credential',
      { OS_APPLICATION_CREDENTIAL_ID: 'i', OS_APPLICATION_CREDENTIAL_SECRET: 's' },
      { credentials: { kind: 'application_credential', credential: { id: 'i' }, secret: 's' } },
    ],
    [
      'an application credential by name',
      { OS_APPLICATION_CREDENTIAL_NAME: 'n', OS_APPLICATION_CREDENTIAL_SECRET: 's' },
      { credentials: { credential: { name: 'n', user: { name: 'u' } } } },
    ],
    [
      'region, interface, CA',
      { OS_REGION_NAME: 'R', OS_INTERFACE: 'internal', OS_CACERT: '/ca' },
      { regionName: 'R', interface: 'internal', caCert: '/ca' },
    ],
    [
      'no checks',
      { OS_INSECURE: 'true', OS_ENDPOINT_TYPE: 'internalURL' },
      { validateCerts: false, interface: 'internal' },
    ],
    ['an override', { OS_BAREMETAL_ENDPOINT_OVERRIDE: 'http://b' }, { endpointOverrides: { baremetal: 'http://b' } }],
    [
      'a standalone Ironic',
      { OS_AUTH_TYPE: 'none', OS_ENDPOINT: 'http://i:6385' },
      { authUrl: 'http://i:6385', credentials: { kind: 'none' }, endpointOverrides: { baremetal: 'http://i:6385' } },
    ],
    [
      'HTTP basic',
      { OS_AUTH_TYPE: 'http_basic', OS_ENDPOINT: 'http://i' },
      { credentials: { kind: 'http_basic', username: 'u', password: 'p' } },
    ],
  ];

  test.each(rows)('%s', async (_, variables, expected) => {
    expect(await resolveLogin({}, { ...environment, ...variables })).toMatchObject(expected as Partial<Login>);
  });

  test('OS_CLOUD precedes OS_AUTH_URL', async () => {
    const folder = temporaryFolder();
    const file = folder.write(
      'c',
      'clouds: {a: {auth: {auth_url: "http://a", username: u, password: p, project_id: i}}}',
    );

    const login = await resolveLogin({}, { ...environment, OS_CLOUD: 'a', OS_CLIENT_CONFIG_FILE: file });

    expect(login).toMatchObject({ authUrl: 'http://a', source: `cloud "a" of ${file}` });
    folder.remove();
  });
});

describe('the arguments', () => {
  test('auth precedes the environment, and takes nothing from it', async () => {
    const login = await resolveLogin({ auth }, { ...environment, OS_REGION_NAME: 'R' });

    expect(login).toMatchObject({
      authUrl: 'http://key',
      source: 'the option auth',
      regionName: undefined,
      credentials: { user: { domain: { id: 'default' } } },
    });
  });

  test('single options override the source', async () => {
    const given: LoginArguments = {
      region_name: 'X',
      interface: 'admin',
      ca_cert: '~/ca',
      validate_certs: true,
      endpoint_override: { block_storage: 'http://v' },
    };

    const login = await resolveLogin(given, {
      ...environment,
      HOME: '/h',
      OS_REGION_NAME: 'R',
      OS_INTERFACE: 'internal',
      OS_CACERT: '/ca',
      OS_INSECURE: '1',
    });

    expect(login).toMatchObject({
      regionName: 'X',
      interface: 'admin',
      caCert: '/h/ca',
      validateCerts: true,
      endpointOverrides: { 'block-storage': 'http://v' },
    });
  });

  test('keys of auth override those of the cloud, a name its id too', async () => {
    const folder = temporaryFolder();
    const file = folder.write(
      'c',
      'clouds: {a: {auth: {auth_url: "http://a", username: u, password: p, project_id: i}, region_name: R}}',
    );

    const login = await resolveLogin(
      { cloud: 'a', auth: { project_name: 'w', user_id: 'x' } },
      { OS_CLIENT_CONFIG_FILE: file },
    );

    expect(login).toMatchObject({
      authUrl: 'http://a',
      regionName: 'R',
      credentials: { user: { id: 'x' }, project: { name: 'w' } },
    });
    folder.remove();
  });

  test('none with an endpoint_override alone', async () => {
    const login = await resolveLogin({ auth_type: 'none', endpoint_override: { baremetal: 'http://i' } }, environment);

    expect(login).toMatchObject({ authUrl: 'http://i', credentials: { kind: 'none' } });
  });

  test.each([
    'http://k:5000',
    'http://k:5000/',
    'http://k:5000/v3',
    'http://k:5000/v3/',
    'http://k:5000/v2.0',
    'http://k:5000/v2.0//',
  ])('takes %s for the same Keystone', async (url) => {
    expect((await resolveLogin({ auth: { ...auth, auth_url: url } }, {})).authUrl).toBe('http://k:5000');
  });

  test('keeps the path of a Keystone behind a prefix', async () => {
    expect((await resolveLogin({ auth: { ...auth, auth_url: 'https://k/identity/v3' } }, {})).authUrl).toBe(
      'https://k/identity',
    );
  });
});

describe('what is missing', () => {
  const rows: readonly [string, LoginArguments, Record<string, string>, string][] = [
    ['everything', {}, {}, `there is no login: give ${optionText('cloud')} (a name in clouds.yaml), or `],
    ['everything but a user', {}, { OS_USERNAME: 'u' }, 'OS_AUTH_URL'],
    [
      'the auth URL',
      { auth: { username: 'u', password: 'p', project_name: 'w' } },
      {},
      'the login from the option auth has no auth.auth_url',
    ],
    ['the user', { auth: { ...auth, username: '' } }, {}, 'the login from the option auth has no auth.username'],
    [
      'the user, behind site.yaml',
      { auth: { ...auth, username: undefined }, site_yaml: '/s.yaml' },
      {},
      'the login from the options and /s.yaml has no auth.username',
    ],
    ['the password', {}, { ...environment, OS_PASSWORD: '' }, 'the login from the OS_* environment has no OS_PASSWORD'],
    [
      'the project',
      {},
      { ...environment, OS_PROJECT_NAME: '', OS_TENANT_NAME: '' },
      'has no project: give OS_PROJECT_NAME or OS_PROJECT_ID',
    ],
    ['the token', { auth_type: 'token', auth }, {}, 'has no auth.token'],
    [
      'the secret',
      { auth: { auth_url: 'http://k', application_credential_id: 'i' } },
      {},
      'has no auth.application_credential_secret',
    ],
    [
      'the credential',
      { auth: { auth_url: 'http://k', application_credential_secret: 's' } },
      {},
      'has no auth.application_credential_id',
    ],
    ['the endpoint', { auth_type: 'http_basic', auth }, {}, 'so it needs auth.endpoint or endpoint_override'],
    [
      'a URL without a password',
      { auth: { ...auth, auth_url: 'http://u:hunter2@k' } },
      {},
      'auth.auth_url must not contain a user or a password',
    ],
    [
      'a real override',
      { auth, endpoint_override: { image: 'glance' } },
      {},
      'endpoint_override.image: "glance" is not an http or https URL',
    ],
  ];

  test.each(rows)('%s', async (_, args, variables, message) => {
    await expect(resolveLogin(args, variables)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message),
    });
  });
});
