// Blazar's hosts by plain requests: nodes of Ironic, each of them the only one of a compute of
// Nova, as Blazar hands out computes.
import { randomUUID } from 'node:crypto';
import { send, waitFor } from '../sandbox/contract-requests.js';
import { cloudAdminToken, cloudSystemToken, fact, type CloudFacts } from './cloud.js';
import { former } from './ipa-site.js';

export interface LeaseHosts {
  /** UUIDs of the nodes. */
  readonly nodes: readonly string[];
  /** Takes the hosts out of Blazar and the nodes out of Ironic. */
  remove(): Promise<void>;
}

/** Seconds until Nova has seen a node, or has noticed that its server is gone. */
const patience = 120;

/**
 * Makes hosts of a node type, free to be leased: there are as many as the cloud has shards, and one
 * test at a time may have them. `fields` are those of the nodes.
 */
export async function makeLeaseHosts(
  cloud: CloudFacts,
  nodeType: string,
  count: number,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<LeaseHosts> {
  const [system, admin] = [await cloudSystemToken(cloud), await cloudAdminToken(cloud)];
  const blazar = fact(cloud, 'blazar_url');
  const shards = fact(cloud, 'lease_shards').split(' ').slice(0, count);
  const ironic = async (method: string, path: string, json?: unknown): Promise<any> => {
    const headers = { 'X-OpenStack-Ironic-API-Version': '1.82' };
    const reply = await send(method, `${fact(cloud, 'ironic_url')}/v1/nodes${path}`, { token: system, json, headers });
    if (reply.status >= 300) throw new Error(`${method} ${path} in Ironic: ${reply.status} ${reply.text}`);
    return reply.json;
  };
  const hosts: string[] = [];
  const nodes: string[] = [];

  async function settle(uuid: string, state: string): Promise<void> {
    await waitFor(
      `node ${uuid} to be ${state}`,
      () => ironic('GET', `/${uuid}`),
      (node) => node.provision_state === state && node.reservation === null,
      patience,
    );
  }

  const asAdmin = async (method: string, url: string, json?: unknown): Promise<any> =>
    (await send(method, url, { token: admin, json })).json;

  /** The nodes that Nova has. */
  const hypervisors = async (): Promise<readonly string[]> => {
    const answer = await asAdmin('GET', `${fact(cloud, 'nova_url')}/os-hypervisors/detail`);
    return answer.hypervisors.map(({ hypervisor_hostname: name }: { hypervisor_hostname: string }) => name);
  };

  /** A host whose node is gone stays in its aggregate; Nova removes it only while its compute has a node. */
  async function leaveAggregates(compute: string): Promise<void> {
    const url = `${fact(cloud, 'nova_url')}/os-aggregates`;
    for (const { id, hosts: members } of (await asAdmin('GET', url)).aggregates)
      if (members.includes(compute)) await asAdmin('POST', `${url}/${id}/action`, { remove_host: { host: compute } });
  }

  async function makeNode(shard: string): Promise<void> {
    const uuid = randomUUID();
    const resource_class = fact(cloud, 'lease_resource_class');
    const properties = { node_type: nodeType, cpu_arch: 'x86_64' };
    const identity = { uuid, name: `${nodeType}-${shard}`, resource_class, shard };
    const node = { ...identity, driver: 'fake-hardware', driver_info: former, properties, ...fields };
    await ironic('POST', '', node);
    nodes.push(uuid);
    await ironic('PUT', `/${uuid}/states/provision`, { target: 'manage' });
    await settle(uuid, 'manageable');
    await ironic('PUT', `/${uuid}/states/power`, { target: 'power off' });
    await settle(uuid, 'manageable');
    await ironic('PUT', `/${uuid}/states/provision`, { target: 'provide' });
    await settle(uuid, 'available');
    await waitFor(`Nova to see node ${uuid}`, hypervisors, (found) => found.includes(uuid), patience);
    // Blazar puts its own beside it.
    await waitFor(
      `Nova to create the resource provider of node ${uuid}`,
      () => send('GET', `${fact(cloud, 'placement_url')}/resource_providers/${uuid}`, { token: admin }),
      ({ status }) => status === 200,
      patience,
    );
    await leaveAggregates(shard);
    const json = { name: uuid, uid: uuid, node_type: nodeType, node_name: identity.name };
    const reply = await send('POST', `${blazar}/os-hosts`, { token: admin, json });
    if (reply.status !== 201) throw new Error(`POST /os-hosts in Blazar: ${reply.status} ${reply.text}`);
    hosts.push(reply.json.host.id as string);
  }

  async function remove(): Promise<void> {
    for (const id of hosts)
      await waitFor(
        `host ${id} of Blazar to be gone`,
        () => send('DELETE', `${blazar}/os-hosts/${id}`, { token: admin }),
        ({ status }) => [200, 204, 404].includes(status),
        patience,
      );
    for (const uuid of nodes) {
      await ironic('PUT', `/${uuid}/maintenance`, { reason: 'its test is over' });
      await waitFor(
        `node ${uuid} to be gone`,
        () =>
          ironic('DELETE', `/${uuid}`).then(
            () => true,
            (error: Error) => error.message.includes(' 404 '),
          ),
        Boolean,
        patience,
      );
    }
  }

  /** What a run that was killed has left of its leases, hosts and nodes. */
  async function removeRemains(): Promise<void> {
    for (const { id } of (await asAdmin('GET', `${blazar}/leases`)).leases)
      await send('DELETE', `${blazar}/leases/${id}`, { token: admin });
    hosts.push(...(await asAdmin('GET', `${blazar}/os-hosts`)).hosts.map(({ id }: { id: string }) => id));
    for (const shard of shards)
      nodes.push(...(await ironic('GET', `?shard=${shard}`)).nodes.map(({ uuid }: { uuid: string }) => uuid));
    await remove();
    hosts.length = 0;
    nodes.length = 0;
  }

  await removeRemains();
  try {
    await Promise.all(shards.map(makeNode));
  } catch (error) {
    await remove();
    throw error;
  }
  return { nodes, remove };
}
