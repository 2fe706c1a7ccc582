// Blazar for real: the contract of its double, and ipa_test by a lease. In one file, as there are
// few hosts to be leased.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { send, waitFor } from '../sandbox/contract-requests.js';
import { describeBlazar } from '../sandbox/blazar.contract.js';
import type { BlazarTarget } from '../sandbox/blazar.contract.js';
import { makeLeaseHosts } from './blazar.js';
import { fact, readCloud, tokenOf } from './cloud.js';
import type { Arguments } from './executable.js';
import { asBefore, openIpaSite, standingOf, type IpaSite } from './ipa-site.js';
import { withSite, type Site } from './site.js';

const cloud = readCloud();

if (cloud['blazar_url'] === undefined)
  test('this distribution has no Blazar', () => {
    expect(execFileSync('apt-cache', ['search', '--names-only', '^blazar-api$'], { encoding: 'utf8' })).toBe('');
  });
else {
  describeBlazar('the real service', connect);
  describeLeases();
}

async function connect(): Promise<BlazarTarget> {
  const nodeType = `contract-${randomUUID()}`;
  const hosts = await makeLeaseHosts(cloud, nodeType, 2);
  return {
    url: fact(cloud, 'blazar_url'),
    admin: { token: await tokenOf(cloud, 'admin'), projectId: cloud.admin_project_id },
    demo: { token: await tokenOf(cloud, 'demo') },
    nodeType,
    nodes: hosts.nodes,
    close: hosts.remove,
  };
}

type Images = Readonly<Record<'deploy_kernel' | 'deploy_ramdisk', unknown>>;

interface LeaseSite {
  readonly ipa: IpaSite;
  readonly nodes: readonly string[];
  readonly blazarProxy: FaultProxy;
  /** What makes a run take a lease. */
  readonly wish: Arguments;
  /** Takes a lease as any user would, and gives its id. */
  lease(): Promise<string>;
  leases(): Promise<{ id: string }[]>;
  /** Deletes a lease. */
  end(id: string): Promise<void>;
  /** No lease, no server, nothing in the journal, and all nodes available with these images. */
  expectNothingLeft(images: Images): Promise<void>;
}

/** Hosts of the site's node type, all of them free. */
async function openLeaseSite(site: Site, count: number, fields: Arguments = {}): Promise<LeaseSite> {
  const ipa = await openIpaSite(site);
  const { nodes, remove } = await makeLeaseHosts(cloud, site.name, count, { owner: site.project.id, ...fields });
  site.afterwards(remove);
  const url = fact(cloud, 'blazar_url');
  const blazarProxy = await startFaultProxy(new URL(url).origin);
  site.afterwards(() => blazarProxy.close());
  const leases = async (): Promise<{ id: string; project_id: string }[]> => {
    const { json } = await send('GET', `${url}/leases`, { token: site.project.token });
    return (json.leases as { id: string; project_id: string }[]).filter(({ project_id: id }) => id === site.project.id);
  };
  const end = async (id: string): Promise<void> =>
    void (await send('DELETE', `${url}/leases/${id}`, { token: site.project.token }));
  const lease = async (): Promise<string> => {
    const resource_properties = JSON.stringify(['==', '$node_type', site.name]);
    const reservation = { resource_type: 'physical:host', min: 1, max: 1, hypervisor_properties: '' };
    const end_date = new Date(Date.now() + 30 * 60_000).toISOString().slice(0, 16).replace('T', ' ');
    const reservations = [{ ...reservation, resource_properties }];
    const json = { name: site.name, start_date: 'now', end_date, events: [], reservations };
    const reply = await send('POST', `${url}/leases`, { token: site.project.token, json });
    expect(reply.status).toBe(201);
    const { id } = reply.json.lease as { id: string };
    site.afterwards(() => end(id));
    await waitFor(
      `lease ${id} to be active`,
      () => send('GET', `${url}/leases/${id}`, { token: site.project.token }),
      ({ json: found }) => found.lease.status === 'ACTIVE',
      60,
    );
    return id;
  };
  return {
    ...{ ipa, nodes, blazarProxy, lease, leases, end },
    wish: {
      reservation: 'blazar',
      flavor: fact(cloud, 'lease_flavor_name'),
      endpoint_override: {
        image: site.glanceProxy.url,
        compute: ipa.novaProxy.url + new URL(fact(cloud, 'nova_url')).pathname,
        baremetal: ipa.ironicProxy.url,
        reservation: blazarProxy.url + new URL(url).pathname,
      },
    },
    expectNothingLeft: async (images) => {
      await waitFor('no lease to be left', leases, (left) => left.length === 0, 60);
      expect([await ipa.servers(), ipa.journal()]).toEqual([[], []]);
      for (const node of nodes)
        expect(standingOf(await ipa.ironic.waitForState(node, 'available'))).toEqual({ ...asBefore, ...images });
    },
  };
}

function describeLeases(): void {
  describe('ipa_test by a lease of the real Blazar', () => {
    test(
      'boots the server on the leased one of several free nodes, rolls the pair out to all of them, and leaves no lease',
      withSite(async (site) => {
        const { ipa, nodes, wish, expectNothingLeft } = await openLeaseSite(site, 3);

        const result = await ipa.run({ ...wish, push: true });

        expect(result).toMatchObject({ passed: true, changed: true });
        expect(nodes).toContain(result.node?.uuid);
        expect(result.nodes?.map(({ uuid, result: done }) => [uuid, done]).sort()).toEqual(
          nodes.map((uuid) => [uuid, 'updated']).sort(),
        );
        await expectNothingLeft({ deploy_kernel: ipa.kernel.id, deploy_ramdisk: ipa.initramfs.id });
      }),
      600_000,
    );

    test(
      'says that no host is left, and leaves the lease that has it alone',
      withSite(async (site) => {
        const { ipa, wish, lease, leases, end, expectNothingLeft } = await openLeaseSite(site, 1);
        const theirs = await lease();

        const result = await ipa.run(wish);

        expect(result).toMatchObject({ failed: true, changed: false, passed: false });
        expect(result.failures).toEqual([
          expect.stringMatching(
            /^the test could not be run: Blazar has no free host .* Not enough hosts available; Ironic has 1 node: 1 available$/,
          ),
        ]);
        expect(await leases()).toMatchObject([{ id: theirs }]);
        await end(theirs);
        await expectNothingLeft(asBefore);
      }),
      600_000,
    );

    test.each([
      ['while the server is deployed', 'nova', { method: 'POST', path: /\/servers$/ }],
      ['before the server is booted', 'ironic', { method: 'PATCH', path: /\/nodes\// }],
    ] as const)(
      'tells that somebody has ended the lease %s, which says nothing about the images',
      (_, service, request) =>
        withSite(async (site) => {
          // Its steps take seconds, so that the server is still being deployed.
          const slow = { conductor_group: fact(cloud, 'ironic_slow_group') };
          const { ipa, nodes, wish, leases, end, expectNothingLeft } = await openLeaseSite(site, 1, slow);
          const proxy = service === 'nova' ? ipa.novaProxy : ipa.ironicProxy;
          const endAll = async (): Promise<void> => {
            if (service === 'nova')
              await waitFor(
                'the server to have its node',
                () => ipa.ironic.getNode(nodes[0] as string),
                ({ instance_uuid: server }) => Boolean(server),
                60,
              );
            for (const { id } of await leases()) await end(id);
          };
          const fault = proxy.addFault({ ...request, nth: 1, answered: endAll });

          const result = await ipa.run(wish);

          fault.remove();
          expect(result).toMatchObject({ failed: true, changed: false, passed: false });
          expect(result.failures).toEqual([
            expect.stringMatching(/^the test could not be run: lease \S+ ended before the test did \(it is \w+\): /),
          ]);
          await expectNothingLeft(asBefore);
        })(),
      600_000,
    );

    /** What a run writes, in order. */
    test.each([
      ['the lease', 'blazar', 'POST', /\/leases$/, 1],
      ['the images', 'ironic', 'PATCH', /\/nodes\//, 1],
      ['the boot', 'nova', 'POST', /\/servers$/, 1],
      ['the end of the server', 'nova', 'DELETE', /\/servers\//, 1],
      ['the former images', 'ironic', 'PATCH', /\/nodes\//, 2],
      ['the end of the lease', 'blazar', 'DELETE', /\/leases\//, 1],
    ] as const)(
      'killed when a service has done %s, and restored by the next run',
      (_, service, method, path, nth) =>
        withSite(async (site) => {
          const { ipa, wish, blazarProxy, expectNothingLeft } = await openLeaseSite(site, 1);
          const proxy = { blazar: blazarProxy, ironic: ipa.ironicProxy, nova: ipa.novaProxy }[service];
          const running = ipa.start(wish);
          const fault = proxy.addFault({ method, path, nth, answered: () => running.kill() });
          expect((await running.ended).exitCode).toBeNull();
          fault.remove();
          expect(ipa.journal()).toHaveLength(1);

          const result = await ipa.run({ ...wish, restore: true });

          expect(result.failed).toBeUndefined();
          expect(result.restored).toEqual([expect.stringContaining('CC-IPA-TEST-')]);
          await expectNothingLeft(asBefore);
        })(),
      600_000,
    );
  });
}
