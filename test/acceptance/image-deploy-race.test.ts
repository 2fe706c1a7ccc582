// Two hosts with locks of their own, and stores that differ by a release, promote at the same
// moment; killed at each step, too.
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { cloudAdminToken } from './cloud.js';
import { parseResult, type Arguments, type Running } from './executable.js';
import { swiftStore } from './image-store.js';
import { newRelease, onlyImage, publicImages, seedArchiveName, seedProduction } from './images.js';
import { withSite, type Site } from './site.js';

/** Each has four runs; many of these tests go on side by side. */
const patience = 300_000;
const later = '20250601-v1-amd';
const image = /\/v2\/images\/[^/?]+$/;
const namesakes = /\/v2\/images\?.*&name=/;

interface Host {
  readonly proxy: FaultProxy;
  readonly arguments: Arguments;
  running?: Running;
}

/** Two hosts: the second one's store, a mirror, has not seen the later release yet. */
async function openHosts(site: Site): Promise<readonly [Host, Host]> {
  await site.store.publish(site.name, later);
  const scope = `${site.scope}-mirror`;
  const mirror = swiftStore(site.cloud, await cloudAdminToken(site.cloud), scope);
  site.afterwards(() => mirror.cleanUp());
  await mirror.publish(site.name, newRelease);
  const proxies = [await startFaultProxy(site.cloud.glance_url), await startFaultProxy(site.cloud.glance_url)] as const;
  site.afterwards(() => Promise.all(proxies.map((proxy) => proxy.close())));
  const host = (proxy: FaultProxy, given: Arguments): Host => ({
    proxy,
    arguments: { lock_dir: site.addHost(), endpoint_override: { image: proxy.url }, ...given },
  });
  return [host(proxies[0], {}), host(proxies[1], { scope, object_store_url: mirror.url })];
}

/** Runs both, and lets neither promote before both are about to. */
async function race(site: Site, hosts: readonly Host[]): Promise<void> {
  let arrived = 0;
  const bothAreThere = async (): Promise<void> => {
    arrived += 1;
    while (arrived < hosts.length) await sleep(10);
  };
  for (const host of hosts) {
    host.proxy.addFault({ method: 'PATCH', nth: 1, before: bothAreThere });
    host.running = site.startDeploy(host.arguments);
  }
}

async function expectSettled(site: Site, release: string): Promise<void> {
  const images = await site.glance.list();
  expect(images.filter(({ name, visibility }) => name === site.name && visibility === 'public')).toEqual([
    expect.objectContaining({ current: release, status: 'active' }),
  ]);
  const archived = images.filter(({ name }) => name !== site.name);
  for (const each of archived)
    expect(each).toMatchObject({ 'chameleon-supported': 'no', image_tools_superseded_at: expect.any(String) });
  expect(archived.map(({ name }) => name)).toContain(seedArchiveName(site));
}

test.concurrent.each([true, false])(
  'two hosts end with one production image, the later release, where there was one before: %s',
  (hasOld) =>
    withSite(async (site) => {
      if (hasOld) await seedProduction(site);
      const hosts = await openHosts(site);

      await race(site, hosts);
      const results = await Promise.all(
        hosts.map(async ({ running }) => parseResult(await (running as Running).ended)),
      );

      for (const result of results) expect(result.failed).toBeUndefined();
      expect(onlyImage(results[1] as never).reason).toContain('at the same time, so this one has been archived');
      expect(await publicImages(site)).toEqual([expect.objectContaining({ current: later })]);
      if (hasOld) await expectSettled(site, later);
      expect(await site.deploy(hosts[0].arguments)).toMatchObject({ changed: false });
    })(),
);

/** The requests of a host from its promotion on. */
const deaths: readonly [what: string, { method: string; path: RegExp; nth: number }][] = [
  ['its promotion', { method: 'PATCH', path: image, nth: 1 }],
  ['the archiving of the image before', { method: 'PATCH', path: image, nth: 2 }],
  ['its look for others', { method: 'GET', path: namesakes, nth: 2 }],
];

test.concurrent.each(
  deaths.flatMap(([what, point]) =>
    [[0], [1], [0, 1]].map((killed) => [what, killed.map((at) => at + 1).join(' and '), point, killed] as const),
  ),
)(
  'after %s host %s is killed; another run puts all right',
  (_, __, point, killed) =>
    withSite(async (site) => {
      await seedProduction(site);
      const hosts = await openHosts(site);
      for (const at of killed)
        hosts[at]?.proxy.addFault({ ...point, answered: async () => void (await hosts[at]?.running?.kill()) });

      await race(site, hosts);
      await Promise.all(hosts.map(({ running }) => running?.ended));

      expect((await publicImages(site)).filter(({ status }) => status === 'active').length).toBeGreaterThan(0);
      for (const { proxy } of hosts) proxy.clearFaults();
      const result = await site.deploy(hosts[0].arguments);
      expect(result.failed).toBeUndefined();
      await expectSettled(site, later);
      expect(await site.deploy(hosts[0].arguments)).toMatchObject({ changed: false });
    })(),
  patience,
);
