// Ironic by plain requests, past the proxies: nodes that a test brings into the state that it
// needs, and that are gone afterwards.
import { call, fact, until } from './cloud.js';
import type { Site } from './site.js';

/** A node as the API gives it: what the tests ask for. */
export interface RawNode {
  readonly uuid: string;
  readonly name: string | null;
  readonly provision_state: string;
  readonly power_state: string | null;
  /** The conductor that holds the node's lock. */
  readonly reservation: string | null;
  readonly maintenance: boolean;
  readonly last_error: string | null;
  readonly instance_uuid: string | null;
  readonly resource_class: string | null;
  readonly [field: string]: unknown;
}

export interface RawIronic {
  readonly url: string;
  /** The login and the version of the API. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * A request whose status is checked, for example `ask('PUT', '/nodes/…/states/provision', {
   * target: 'active' })`.
   */
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /**
   * Creates a node in the state `enroll`, by default of fake hardware that does all at once, and
   * gives its uuid. When the test is over it is removed, whatever its state. With these fields, it
   * - takes a server from Nova: `resource_class: fact(site.cloud, 'baremetal_resource_class')`;
   *   other nodes are unknown to Nova;
   * - takes seconds for each step, and is locked meanwhile: `conductor_group: fact(site.cloud,
   *   'ironic_slow_group')`;
   * - fails to deploy: `deploy_interface: 'direct'`, at once where its image cannot be had, else
   *   after 5 s without a call from an agent;
   * - fails to be cleaned after 5 s: that and `automated_clean: true`.
   */
  createNode(fields?: Readonly<Record<string, unknown>>): Promise<string>;
  getNode(uuid: string): Promise<RawNode>;
  /**
   * The newest minor version that the service speaks, by which a test tells the releases apart: 82
   * is Zed's, 96 that of 2025.1.
   */
  newestMinor(): Promise<number>;
  /**
   * Waits until the node is in the state and nobody holds its lock, a minute or so many seconds.
   * Throws at once where it has failed instead.
   */
  waitForState(uuid: string, state: string, seconds?: number): Promise<RawNode>;
  /**
   * From `enroll` to `manageable`, with its power off: a node whose power nobody has set takes no
   * server.
   */
  makeManageable(uuid: string): Promise<RawNode>;
  /**
   * From `enroll` to `available`; where Nova knows the node, until a server can be booted on it.
   */
  makeAvailable(uuid: string): Promise<RawNode>;
}

/**
 * The Ironic of the cloud, as an admin of the whole system: the nodes that it creates are nobody's.
 */
export function openIronic(site: Site): RawIronic {
  return connect(site, fact(site.cloud, 'ironic_url'), { 'X-Auth-Token': site.systemToken });
}

/** The Ironic of the nodes that really boot, of the service real_node. */
export function openRealIronic(site: Site): RawIronic {
  return connect(site, fact(site.cloud, 'real_ironic_url'), { 'X-Auth-Token': site.systemToken });
}

/**
 * One of the Ironics that run without Keystone: the one that asks for nothing, or the one that asks
 * for a name and a password.
 */
export function openStandaloneIronic(site: Site, auth: 'noauth' | 'http_basic'): RawIronic {
  if (auth === 'noauth') return connect(site, fact(site.cloud, 'ironic_standalone_url'), {});
  const login = `${fact(site.cloud, 'ironic_basic_username')}:${fact(site.cloud, 'ironic_basic_password')}`;
  return connect(site, fact(site.cloud, 'ironic_basic_url'), {
    Authorization: `Basic ${Buffer.from(login).toString('base64')}`,
  });
}

function connect(site: Site, url: string, login: Record<string, string>): RawIronic {
  const headers = { 'Content-Type': 'application/json', 'X-OpenStack-Ironic-API-Version': '1.82', ...login };

  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(method, `${url}/v1${path}`, {
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async function createNode(fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { uuid } = await ask<RawNode>('POST', '/nodes', { driver: 'fake-hardware', ...fields });
    site.afterwards(() => removeNode(ask, uuid));
    return uuid;
  }

  async function newestMinor(): Promise<number> {
    const { headers: versions } = await call('GET', `${url}/v1`, { headers });
    return Number(versions.get('x-openstack-ironic-api-maximum-version')?.slice(2));
  }

  const getNode = (uuid: string): Promise<RawNode> => ask('GET', `/nodes/${uuid}`);

  async function waitForState(uuid: string, state: string, seconds?: number): Promise<RawNode> {
    const look = async (): Promise<RawNode | false> => {
      const node = await getNode(uuid);
      const { provision_state: now, reservation, last_error } = node;
      if (now !== state && /^error$|failed$/.test(now))
        throw new Error(`node ${uuid} is ${now}, not ${state}: ${last_error}`);
      return now === state && reservation === null && node;
    };
    return until(look, `node ${uuid} to be ${state}`, seconds);
  }

  async function makeManageable(uuid: string): Promise<RawNode> {
    await ask('PUT', `/nodes/${uuid}/states/provision`, { target: 'manage' });
    await waitForState(uuid, 'manageable');
    await ask('PUT', `/nodes/${uuid}/states/power`, { target: 'power off' });
    await until(async () => (await getNode(uuid)).power_state === 'power off', `node ${uuid} to be powered off`);
    return waitForState(uuid, 'manageable');
  }

  async function makeAvailable(uuid: string): Promise<RawNode> {
    await makeManageable(uuid);
    await ask('PUT', `/nodes/${uuid}/states/provision`, { target: 'provide' });
    const node = await waitForState(uuid, 'available');
    if (node.resource_class === site.cloud['baremetal_resource_class'])
      await until(() => takesServers(site, uuid), `Nova to see node ${uuid}`);
    return node;
  }

  return { url, headers, ask, createNode, getNode, newestMinor, waitForState, makeManageable, makeAvailable };
}

/**
 * Nova's compute gives a node to placement a second or so after it became available; before that no
 * server finds it.
 */
async function takesServers(site: Site, uuid: string): Promise<boolean> {
  const answer = await fetch(`${fact(site.cloud, 'placement_url')}/resource_providers/${uuid}/inventories`, {
    headers: { 'X-Auth-Token': site.project.token },
  });
  if (!answer.ok) return false;
  const { inventories } = (await answer.json()) as { inventories: Record<string, { reserved: number }> };
  return inventories['CUSTOM_BAREMETAL']?.reserved === 0;
}

/**
 * In maintenance a node may be deleted from each state, but not while it is locked or protected.
 */
export async function removeNode(ask: RawIronic['ask'], uuid: string): Promise<void> {
  await until(async () => {
    try {
      const { protected: isProtected } = await ask<RawNode>('GET', `/nodes/${uuid}`);
      if (isProtected) await ask('PATCH', `/nodes/${uuid}`, [{ op: 'remove', path: '/protected' }]);
      await ask('PUT', `/nodes/${uuid}/maintenance`, { reason: 'its test is over' });
      await ask('DELETE', `/nodes/${uuid}`);
      return true;
    } catch (error) {
      const { status } = error as { status?: number };
      if (status === 404) return true;
      if (status === 409) return false;
      throw error;
    }
  }, `node ${uuid} to be removed`);
}
