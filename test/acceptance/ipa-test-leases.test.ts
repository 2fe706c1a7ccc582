// ipa_test with Blazar and Doni, killed at each of its writes. Neither can be had as a package, so
// all services are doubles here.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { startModule, type Arguments, type Running } from './executable.js';
import { resultOf, type IpaResult } from './ipa-site.js';

const former = {
  deploy_kernel: '11111111-1111-4111-8111-111111111111',
  deploy_ramdisk: '22222222-2222-4222-8222-222222222222',
};
const inDoni = {
  baremetal_deploy_kernel_image: former.deploy_kernel,
  baremetal_deploy_ramdisk_image: former.deploy_ramdisk,
};

interface LeasedSite {
  readonly sandbox: Sandbox;
  readonly proxies: Readonly<Record<'reservation' | 'inventory' | 'baremetal' | 'compute', FaultProxy>>;
  start(given?: Arguments): Running;
  run(given?: Arguments): Promise<IpaResult>;
  journal(): string[];
}

function withLeases(body: (site: LeasedSite) => Promise<void>): () => Promise<void> {
  return async () => {
    const sandbox = await startSandbox({ services: ['compute', 'baremetal', 'reservation', 'inventory', 'network'] });
    const folder = mkdtempSync(join(tmpdir(), 'leases-'));
    const { users } = sandbox;
    const proxyOf = (service: keyof LeasedSite['proxies']): Promise<FaultProxy> =>
      startFaultProxy(new URL(users[service].url).origin);
    const proxies = {
      reservation: await proxyOf('reservation'),
      inventory: await proxyOf('inventory'),
      baremetal: await proxyOf('baremetal'),
      compute: await proxyOf('compute'),
    };
    try {
      const start = (given: Arguments = {}): Running =>
        startModule(
          'ipa_test',
          {
            auth: sandbox.auth,
            endpoint_override: {
              ...Object.fromEntries(Object.entries(proxies).map(([service, { url }]) => [service, url])),
              compute: `${proxies.compute.url}/v2.1`,
            },
            ...{
              node_type: 'compute_skylake',
              server_image: 'CC-Ubuntu24.04',
              network: 'none',
              lock_dir: folder,
              journal_dir: join(folder, 'journal'),
              ...given,
            },
          },
          {},
        );
      seed(sandbox);
      await body({
        sandbox,
        proxies,
        start,
        run: async (given) => resultOf(await start(given).ended),
        journal: () => readdirSync(join(folder, 'journal')),
      });
    } finally {
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
      await sandbox.close();
      rmSync(folder, { recursive: true });
    }
  };
}

function seed({ glance, users }: Sandbox): void {
  glance.seed({ name: 'CC-Ubuntu24.04', visibility: 'public' });
  for (const [kind, disk_format] of [
    ['kernel', 'aki'],
    ['initramfs', 'ari'],
  ] as const) {
    glance.seed({
      name: `CC-IPA-Debian11-AMD64.${kind}`,
      disk_format,
      visibility: 'public',
      properties: { 'build-ipa': kind, 'build-tag': 'april', 'build-timestamp': '2025-04-22 15:30:45' },
    });
  }
  const node = users.baremetal.seed({
    driver_info: former,
    provision_state: 'available',
    properties: { node_type: 'compute_skylake', cpu_arch: 'x86_64' },
  });
  users.reservation.seed({ hypervisor_hostname: node.uuid });
  users.inventory.seed({ uuid: node.uuid, properties: { ...inDoni, node_type: 'compute_skylake' } });
}

function expectAsBefore({ sandbox: { users }, journal }: LeasedSite): void {
  expect(users.baremetal.nodes).toMatchObject([{ driver_info: former, provision_state: 'available' }]);
  expect(users.inventory.hardware[0]?.properties).toMatchObject(inDoni);
  expect([users.reservation.leases, users.compute.servers, journal()]).toEqual([[], [], []]);
}

test.concurrent(
  'a test by a lease leaves nothing',
  withLeases(async (site) => {
    expect(await site.run()).toMatchObject({ passed: true, changed: false });
    expectAsBefore(site);
  }),
);

/** What a run writes, in order. */
const writes: readonly (readonly [string, keyof LeasedSite['proxies'], string, number])[] = [
  ['the lease', 'reservation', 'POST', 1],
  ['the images in Doni', 'inventory', 'PATCH', 1],
  ['the images in Ironic', 'baremetal', 'PATCH', 1],
  ['the boot', 'compute', 'POST', 1],
  ['the end of the server', 'compute', 'DELETE', 1],
  ['the former images in Doni', 'inventory', 'PATCH', 2],
  ['the former images in Ironic', 'baremetal', 'PATCH', 2],
  ['the end of the lease', 'reservation', 'DELETE', 1],
];

const deaths = writes.flatMap((write) => (['before', 'answered'] as const).map((hook) => [...write, hook] as const));

test.concurrent.each(deaths)(
  '%s: killed at it (%s %s %i, %s), and put back by the next run',
  (_, service, method, nth, hook) =>
    withLeases(async (site) => {
      const running = site.start();
      const fault = site.proxies[service].addFault({
        method,
        nth,
        [hook]: () => running.kill(),
        ...(hook === 'before' ? { status: 503 } : {}),
      });
      expect((await running.ended).exitCode).toBeNull();
      fault.remove();
      expect(site.journal()).toHaveLength(1);

      expect(await site.run({ restore: true })).toMatchObject({
        changed: true,
        restored: [expect.stringMatching(/^CC-IPA-TEST-compute_skylake-[A-Z0-9]{6}: /)],
      });

      expectAsBefore(site);
    })(),
);

test.concurrent(
  'an answer of Blazar or Nova that is lost is looked for by the name, and nothing is made twice',
  withLeases(async (site) => {
    site.proxies.reservation.addFault({ method: 'POST', nth: 1, passThenCut: true });
    site.proxies.compute.addFault({ method: 'POST', nth: 1, passThenCut: true });

    expect(await site.run()).toMatchObject({ passed: true });

    expect(site.proxies.reservation.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expect(site.proxies.compute.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expectAsBefore(site);
  }),
);
