// The doubles together, which know of each other, on free ports of 127.0.0.1: Keystone, Glance, an
// image store, and what else is asked for.

import { startBlazar } from './blazar.js';
import type { BlazarDouble } from './blazar.js';
import { startCinder } from './cinder.js';
import type { CinderDouble } from './cinder.js';
import { startDoni } from './doni.js';
import type { DoniDouble } from './doni.js';
import { startGlance } from './glance.js';
import type { GlanceDouble } from './glance.js';
import { startImageStore } from './image-store.js';
import type { ImageStoreDouble, ImageStoreOptions } from './image-store.js';
import { startIronic } from './ironic.js';
import type { IronicDouble } from './ironic.js';
import { startKeystone } from './keystone.js';
import type { KeystoneDouble, User } from './keystone.js';
import { startNeutron } from './neutron.js';
import type { NeutronDouble } from './neutron.js';
import { clearHypervisors } from './nova-boot.js';
import { startNova } from './nova.js';
import type { NovaDouble } from './nova.js';

/** The doubles that use images, and those that servers need besides. */
export interface Users {
  readonly compute: NovaDouble;
  readonly volumev3: CinderDouble;
  readonly baremetal: IronicDouble;
  readonly inventory: DoniDouble;
  readonly reservation: BlazarDouble;
  readonly network: NeutronDouble;
}

export interface SandboxOptions {
  /** The clock of all services, in milliseconds. */
  readonly now?: () => number;
  readonly store?: Omit<ImageStoreOptions, 'now'>;
  readonly objectsStore?: Pick<ImageStoreOptions, 'pageLength'>;
  /** The services that the catalogue has besides, by their types; none unless given. */
  readonly services?: readonly (keyof Users)[];
}

/** A login as clouds.yaml has it under `auth`. */
export interface AuthMapping {
  readonly auth_url: string;
  readonly username: string;
  readonly password: string;
  readonly project_name: string;
  readonly user_domain_name: string;
  readonly project_domain_name: string;
}

export interface Sandbox {
  readonly keystone: KeystoneDouble;
  readonly glance: GlanceDouble;
  readonly store: ImageStoreDouble;
  /** The one before it, with an object for each image. */
  readonly objectsStore: ImageStoreDouble;
  /** All of them run; the catalogue has those that were asked for. */
  readonly users: Users;
  /** The admin's login. */
  readonly auth: AuthMapping;
  /** The login of a user without the role admin. */
  readonly demoAuth: AuthMapping;
  /** A clouds.yaml with the clouds `sandbox` (admin), `sandbox-demo` and `sandbox-appcred`. */
  readonly cloudsYaml: string;
  close(): Promise<void>;
}

/** Starts all services. */
export async function startSandbox({
  now = Date.now,
  store: storeOptions = {},
  objectsStore: objectsOptions = {},
  services: wanted = [],
}: SandboxOptions = {}): Promise<Sandbox> {
  const keystone = await startKeystone({ now });
  const { identify, authUrl } = keystone;
  const glance = await startGlance({ identify, authUrl, now, seedOwner: keystone.admin.project.id });
  const store = await startImageStore({ ...storeOptions, now, mayWrite: writersOf(keystone) });
  const objectsStore = await startImageStore({ ...objectsOptions, container: 'chameleon-images', now });
  const users = await startUsers({ identify, now, glance });
  keystone.catalog = [
    ...wanted.map((type) => ({ type, name: type, url: users[type].url })),
    { type: 'image', name: 'glance', url: glance.url },
    { type: 'object-store', name: 'swift', url: store.objectStoreUrl },
  ];
  const auth = authOf(keystone.admin, authUrl);
  const demoAuth = authOf(keystone.demo, authUrl);
  const services = [keystone, glance, store, objectsStore, ...Object.values(users)];
  return {
    keystone,
    glance,
    store,
    objectsStore,
    users,
    auth,
    demoAuth,
    cloudsYaml: cloudsYaml(keystone, { auth, demoAuth }),
    close: async () => void (await Promise.all(services.map((service) => service.close()))),
  };
}

/** The account is that of the admin's project, and Swift lets admins and members write. */
function writersOf({ identify, admin }: KeystoneDouble): NonNullable<ImageStoreOptions['mayWrite']> {
  return (token) => {
    const identity = identify(token);
    if (identity === undefined) return 'unknown token';
    return identity.project?.id === admin.project.id ? 'yes' : 'no';
  };
}

async function startUsers({
  identify,
  now,
  glance,
}: Pick<KeystoneDouble, 'identify'> & { now: () => number; glance: GlanceDouble }): Promise<Users> {
  const baremetal = await startIronic({ identify, now });
  const { nodes } = baremetal;
  const reservation = await startBlazar({ identify, now, nodes });
  const hasImage = (id: string): boolean => glance.state.images.has(id);
  const compute = await startNova({
    identify,
    now,
    nodes,
    hasImage,
    hypervisorsOf: (id) => reservation.hypervisorsOf(id),
  });
  reservation.whenEnded = (hypervisors) => clearHypervisors(compute, hypervisors);
  return {
    compute,
    volumev3: await startCinder({ identify, now }),
    baremetal,
    inventory: await startDoni({ identify, now, nodes }),
    reservation,
    network: await startNeutron({ identify }),
  };
}

function authOf(user: User, authUrl: string): AuthMapping {
  return {
    auth_url: authUrl,
    username: user.name,
    password: user.password,
    project_name: user.project.name,
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  };
}

function cloudsYaml(
  { admin, authUrl, region }: KeystoneDouble,
  { auth, demoAuth }: Pick<Sandbox, 'auth' | 'demoAuth'>,
): string {
  const { id, secret } = admin.applicationCredential;
  const clouds = {
    sandbox: { auth, region_name: region },
    'sandbox-demo': { auth: demoAuth, region_name: region },
    'sandbox-appcred': {
      auth_type: 'v3applicationcredential',
      auth: { auth_url: authUrl, application_credential_id: id, application_credential_secret: secret },
      region_name: region,
    },
  };
  // JSON is YAML.
  return `${JSON.stringify({ clouds }, null, 2)}\n`;
}
