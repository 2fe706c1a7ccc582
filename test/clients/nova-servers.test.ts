import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLease } from '../../modules/clients/blazar/leases.js';
import type { Cloud } from '../../modules/clients/keystone/cloud.js';
import { findNetworks } from '../../modules/clients/neutron/networks.js';
import {
  createServer,
  deleteServer,
  findServers,
  getServer,
  nodeSelection,
  type ServerDetails,
  type ServerRequest,
} from '../../modules/clients/nova/servers.js';
import { findFlavor } from '../../modules/clients/nova/flavors.js';
import { hasKeyPair } from '../../modules/clients/nova/keypairs.js';
import { assertVersion } from '../../modules/clients/nova/microversions.js';
import type { StoredNode } from '../sandbox/ironic.js';
import type { NovaDouble } from '../sandbox/nova.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { all, cloudOf } from './cloud-of.js';

let sandbox: Sandbox;
let nova: NovaDouble;
let cloud: Cloud;
let node: StoredNode;
let request: ServerRequest;

beforeEach(async () => {
  sandbox = await startSandbox({ services: ['compute', 'reservation', 'network'] });
  nova = sandbox.users.compute;
  cloud = await cloudOf(sandbox);
  node = sandbox.users.baremetal.seed({ name: 'rack3-07' });
  request = {
    name: 'CC-IPA-TEST-compute_skylake-A1B2C3',
    imageId: sandbox.glance.seed({}).id,
    flavorId: nova.flavors[0]!.id,
    networks: 'none',
  };
});

afterEach(() => sandbox.close());

/** Looks until nothing is under way. */
async function settled(id: string): Promise<ServerDetails | undefined> {
  for (let looks = 0; looks < 5; looks++) {
    const server = await getServer(cloud, id);
    if (server?.taskState === '') return server;
  }
  return undefined;
}

const versionOf = (method: string): unknown =>
  nova.requests.find((sent) => sent.method === method)?.headers['openstack-api-version'];

describe('a boot', () => {
  test.each<[string, Partial<ServerRequest>, string]>([
    ['without networks', {}, 'compute 2.37'],
    ['on networks that are named', { networks: ['net-1', 'net-2'] }, 'compute 2.1'],
    ['with a key pair', { keyName: 'default', networks: [] }, 'compute 2.1'],
  ])('%s asks for no more than it needs', async (_, changes, version) => {
    const id = await createServer(cloud, { ...request, ...changes });

    expect(versionOf('POST')).toBe(version);
    expect(await settled(id)).toMatchObject({
      id,
      name: request.name,
      projectId: cloud.projectId,
      status: 'ACTIVE',
      fault: '',
    });
  });

  test('on a chosen node uses it', async () => {
    const id = await createServer(cloud, { ...request, hypervisorHostname: node.uuid });

    expect(versionOf('POST')).toBe('compute 2.74');
    expect(await getServer(cloud, id)).toMatchObject({
      status: 'BUILD',
      taskState: 'scheduling',
      hypervisorHostname: '',
    });
    expect(await settled(id)).toMatchObject({
      status: 'ACTIVE',
      hypervisorHostname: node.uuid,
    });
    expect(node).toMatchObject({ provision_state: 'active', instance_uuid: id });
  });

  test('with a reservation uses the host of the lease', async () => {
    sandbox.users.baremetal.seed({ name: 'rack3-08' });
    const { reservation: blazar } = sandbox.users;
    blazar.seed({ hypervisor_hostname: node.uuid });
    const { reservations } = await createLease(cloud, {
      name: 'lease',
      resourceProperties: [],
      start: 'now',
      end: new Date(Date.now() + 3_600_000),
    });
    blazar.step(blazar.leases[0]!);
    blazar.step(blazar.leases[0]!);

    const id = await createServer(cloud, { ...request, reservationId: reservations[0]?.id });

    expect((await settled(id))?.hypervisorHostname).toBe(node.uuid);
    expect(nova.requests[0]?.body).toMatchObject({ 'os:scheduler_hints': { reservation: reservations[0]?.id } });
  });

  test('with a reservation that has not begun finds no host', async () => {
    const id = await createServer(cloud, { ...request, reservationId: 'not begun' });

    expect(await settled(id)).toMatchObject({ status: 'ERROR', fault: 'No valid host was found.' });
  });

  test('on a node that has a server ends in ERROR, and the node stays with its server', async () => {
    const first = await createServer(cloud, { ...request, hypervisorHostname: node.uuid });

    const second = await createServer(cloud, { ...request, hypervisorHostname: node.uuid });

    expect(await settled(second)).toMatchObject({
      status: 'ERROR',
      fault: 'No valid host was found.',
      hypervisorHostname: '',
    });
    expect(node).toMatchObject({ instance_uuid: first });
  });

  test('that Ironic cannot do ends in ERROR with the reason, and frees the node', async () => {
    nova.bootFails = 'Failed to provision instance: timeout';

    const id = await createServer(cloud, { ...request, hypervisorHostname: node.uuid });

    expect(await settled(id)).toMatchObject({ status: 'ERROR', fault: 'Failed to provision instance: timeout' });
    expect(node).toMatchObject({ instance_uuid: null });
  });

  test('is not sent twice when the answer is lost', async () => {
    nova.intervene = () => ({ status: 502 });

    await expect(createServer(cloud, request)).rejects.toMatchObject({ status: 502 });

    expect(nova.requests).toHaveLength(1);
  });

  test('does not return the password of the answer', async () => {
    const id = await createServer(cloud, request);

    expect(JSON.stringify(await getServer(cloud, id))).not.toContain('not to be shown');
  });

  test('needs an answer with a server', async () => {
    nova.intervene = () => ({ status: 202, body: {} });

    await expect(createServer(cloud, request)).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' });
  });
});

describe('a Nova that is too old', () => {
  test('is reported before anything is created', async () => {
    nova.newestMinor = 60;

    const message =
      'a server on a chosen node (hypervisor_hostname) needs version 2.74 of the Compute API, and this Nova ' +
      'supports at most 2.60';
    await expect(assertVersion(cloud, nodeSelection)).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message,
      facts: { needed: '2.74', maximum: '2.60' },
    });
    await expect(createServer(cloud, { ...request, hypervisorHostname: node.uuid })).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    });
    expect(nova.servers).toEqual([]);
  });

  test('and does not report its version', async () => {
    nova.intervene = () => ({ status: 406, body: 'no' });

    await expect(assertVersion(cloud, nodeSelection)).rejects.toMatchObject({
      message: expect.stringMatching(/2\.74 .* this Nova does not support it$/),
    });
  });

  test('still boots servers that need less', async () => {
    nova.newestMinor = 60;

    await expect(createServer(cloud, request)).resolves.toMatch(/^[0-9a-f-]{36}$/);
    nova.newestMinor = 74;
    await expect(assertVersion(cloud, nodeSelection)).resolves.toBeUndefined();
  });
});

describe('deletion', () => {
  const methods = (): string[] =>
    nova.requests
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path, body }) =>
        [method, path.split('/').at(-1) === 'action' ? JSON.stringify(body) : ''].join(' ').trim(),
      );

  async function remove(id: string): Promise<string[]> {
    const steps: string[] = [];
    while (steps.at(-1) !== 'gone' && steps.length < 9) steps.push(await deleteServer(cloud, id));
    return steps;
  }

  test('sends one request, waits, and returns once the server is gone', async () => {
    const id = await createServer(cloud, { ...request, hypervisorHostname: node.uuid });
    await settled(id);

    expect(await remove(id)).toEqual(['going', 'going', 'going', 'gone']);
    expect(methods()).toEqual(['POST', 'DELETE']);
    expect(node).toMatchObject({ provision_state: 'available', instance_uuid: null });
  });

  test('is forced if Nova keeps deleted servers', async () => {
    nova.keepsDeleted = true;
    const id = await createServer(cloud, request);
    await settled(id);

    expect((await remove(id)).at(-1)).toBe('gone');
    expect(methods()).toEqual(['POST', 'DELETE', 'POST {"forceDelete":null}']);
  });

  test('of one that failed, or is gone, works too', async () => {
    nova.bootFails = 'no';
    const id = await createServer(cloud, request);
    await settled(id);

    expect((await remove(id)).at(-1)).toBe('gone');
    expect(await deleteServer(cloud, id)).toBe('gone');
  });

  test('of one that disappears between the read and the request works too', async () => {
    const id = await createServer(cloud, request);
    nova.intervene = ({ method }) => (method === 'DELETE' ? { status: 404 } : undefined);

    expect(await deleteServer(cloud, id)).toBe('gone');
  });
});

describe('lists', () => {
  test('have the servers of the project with this prefix, including soft-deleted ones, page by page', async () => {
    nova.maximum = 1;
    const id = await createServer(cloud, request);
    await createServer(cloud, { ...request, name: 'web' });
    nova.seed({ name: 'CC-IPA-TEST-other', project: 'project-2' });
    const kept = nova.seed({ name: 'CC-IPA-TEST-kept', project: cloud.projectId, status: 'SOFT_DELETED' });

    const found = await all(findServers(cloud, 'CC-IPA-TEST-'));

    expect(found.map((server) => server.id).sort()).toEqual([id, kept.id].sort());
  });

  test('take a name literally, not as an expression', async () => {
    const wanted = nova.seed({ name: 'a.b (c)', project: cloud.projectId });
    nova.seed({ name: 'axb (c)', project: cloud.projectId });

    expect((await all(findServers(cloud, 'a.b ('))).map(({ id }) => id)).toEqual([wanted.id]);
  });
});

describe('what a server is created with', () => {
  test('a flavor, by id and by name, on a later page too', async () => {
    const [first, last] = nova.flavors;
    nova.maximum = 1;

    expect(await findFlavor(cloud, first!.id)).toEqual({ id: first!.id, name: 'baremetal' });
    expect(await findFlavor(cloud, 'oversized')).toEqual({ id: last!.id, name: 'oversized' });
    expect(await findFlavor(cloud, 'nothing')).toBeUndefined();
  });

  test('a key pair', async () => {
    expect([await hasKeyPair(cloud, 'default'), await hasKeyPair(cloud, 'other')]).toEqual([true, false]);
  });

  test('a network, by id and by name, of which there may be several', async () => {
    const { network: neutron } = sandbox.users;
    const [one, two] = [neutron.seed({ name: 'shared' }), neutron.seed({ name: 'shared' })];
    neutron.seed({ name: one.id });

    expect(await findNetworks(cloud, one.id)).toEqual([one]);
    expect(await findNetworks(cloud, 'shared')).toEqual([one, two]);
    expect(await findNetworks(cloud, 'nothing')).toEqual([]);
  });
});
