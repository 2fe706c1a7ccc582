// Files and variables of a login, as openstacksdk takes or refuses them, and a catalogue for them.
import type { CatalogService } from '../../modules/clients/keystone/catalog.js';

export interface Case {
  readonly clouds?: string;
  readonly secure?: string;
  readonly public?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Undefined: what the environment says. */
  readonly cloud?: string;
}

export const auth = 'auth: {auth_url: "http://key:5000/v3", username: u, password: p, project_name: w}';
export const site = (entry: string): Case => ({ clouds: `clouds: {site: {${entry}}}`, cloud: 'site' });
export const openrc = {
  OS_AUTH_URL: 'http://env:5000/v3',
  OS_USERNAME: 'u',
  OS_PASSWORD: 'p',
  OS_PROJECT_NAME: 'w',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
  OS_REGION_NAME: 'A',
};
export const regions =
  'regions: [A, {name: B, values: {image_endpoint_override: "http://b/v2", interface: internal, auth: ' +
  '{project_name: other}}}]';

/** As kolla-ansible writes it, ansible/templates/clouds.yaml.j2. */
export const kolla = `
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

export const same: Readonly<Record<string, Case>> = {
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

export const refused: Readonly<Record<string, Case & { readonly message: RegExp }>> = {
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

export const services = ['image', 'compute', 'baremetal', 'block-storage'];

/** A service of every type, in each region and on each interface. */
export const catalog: CatalogService[] = [...services, 'bare-metal'].map((type) => ({
  type,
  endpoints: ['A', 'B'].flatMap((region) =>
    ['public', 'internal', 'admin'].map((side) => ({
      interface: side,
      region_id: region,
      url: `http://${type}.${side}.${region}`.toLowerCase(),
    })),
  ),
}));
