// The doubles together: Keystone, Glance and an image store that know of each other, on free ports of 127.0.0.1.

import { startGlance } from './glance.js';
import type { GlanceDouble } from './glance.js';
import { startImageStore } from './image-store.js';
import type { ImageStoreDouble, ImageStoreOptions } from './image-store.js';
import { startKeystone } from './keystone.js';
import type { KeystoneDouble, User } from './keystone.js';

export interface SandboxOptions {
  /** The clock of all services, in milliseconds. */
  readonly now?: () => number;
  readonly store?: Omit<ImageStoreOptions, 'now'>;
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
  /** The admin's login. */
  readonly auth: AuthMapping;
  /** The login of a user without the role admin. */
  readonly demoAuth: AuthMapping;
  /** A clouds.yaml with the clouds `sandbox` (admin), `sandbox-demo` and `sandbox-appcred`. */
  readonly cloudsYaml: string;
  close(): Promise<void>;
}

/** Starts all three services. */
export async function startSandbox({ now = Date.now, store: storeOptions = {} }: SandboxOptions = {}): Promise<Sandbox> {
  const keystone = await startKeystone({ now });
  const { identify, authUrl } = keystone;
  const glance = await startGlance({ identify, authUrl, now, seedOwner: keystone.admin.project.id });
  const store = await startImageStore({ ...storeOptions, now });
  keystone.catalog = [
    { type: 'image', name: 'glance', url: glance.url },
    { type: 'object-store', name: 'swift', url: store.objectStoreUrl },
  ];
  const auth = authOf(keystone.admin, authUrl);
  const demoAuth = authOf(keystone.demo, authUrl);
  const services = [keystone, glance, store];
  return {
    keystone,
    glance,
    store,
    auth,
    demoAuth,
    cloudsYaml: cloudsYaml(keystone, { auth, demoAuth }),
    close: async () => void (await Promise.all(services.map((service) => service.close()))),
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

function cloudsYaml({ admin, authUrl, region }: KeystoneDouble, { auth, demoAuth }: Pick<Sandbox, 'auth' | 'demoAuth'>): string {
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
