// Runs of the baremetal modules against a real Ironic behind a proxy, with names and addresses that
// no other test has.
import { randomBytes } from 'node:crypto';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { openIronic, openRealIronic, openStandaloneIronic, type RawIronic, type RawNode } from './baremetal.js';
import { fact, until } from './cloud.js';
import { startCommand, startModule, type Arguments, type Ended, type Running } from './executable.js';
import { withSite, type Site } from './site.js';

/** `real`: that of the nodes that really boot, with the login of Keystone. */
export type Which = 'keystone' | 'real' | 'noauth' | 'http_basic';

/** What a module printed. */
export interface BareResult {
  readonly changed: boolean;
  readonly failed?: boolean;
  readonly code?: string;
  readonly msg: string;
  readonly warnings?: readonly string[];
  readonly diff?: readonly Readonly<Record<string, string>>[];
  // `any`: tests look into many values, and a wrong one fails them.
  readonly [value: string]: any;
}

export interface BareSite {
  readonly site: Site;
  readonly ironic: RawIronic;
  /** Between the runs and Ironic. */
  readonly proxy: FaultProxy;
  /** Begins the names of this test's nodes. */
  readonly prefix: string;
  name(suffix: string | number): string;
  /** A MAC address of this test. */
  mac(number: number): string;
  readonly login: Arguments;
  start(module: string, given: Arguments): Running;
  run(module: string, given: Arguments): Promise<BareResult>;
  /** Runs the command line with the login in its environment. */
  command(...argv: string[]): Promise<Ended>;
  /** The node of a name, or undefined. */
  find(name: string): Promise<RawNode | undefined>;
  /** This test's nodes. */
  nodes(): Promise<RawNode[]>;
  ports(node: string): Promise<Readonly<Record<string, any>>[]>;
  /**
   * Requests that change something, which reached the proxy since the last call; without those for which an Ironic that enforces scope did not know
   * the node, as they came with the token of the project first.
   */
  writes(): string[];
}

/** Makes a test of a body that needs Ironic; its nodes are gone afterwards. */
export function withIronic(which: Which, body: (bare: BareSite) => Promise<void>): () => Promise<void> {
  return withSite(async (site) => {
    const ironic = connectTo(site, which);
    const proxy = await startFaultProxy(ironic.url);
    site.afterwards(() => proxy.close());
    const bare = bareSite({ site, ironic, proxy, which });
    site.afterwards(() => removeAll(bare));
    await body(bare);
  });
}

function connectTo(site: Site, which: Which): RawIronic {
  if (which === 'keystone') return openIronic(site);
  return which === 'real' ? openRealIronic(site) : openStandaloneIronic(site, which);
}

function bareSite({
  site,
  ironic,
  proxy,
  which,
}: {
  site: Site;
  ironic: RawIronic;
  proxy: FaultProxy;
  which: Which;
}): BareSite {
  const unique = randomBytes(4).toString('hex');
  const prefix = `bare-${unique}`;
  const login = loginOf(site, which, proxy.url);
  let seen = 0;
  const start = (module: string, given: Arguments): Running => {
    const running = startModule(
      module,
      { ...login, ...given },
      { OS_CLIENT_CONFIG_FILE: site.cloud.os_client_config_file },
    );
    site.afterwards(() => running.kill());
    return running;
  };
  const list = async (): Promise<RawNode[]> =>
    (await ironic.ask<{ nodes: RawNode[] }>('GET', '/nodes?fields=uuid,name,provision_state,reservation&limit=1000'))
      .nodes;
  return {
    ...{ site, ironic, proxy, prefix, login, start },
    name: (suffix) => `${prefix}-${suffix}`,
    mac: (number) =>
      `02:${unique.match(/../g)!.slice(0, 3).join(':')}:${[number >> 8, number & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
    run: async (module, given) => {
      const ended = await start(module, given).ended;
      try {
        return JSON.parse(ended.stdout) as BareResult;
      } catch (cause) {
        throw new Error(`no JSON but ${ended.stdout.slice(0, 400)} ${ended.stderr.slice(0, 400)}`, { cause });
      }
    },
    command: (...argv) =>
      startCommand(argv, { ...environmentOf(site, which, proxy.url), OS_CLIENT_CONFIG_FILE: '/nonexistent' }).ended,
    find: async (name) =>
      ironic.ask<RawNode>('GET', `/nodes/${name}`).catch((error: { status?: number }) => {
        if (error.status === 404) return undefined;
        throw error;
      }),
    nodes: async () => (await list()).filter(({ name }) => name?.startsWith(prefix)),
    ports: async (node) =>
      (await ironic.ask<{ ports: Record<string, unknown>[] }>('GET', `/ports?node=${node}&detail=true`)).ports,
    writes: () => {
      const fresh = proxy.requests.slice(seen);
      seen = proxy.requests.length;
      return fresh
        .filter(({ method, targetStatus }) => !['GET', 'HEAD'].includes(method) && targetStatus !== 404)
        .map(({ method, path }) => `${method} ${path}`);
    },
  };
}

function loginOf(site: Site, which: Which, url: string): Arguments {
  if (which === 'noauth') return { auth_type: 'none', endpoint_override: { baremetal: url } };
  if (which === 'http_basic')
    return {
      auth_type: 'http_basic',
      auth: {
        endpoint: url,
        username: fact(site.cloud, 'ironic_basic_username'),
        password: fact(site.cloud, 'ironic_basic_password'),
      },
    };
  const auth = {
    auth_url: site.cloud.keystone_url,
    username: 'admin',
    password: site.cloud.admin_password,
    project_id: site.project.id,
    user_domain_id: 'default',
  };
  return { auth, region_name: 'RegionOne', endpoint_override: { baremetal: url } };
}

function environmentOf(site: Site, which: Which, url: string): Record<string, string> {
  if (which === 'noauth') return { OS_AUTH_TYPE: 'none', OS_ENDPOINT: url };
  if (which === 'http_basic')
    return {
      OS_AUTH_TYPE: 'http_basic',
      OS_ENDPOINT: url,
      OS_USERNAME: fact(site.cloud, 'ironic_basic_username'),
      OS_PASSWORD: fact(site.cloud, 'ironic_basic_password'),
    };
  const { keystone_url: auth, admin_password: password } = site.cloud;
  return {
    OS_AUTH_URL: auth,
    OS_USERNAME: 'admin',
    OS_PASSWORD: password,
    OS_PROJECT_ID: site.project.id,
    OS_USER_DOMAIN_ID: 'default',
    OS_BAREMETAL_ENDPOINT_OVERRIDE: url,
  };
}

async function removeAll(bare: BareSite): Promise<void> {
  const { ironic } = bare;
  for (const { uuid } of await bare.nodes()) {
    await until(async () => {
      try {
        await ironic
          .ask('PATCH', `/nodes/${uuid}`, [{ op: 'add', path: '/protected', value: false }])
          .catch(() => undefined);
        await ironic.ask('PUT', `/nodes/${uuid}/maintenance`, { reason: 'its test is over' });
        await ironic.ask('DELETE', `/nodes/${uuid}`);
        return true;
      } catch (error) {
        if ((error as { status?: number }).status === 404) return true;
        if ((error as { status?: number }).status === 409) return false;
        throw error;
      }
    }, `node ${uuid} to be removed`);
  }
}
