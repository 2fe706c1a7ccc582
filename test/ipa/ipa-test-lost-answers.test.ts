// What comes between a test and its server or its lease: answers that get lost, a Nova that does
// not know the node yet, and a server that ends up elsewhere.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { first } from '../nodes/bring-to-site.js';
import { everything, former, imagesOf, startIpaSite, type IpaTestSite } from './ipa-test-site.js';

let site: IpaTestSite;
let node: StoredNode;
let proxies: FaultProxy[];

beforeEach(() => {
  proxies = [];
});
afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await site.close();
});

async function open(services = everything): Promise<void> {
  site = await startIpaSite(services);
  node = site.addNode();
}

/** A proxy before a service, whose first answer to a POST there gets lost. */
async function losing(service: 'compute' | 'reservation'): Promise<Record<string, unknown>> {
  const { origin, pathname } = new URL(site.users[service].url);
  const proxy = await startFaultProxy(origin);
  proxies.push(proxy);
  proxy.addFault({ method: 'POST', nth: 1, passThenCut: true });
  return { endpoint_override: { [service]: proxy.url + pathname } };
}

const expectClean = (): void =>
  expect([imagesOf(node), site.users.compute.servers, site.users.reservation.leases, site.journal()]).toEqual([
    former,
    [],
    [],
    [],
  ]);

const posts = (service: 'compute' | 'reservation'): number =>
  site.users[service].requests.filter(({ method }) => method === 'POST').length;

test.each(['compute', 'reservation'] as const)(
  'a lost answer of %s is no reason to create a second one',
  async (service) => {
    await open();

    const outcome = await site.test(await losing(service));

    expect(outcome).toMatchObject({ failures: [], values: { passed: true } });
    expect(posts(service)).toBe(1);
    expectClean();
  },
);

test('a Nova that does not know the node yet is asked again', async () => {
  await open(['compute', 'baremetal', 'network']);
  site.users.compute.intervene = first(
    1,
    ({ method }) => method === 'POST',
    () => ({
      status: 400,
      body: { badRequest: { code: 400, message: `Compute host ${node.uuid} could not be found.` } },
    }),
  );

  expect(await site.test()).toMatchObject({ failures: [], values: { passed: true } });
  expect(posts('compute')).toBe(2);
  expectClean();
});

test('a server for which Nova finds no host is deleted and repeated, and then says nothing about the images', async () => {
  await open(['compute', 'baremetal', 'network']);

  const outcome = await site.test({ flavor: 'oversized', schedule_timeout: 2 });

  expect(outcome.failures).toEqual([
    expect.stringMatching(/gave up waiting for Nova to find node rack1-01 available after 2 s$/),
  ]);
  expect(posts('compute')).toBeGreaterThan(1);
  expectClean();
});

test('a server that Nova puts on another node proves nothing for this one', async () => {
  await open(['compute', 'baremetal', 'network']);
  site.users.compute.intervene = ({ method, segments: [, resource, id] }) => {
    const server = site.users.compute.servers.find((one) => one.id === id);
    if (method !== 'GET' || resource !== 'servers' || !server || server.boot?.taskState === 'deleting')
      return undefined;
    return {
      status: 200,
      body: {
        server: {
          ...{ id, name: server.name, tenant_id: server.project, status: 'ACTIVE', image: '' },
          'OS-EXT-SRV-ATTR:hypervisor_hostname': 'rack9-01',
        },
      },
    };
  };

  const outcome = await site.test({ flavor: 'oversized' });

  expect(outcome.failures).toEqual([
    expect.stringMatching(/^the test could not be run: Nova placed server \S+ on rack9-01, not on node rack1-01$/),
  ]);
  expect(outcome.values).toMatchObject({ passed: false });
  expectClean();
});

describe('with Blazar', () => {
  test('a leased node whose images come back masked is given back, untouched', async () => {
    await open();
    node.driver_info = { deploy_kernel: 'http://127.0.0.1/k?token=***', deploy_ramdisk: former.deploy_ramdisk };

    const outcome = await site.test();

    expect(outcome.failures).toEqual([
      expect.stringMatching(/Blazar leased node rack1-01, which cannot be tested on: Ironic masks/),
    ]);
    expect([site.users.reservation.leases, site.journal()]).toEqual([[], []]);
    expect(site.users.baremetal.requests.map(({ method }) => method)).not.toContain('PATCH');
  });

  test('a lease that Blazar does not delete at once is deleted later', async () => {
    await open();
    site.users.reservation.intervene = first(
      2,
      ({ method }) => method === 'DELETE',
      () => ({ status: 500, body: { error_code: 500, error_message: 'Invalid lease status.' } }),
    );

    expect(await site.test()).toMatchObject({ failures: [], values: { passed: true } });
    expectClean();
  });
});
