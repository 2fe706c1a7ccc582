// Only 404 says that something does not exist: a service that is out of order is not taken for one
// that has nothing, since what does not exist is created, or needs no restoring.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { getHost } from '../../modules/clients/blazar/hosts.js';
import { getLease } from '../../modules/clients/blazar/leases.js';
import { getHardware } from '../../modules/clients/doni/hardware.js';
import { getImage, seesAllImages } from '../../modules/clients/glance/images.js';
import { openIronic } from '../../modules/clients/ironic/api.js';
import { getNode } from '../../modules/clients/ironic/nodes.js';
import { getPort, listPorts } from '../../modules/clients/ironic/ports.js';
import type { Cloud } from '../../modules/clients/keystone/cloud.js';
import { getServer } from '../../modules/clients/nova/servers.js';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { startSandbox, type Sandbox, type Users } from '../sandbox/sandbox.js';
import { cloudOf } from './cloud-of.js';

const services: (keyof Users)[] = ['compute', 'baremetal', 'reservation', 'inventory'];
const id = '11111111-2222-4333-8444-555555555555';
const looks: readonly [string, string, (cloud: Cloud) => Promise<unknown>][] = [
  ['a host', 'reservation', (cloud) => getHost(cloud, '1')],
  ['a lease', 'reservation', (cloud) => getLease(cloud, id)],
  ['hardware', 'inventory', (cloud) => getHardware(cloud, id)],
  ['a server', 'compute', (cloud) => getServer(cloud, id)],
  ['an image', 'image', (cloud) => getImage(cloud, id)],
  ['a node', 'baremetal', async (cloud) => getNode(await openIronic(cloud), id)],
  ['a port', 'baremetal', async (cloud) => getPort(await openIronic(cloud), id)],
];

let sandbox: Sandbox;
let cloud: Cloud;
let proxies: Map<string, FaultProxy>;

beforeEach(async () => {
  sandbox = await startSandbox({ services });
  proxies = new Map();
  for (const entry of sandbox.keystone.catalog) proxies.set(entry.type, await startFaultProxy(entry.url));
  sandbox.keystone.catalog = sandbox.keystone.catalog.map((entry) => ({
    ...entry,
    url: proxies.get(entry.type)?.url ?? entry.url,
  }));
  cloud = await cloudOf(sandbox);
});
afterEach(async () => {
  await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
  await sandbox.close();
});

test.each(looks)('%s that does not exist is undefined', async (_, _service, look) => {
  expect(await look(cloud)).toBeUndefined();
});

test.each(looks)('%s of a service that answers 400 or 503 is not taken for missing', async (_, service, look) => {
  for (const status of [400, 503]) {
    const fault = proxies.get(service)?.addFault({ method: 'GET', path: /./, fromNth: 1, status });
    await expect(look(cloud)).rejects.toThrow(String(status));
    fault?.remove();
  }
});

test('whether all images are seen is not known of a Glance that is out of order', async () => {
  proxies.get('image')?.addFault({ path: /tasks/, status: 503 });

  await expect(seesAllImages(cloud)).rejects.toThrow('503');
});

test('an answer that is no image, host, hardware or server is not read as one', async () => {
  for (const service of ['image', 'reservation', 'inventory', 'compute'])
    proxies.get(service)?.addFault({
      method: 'GET',
      status: 200,
      body: '{}',
      setHeaders: { 'Content-Type': 'application/json' },
    });

  for (const [, , look] of looks.filter(([, service]) => service !== 'baremetal'))
    await expect(look(cloud)).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' });
});

test('ports are refused to a login without a role, which is told what it lacks', async () => {
  const ironic = await openIronic(await cloudOf({ auth: sandbox.demoAuth }));

  await expect(listPorts(ironic)).rejects.toThrow(/Access was denied to the following resource: baremetal:port:list/);
});
