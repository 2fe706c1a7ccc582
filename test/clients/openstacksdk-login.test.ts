// The same files and variables, read by us and by the openstacksdk of the distribution: the same
// user, project, region, endpoints and certificates.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endpointsOf, type CatalogService } from '../../modules/clients/keystone/catalog.js';
import type { Credentials, Domain } from '../../modules/clients/keystone/credentials.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { temporaryFolder } from './temporary-folder.js';

interface Case {
  readonly clouds?: string;
  readonly secure?: string;
  readonly public?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Undefined: what the environment says. */
  readonly cloud?: string;
}

const auth = 'auth: {auth_url: "http://key:5000/v3", username: u, password: p, project_name: w}';
const site = (entry: string): Case => ({ clouds: `clouds: {site: {${entry}}}`, cloud: 'site' });
const openrc = {
  OS_AUTH_URL: 'http://env:5000/v3',
  OS_USERNAME: 'u',
  OS_PASSWORD: 'p',
  OS_PROJECT_NAME: 'w',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
  OS_REGION_NAME: 'A',
};
const regions =
  'regions: [A, {name: B, values: {image_endpoint_override: "http://b/v2", interface: internal, auth: ' +
  '{project_name: other}}}]';

/** As kolla-ansible writes it, ansible/templates/clouds.yaml.j2. */
const kolla = `
clouds:
  kolla-admin:
    auth: {auth_url: https://api.example.org:5000, project_domain_name: Default, user_domain_name: Default,
      project_name: admin, username: admin, password: "hunter2"}
    region_name: A
    cacert: /etc/ssl/ca.crt
  kolla-admin-system:
    auth: {auth_url: https://api.example.org:5000, user_domain_name: Default, system_scope: all,
      username: admin, password: hunter2}
    region_name: A
  kolla-admin-internal:
    auth: {auth_url: http://10.0.0.1:5000, project_domain_name: Default, user_domain_name: Default,
      project_name: admin, username: admin, password: hunter2}
    interface: internal
    region_name: A
`;

const same: Readonly<Record<string, Case>> = {
  'the least': site(`${auth}, region_name: A`),
  'regions, the first': site(`${auth}, ${regions}`),
  'regions, OS_REGION_NAME': { ...site(`${auth}, ${regions}`), environment: { OS_REGION_NAME: 'B' } },
  'regions, OS_CLOUD and OS_REGION_NAME': {
    clouds: `clouds: {site: {${auth}, ${regions}}}`,
    environment: { OS_CLOUD: 'site', OS_REGION_NAME: 'B' },
  },
  'regions with a value over that of the cloud': site(
    `${auth}, image_endpoint_override: "http://a/v2", regions: [{name: B, values: {image_endpoint_override: ` +
      '"http://b/v2"}}]',
  ),
  'region_name with commas': { ...site(`${auth}, region_name: "A,B"`), environment: { OS_REGION_NAME: 'B' } },
  'an interface': site(`${auth}, region_name: A, interface: internal`),
  'endpoint_type, internalURL': site(`${auth}, region_name: A, endpoint_type: internal`),
  'an interface for one service': site(`${auth}, region_name: A, interface: public, baremetal_interface: internal`),
  'an interface for one service, with hyphens': site(`${auth}, region_name: A, baremetal-interface: admin`),
  'an interface under an older name of the service': site(`${auth}, region_name: A, volume_interface: internal`),
  'a region for one service': site(`${auth}, region_name: A, image_region_name: B`),
  'another type for one service': site(`${auth}, region_name: A, baremetal_service_type: bare-metal`),
  'an override': site(`${auth}, region_name: A, image_endpoint_override: "http://o/v2"`),
  'an override under an older name of the service': site(
    `${auth}, region_name: A, volume_endpoint_override: "http://o/v3"`,
  ),
  'an override as it was once called': site(`${auth}, region_name: A, image_endpoint: "http://o"`),
  '{region_name} in auth_url': site(
    'auth: {auth_url: "https://h/{region_name}/identity", username: u, password: p, project_name: w}, region_name: A',
  ),
  '{region_name} in auth_url, of the region that is asked for': {
    ...site(
      `auth: {auth_url: "https://{region_name}.h:5000", username: u, password: p, project_name: w}, regions: [A, B]`,
    ),
    environment: { OS_REGION_NAME: 'B' },
  },
  '{region_name} in an override': site(
    `${auth}, region_name: A, image_endpoint_override: "http://{region_name}/image"`,
  ),
  'a password with braces': site(
    'auth: {auth_url: "http://key", username: u, password: "a{b}{{c", project_name: w}, region_name: A',
  ),
  'verify: false': site(`${auth}, region_name: A, verify: false`),
  'verify: a path': site(`${auth}, region_name: A, verify: /etc/ssl/certs/ca.pem`),
  'verify: a path, and cacert': site(`${auth}, region_name: A, verify: /etc/a.pem, cacert: /etc/b.pem`),
  'cacert in the home folder': site(`${auth}, region_name: A, cacert: ~/ca.pem`),
  'insecure wins over cacert': site(`${auth}, region_name: A, insecure: true, cacert: /ca.pem`),
  'a client certificate': site(`${auth}, region_name: A, cert: /c.pem, key: ~/k.pem`),
  'a client certificate with its key': site(`${auth}, region_name: A, cert: ~/c.pem`),
  'only in secure.yaml': {
    clouds: 'clouds: {other: {}}',
    secure: `clouds: {site: {${auth}, region_name: A}}`,
    cloud: 'site',
  },
  'no clouds.yaml at all': { secure: `clouds: {site: {${auth}, region_name: A}}`, cloud: 'site' },
  'secure.yaml over clouds.yaml, deep': {
    clouds: `clouds: {site: {${auth}, region_name: A}}`,
    secure: 'clouds: {site: {auth: {password: hidden}, baremetal_interface: internal}}',
    cloud: 'site',
  },
  'a domain for both': site(
    'auth: {auth_url: "http://key", username: u, password: p, project_name: w, domain_name: D}, region_name: A',
  ),
  'the id of a domain for both, beside one of its own': site(
    'auth: {auth_url: "http://key", username: u, password: p, project_name: w, domain_id: D, user_domain_id: ' +
      'E}, region_name: A',
  ),
  tenant_name: site('auth: {auth_url: "http://key", username: u, password: p, tenant_name: w}, region_name: A'),
  'ids, of digits only': site(
    'auth: {auth_url: "http://key", user_id: 1234567890, password: 12e4, project_id: 112233, user_domain_id: ' +
      'default}, region_name: A',
  ),
  'project and password beside auth': site(
    'auth: {auth_url: "http://key", username: u, password: p}, project_name: w, region_name: A',
  ),
  'an application credential': site(
    'auth_type: v3applicationcredential, auth: {auth_url: "http://key", application_credential_id: ' +
      'i, application_credential_secret: s}, region_name: A',
  ),
  'a token': site('auth_type: v3token, auth: {auth_url: "http://key", token: t, project_id: i}, region_name: A'),
  'system scope': site(
    'auth: {auth_url: "http://key", username: u, password: p, user_domain_name: Default, system_scope: ' +
      'all}, region_name: A',
  ),
  'kolla-admin': { clouds: kolla, cloud: 'kolla-admin' },
  'kolla-admin-system': { clouds: kolla, cloud: 'kolla-admin-system' },
  'kolla-admin-internal': { clouds: kolla, cloud: 'kolla-admin-internal' },
  'a profile of clouds-public.yaml': {
    ...site('profile: ours, auth: {username: u, password: p, project_name: w}, region_name: A'),
    public:
      'public-clouds: {ours: {auth: {auth_url: "http://public:5000"}, interface: ' +
      'internal, image_endpoint_override: "http://p"}}',
  },
  'an openrc': { environment: openrc },
  'an openrc with one interface for all, and another for one': {
    environment: { ...openrc, OS_INTERFACE: 'internal', OS_BAREMETAL_INTERFACE: 'admin' },
  },
  'an openrc with an override and certificates': {
    environment: { ...openrc, OS_IMAGE_ENDPOINT_OVERRIDE: 'http://o', OS_CACERT: '/ca', OS_CERT: '/c', OS_KEY: '/k' },
  },
  'an openrc, called envvars': {
    clouds: `clouds: {other: {${auth}}}`,
    environment: { ...openrc, OS_CLOUD: 'envvars' },
  },
  'a Bare Metal service without Keystone': {
    environment: { OS_AUTH_TYPE: 'none', OS_ENDPOINT: 'http://ironic:6385', OS_REGION_NAME: 'A' },
  },
  'the same in clouds.yaml': site('auth_type: none, auth: {endpoint: "http://ironic:6385"}, region_name: A'),
  'the same by an override': site('auth_type: none, baremetal_endpoint_override: "http://ironic:6385", region_name: A'),
};

const refused: Readonly<Record<string, Case & { readonly message: RegExp }>> = {
  'a region that is not in the list': {
    ...site(`${auth}, ${regions}`),
    environment: { OS_REGION_NAME: 'C' },
    message: /cloud "site" of .* has no region "C"; it has A, B/,
  },
  'a region with unknown keys': {
    ...site(`${auth}, regions: [{name: A, value: {}}]`),
    message: /regions must be a list of names/,
  },
  'a key in auth_url that nobody has': {
    ...site('auth: {auth_url: "http://{nothing}", username: u, password: p, project_name: w}'),
    message: /auth_url contains \{nothing\}/,
  },
  'a cloud that is nowhere': { ...site(auth), cloud: 'sight', message: /did you mean "site"/ },
};

const services = ['image', 'compute', 'baremetal', 'block-storage'];
const folder = temporaryFolder();
let theirs: Map<string, any>;

const cases = { ...same, ...refused };
const environmentOf = (name: string): Record<string, string> => {
  const index = Object.keys(cases).indexOf(name);
  return { HOME: `${folder.path}/${index}`, ...cases[name]?.environment };
};

beforeAll(() => {
  for (const [index, { clouds, secure, public: profiles }] of Object.values(cases).entries()) {
    const place = `${index}/.config/openstack`;
    for (const [file, content] of [
      ['clouds', clouds],
      ['secure', secure],
      ['clouds-public', profiles],
    ] as const)
      if (content !== undefined) folder.write(`${place}/${file}.yaml`, content);
  }
  const input = Object.entries(cases).map(([name, { cloud }]) => ({
    environment: environmentOf(name),
    cloud: cloud ?? null,
    services,
  }));
  const script = fileURLToPath(new URL('../../../test/clients/openstacksdk-login.py', import.meta.url));
  const { stdout, stderr } = spawnSync('/usr/bin/python3', [script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    cwd: folder.path,
    env: { PATH: '/usr/bin:/bin' },
  });
  if (stdout === '') throw new Error(`python3-openstacksdk is needed: ${stderr}`);
  theirs = new Map(Object.keys(cases).map((name, index) => [name, JSON.parse(stdout)[index]]));
});
afterAll(() => folder.remove());

/** A service of every type, in each region and on each interface. */
const catalog: CatalogService[] = [...services, 'bare-metal'].map((type) => ({
  type,
  endpoints: ['A', 'B'].flatMap((region) =>
    ['public', 'internal', 'admin'].map((side) => ({
      interface: side,
      region_id: region,
      url: `http://${type}.${side}.${region}`.toLowerCase(),
    })),
  ),
}));

const named = (domain: Domain): string => ('id' in domain ? `id ${domain.id}` : domain.name);

function describeOurs(credentials: Credentials): Record<string, unknown> {
  switch (credentials.kind) {
    case 'password':
    case 'token': {
      const user = credentials.kind === 'password' ? credentials.user : undefined;
      const { project } = credentials;
      return {
        ...(user && ('id' in user ? { user_id: user.id } : { username: user.name, user_domain: named(user.domain) })),
        ...(credentials.kind === 'password' ? { password: credentials.password } : { token: credentials.token }),
        ...(project &&
          ('id' in project
            ? { project_id: project.id }
            : { project_name: project.name, project_domain: named(project.domain) })),
        ...(credentials.systemScope === 'requested' ? { system_scope: 'all' } : {}),
      };
    }
    case 'application_credential':
      return {
        ...('id' in credentials.credential ? { application_credential_id: credentials.credential.id } : {}),
        application_credential_secret: credentials.secret,
      };
    default:
      return {};
  }
}

/** Without a domain it is `default`, as openstackclient has it. */
function describeTheirs({ auth_url: _, endpoint: __, ...given }: Record<string, string>): Record<string, unknown> {
  const { user_domain_id, user_domain_name, project_domain_id, project_domain_name, ...rest } = given;
  const domain = (id: string | undefined, name: string | undefined): string =>
    id ? `id ${id}` : (name ?? 'id default');
  return {
    ...rest,
    ...(rest['username'] ? { user_domain: domain(user_domain_id, user_domain_name) } : {}),
    ...(rest['project_name'] ? { project_domain: domain(project_domain_id, project_domain_name) } : {}),
  };
}

const bare = (url: string): string => url.replace(/\/+$/, '').replace(/\/v\d+(\.\d+)?$/, '');

describe('what openstacksdk reads', () => {
  test.each(Object.keys(same))('%s', async (name) => {
    const known = theirs.get(name);
    expect(known.error).toBeUndefined();

    const login = await resolveLogin(
      { ...(cases[name]?.cloud ? { cloud: cases[name].cloud } : {}) },
      environmentOf(name),
    );

    const { regionName, interface: side, endpointOverrides: overrides, services: settings, authUrl } = login;
    const endpoints = endpointsOf(catalog, { regionName, interface: side, overrides, services: settings, authUrl });
    const isStandalone = login.credentials.kind === 'none';
    const asked = isStandalone ? ['baremetal'] : services;
    expect(describeOurs(login.credentials)).toEqual(isStandalone ? {} : describeTheirs(known.auth));
    expect(regionName).toBe(known.region);
    expect(Object.fromEntries(asked.map((type) => [type, bare(endpoints.root(type))]))).toEqual(
      Object.fromEntries(asked.map((type) => [type, bare(known.endpoints[type])])),
    );
    if (!isStandalone) expect(authUrl).toBe(bare(known.auth.auth_url));
    expect(login.validateCerts ? (login.caCert ?? true) : false).toBe(known.verify);
    expect(login.clientKey ? [login.clientCert, login.clientKey] : (login.clientCert ?? null)).toEqual(known.cert);
  });
});

describe('what openstacksdk refuses', () => {
  test.each(Object.keys(refused))('%s', async (name) => {
    expect(theirs.get(name).error).toEqual(expect.any(String));

    await expect(resolveLogin({ cloud: cases[name]?.cloud ?? '' }, environmentOf(name))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(refused[name]!.message),
    });
  });
});

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
