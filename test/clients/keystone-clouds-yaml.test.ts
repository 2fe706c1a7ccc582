import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveLogin, type Login } from '../../modules/clients/keystone/login.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => folder.remove());

/** Logs in by the cloud `site` of a clouds.yaml with this content. */
function loginBy(content: string, name = 'clouds.yaml'): Promise<Login> {
  return resolveLogin({ cloud: 'site' }, { OS_CLIENT_CONFIG_FILE: folder.write(name, content) });
}

const auth = 'auth: {auth_url: "http://key:5000", username: u, password: p, project_name: w}';

describe('what an entry may contain', () => {
  const password = {
    kind: 'password',
    password: 'p',
    user: { name: 'u', domain: { id: 'default' } },
    project: { name: 'w', domain: { id: 'default' } },
  };
  const rows: readonly [string, string, Partial<Login>][] = [
    [
      'the least',
      auth,
      {
        authUrl: 'http://key:5000',
        credentials: password as never,
        interface: 'public',
        validateCerts: true,
        regionName: undefined,
      },
    ],
    ['a region', `${auth}, region_name: R`, { regionName: 'R' }],
    ['regions, of which the first counts', `${auth}, regions: [A, B]`, { regionName: 'A' }],
    [
      'regions with values',
      `${auth}, regions: [{name: A, values: {image-endpoint-override: "http://a"}}]`,
      { regionName: 'A', endpointOverrides: { image: 'http://a' } },
    ],
    ['an interface', `${auth}, interface: internal`, { interface: 'internal' }],
    ['an interface of old', `${auth}, endpoint_type: adminURL`, { interface: 'admin' }],
    ['a CA in the home folder', `${auth}, cacert: /ca.pem`, { caCert: '/ca.pem' }],
    ['verify: false', `${auth}, verify: false`, { validateCerts: false }],
    ['verify: "no"', `${auth}, verify: "no"`, { validateCerts: false }],
    ['insecure: true', `${auth}, insecure: True`, { validateCerts: false }],
    [
      'overrides',
      `${auth}, object_store_endpoint_override: "http://o"`,
      { endpointOverrides: { 'object-store': 'http://o' } },
    ],
    ['version 3', `${auth}, identity_api_version: 3`, { authUrl: 'http://key:5000' }],
    [
      'a password that looks like a number',
      auth.replace('password: p', 'password: 0123'),
      { credentials: { ...password, password: '0123' } as never },
    ],
    [
      'keys of old',
      'auth: {auth_url: "http://key", username: u, password: p, tenant-name: w}',
      { credentials: password as never },
    ],
    [
      'project and domain beside auth',
      'auth: {auth_url: "http://key", username: u, password: p}, project_name: w, domain_name: D',
      {
        credentials: {
          ...password,
          user: { name: 'u', domain: { name: 'D' } },
          project: { name: 'w', domain: { name: 'D' } },
        } as never,
      },
    ],
    [
      'an application credential',
      'auth_type: v3applicationcredential, auth: {auth_url: "http://key", application_credential_id: ' +
        'i, application_credential_secret: s}',
      { credentials: { kind: 'application_credential', credential: { id: 'i' }, secret: 's' } },
    ],
  ];

  test.each(rows)('%s', async (_, entry, expected) => {
    const login = await loginBy(`clouds: {site: {${entry}}}`);

    expect(login).toMatchObject(expected);
  });

  test('anchors and merge keys', async () => {
    const login = await loginBy(
      'base: &base\n  auth: {auth_url: http://key, username: u, password: p, project_id: i}\nclouds:\n  site:\n' +
        '    <<: *base\n    region_name: R\n',
    );

    expect(login).toMatchObject({ regionName: 'R', credentials: { project: { id: 'i' } } });
  });
});

describe('where the files are searched', () => {
  const content = (region: string): string => `clouds: {site: {${auth}, region_name: ${region}}}`;

  test.each([
    ['xdg', 'clouds.yaml'],
    ['xdg', 'clouds.yml'],
    ['home/.config', 'clouds.yaml'],
  ])('finds %s/openstack/%s', async (place, name) => {
    folder.write(`${place}/openstack/${name}`, content('here'));

    const login = await resolveLogin(
      { cloud: 'site' },
      { HOME: `${folder.path}/home`, XDG_CONFIG_HOME: `${folder.path}/xdg` },
    );

    expect(login.regionName).toBe('here');
  });

  test('reads JSON', async () => {
    const json = JSON.stringify(
      {
        clouds: {
          site: { auth: { auth_url: 'http://key', username: 'u', password: 'p', project_id: 'i' }, verify: false },
        },
      },
      undefined,
      '\t',
    );
    folder.write('xdg/openstack/clouds.json', json);

    const login = await resolveLogin({ cloud: 'site' }, { XDG_CONFIG_HOME: `${folder.path}/xdg`, HOME: folder.path });

    expect(login.validateCerts).toBe(false);
  });

  test('takes the password from secure.yaml of the same folders', async () => {
    folder.write(
      '.config/openstack/clouds.yaml',
      'clouds: {site: {auth: {auth_url: "http://key", username: u, password: open, project_id: i}}}',
    );
    folder.write('.config/openstack/secure.yaml', 'clouds: {site: {auth: {password: hidden}}, other: {}}');

    const login = await resolveLogin({ cloud: 'site' }, { HOME: folder.path });

    expect(login.credentials).toMatchObject({ password: 'hidden', user: { name: 'u' } });
  });

  test('takes secure.yaml from OS_CLIENT_SECURE_FILE', async () => {
    const environment = {
      OS_CLIENT_CONFIG_FILE: folder.write(
        'c',
        'clouds: {site: {auth: {auth_url: "http://key", username: u, project_id: i}}}',
      ),
      OS_CLIENT_SECURE_FILE: folder.write('s', 'clouds: {site: {auth: {password: hidden}}}'),
    };

    expect((await resolveLogin({ cloud: 'site' }, environment)).credentials).toMatchObject({ password: 'hidden' });
  });
});

describe('what is refused', () => {
  const rows: readonly [string, string, string | RegExp][] = [
    ['a list', '- a', /clouds\.yaml must be a mapping of keys to values, but it is a list/],
    ['nothing', '', 'it is empty'],
    ['plain text', 'hello', 'it is plain text'],
    ['a vault', '$ANSIBLE_VAULT;1.1;AES256\n31323334\n', 'encrypted by ansible-vault'],
    ['HTML', '<!DOCTYPE html>\n<html></html>', 'is HTML or XML, not YAML'],
    ['bad YAML', 'clouds:\n  site: {auth: [}\n', /clouds\.yaml line 2 is not valid YAML/],
    ['a key twice', 'clouds: {}\nclouds: {}\n', 'line 2 is not valid YAML: a key is given twice'],
    ['two documents', 'clouds: {}\n---\nclouds: {}\n', 'more than one document'],
    ['no clouds', 'cloud: {}', 'must have a top-level mapping "clouds"'],
    ['a cloud that is text', 'clouds: {site: text}', 'cloud "site" must be a mapping'],
    ['auth that is text', 'clouds: {site: {auth: text}}', 'auth must be a mapping'],
    [
      'Keystone v2',
      `clouds: {site: {${auth}, identity_api_version: 2.0}}`,
      'identity_api_version 2.0 is not supported; only version 3',
    ],
    [
      'a profile',
      'clouds: {site: {profile: vexxhost, auth: {username: u}}}',
      'profile "vexxhost", and profiles are not supported: give auth.auth_url',
    ],
    ['a strange verify', `clouds: {site: {${auth}, verify: perhaps}}`, 'verify must be yes or no, not "perhaps"'],
    ['a strange insecure', `clouds: {site: {${auth}, insecure: maybe}}`, 'insecure must be yes or no, not "maybe"'],
    [
      'a strange interface',
      `clouds: {site: {${auth}, interface: secret}}`,
      'interface must be public, internal or admin',
    ],
    [
      'a strange auth_type',
      `clouds: {site: {${auth}, auth_type: v3oidcpassword}}`,
      /cloud "site" of .* has auth_type "v3oidcpassword", which is not supported; supported: password/,
    ],
    [
      'a bad URL',
      'clouds: {site: {auth: {auth_url: key, username: u, password: p, project_id: i}}}',
      'auth.auth_url: "key" is not an http or https URL',
    ],
  ];

  test.each(rows)('%s', async (_, content, message) => {
    await expect(loginBy(content)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['p: *hunter2', 'an alias'],
    ['p: !hunter2 x', 'a tag'],
    ['p: "\\hunter2"', 'an escape'],
  ])('without quoting a password: %s', async (line) => {
    const error = await loginBy(`clouds:\n  site: {${line}}\n`).catch((thrown: Error) => thrown.message);

    expect(error).toContain('is not valid YAML');
    expect(error).not.toContain('hunter');
  });

  test('an unknown cloud, with the nearest name and all of them', async () => {
    await expect(loginBy('clouds: {uc_prod: {}, site_: {}}')).rejects.toThrow(
      /cloud "site" is not in .*clouds\.yaml; did you mean "site_"\?; it has site_, uc_prod/,
    );
  });

  test('an unknown cloud where there is no file, with the folders that were searched', async () => {
    await expect(resolveLogin({ cloud: 'site' }, { HOME: folder.path })).rejects.toThrow(
      `there is no clouds.yaml in ${process.cwd()}, ${folder.path}/.config/openstack, /etc/xdg/openstack, ` +
        '/etc/openstack; OS_CLIENT_CONFIG_FILE may name one',
    );
  });

  test('a named file that does not exist', async () => {
    await expect(resolveLogin({ cloud: 'site' }, { OS_CLIENT_CONFIG_FILE: '/nowhere/c' })).rejects.toThrow(
      'OS_CLIENT_CONFIG_FILE names /nowhere/c, but there is no such file',
    );
  });

  test('a folder in place of the file, and a huge file', async () => {
    await expect(resolveLogin({ cloud: 'site' }, { OS_CLIENT_CONFIG_FILE: folder.path })).rejects.toThrow(
      `${folder.path} cannot be read: it is a directory`,
    );
    await expect(loginBy(`# ${'x'.repeat(1024 * 1024)}`)).rejects.toThrow('larger than 1 MiB');
    await expect(
      resolveLogin({ cloud: 'site' }, { OS_CLIENT_CONFIG_FILE: folder.write('b', Buffer.from([0xff, 0xfe, 0x80])) }),
    ).rejects.toThrow('not UTF-8 text');
  });
});
