// Going back on the real Glance: rollback and hold, kill -9 at each write, two hosts at once, and
// two images that were renamed by hand.
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { parseResult, type Arguments, type Running } from './executable.js';
import type { RawImage } from './glance.js';
import { newRelease, oldRelease, onlyImage, publicImages, seedProduction } from './images.js';
import { withSite, writesTo, type Site } from './site.js';

const later = '20250601-v1-amd';
const image = /\/v2\/images\/[^/?]+$/;
/** Many of these tests go on side by side. */
const patience = 600_000;

/** A site that has deployed a new release over an image of an older tool. */
async function upgraded(site: Site): Promise<{ readonly old: RawImage; readonly present: RawImage }> {
  const old = await seedProduction(site);
  await site.store.publish(site.name, newRelease);
  await site.deploy();
  const [present] = await publicImages(site);
  return { old, present: present as RawImage };
}

/** The seeded image is in production with its hold, and the other one is archived. */
async function expectBack(site: Site, old: RawImage, present: RawImage): Promise<void> {
  const images = await site.glance.list();
  expect(images.find(({ id }) => id === old.id)).toMatchObject({
    name: site.name,
    visibility: 'public',
    os_hidden: false,
    image_tools_held_release: newRelease,
    image_tools_held_image: present.id,
    image_tools_held_since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
  expect(images.find(({ id }) => id === old.id)).not.toHaveProperty('image_tools_superseded_at');
  expect(images.find(({ id }) => id === old.id)).not.toHaveProperty('chameleon-supported');
  const archived = images.filter(({ id }) => id !== old.id);
  expect(archived).toEqual([
    expect.objectContaining({ id: present.id, visibility: 'public', 'chameleon-supported': 'no' }),
  ]);
  expect(archived[0]?.name).toMatch(new RegExp(`^${site.name}_2025-`));
}

test.concurrent(
  'goes back, is held at night, is shown, ends with a newer release, and goes back again',
  withSite(async (site) => {
    const { old, present } = await upgraded(site);
    site.glanceProxy.clearFaults();

    const planned = await site.rollback({ _ansible_check_mode: true, _ansible_diff: true });
    const before = writesTo(site.glanceProxy).length;
    const back = await site.rollback();
    const again = await site.rollback();

    expect(planned).toMatchObject({ changed: true, msg: 'planned: 1 rollback' });
    expect(JSON.stringify(planned.diff)).toContain('image_tools_held_release');
    expect(back).toMatchObject({ changed: true, msg: '1 rollback' });
    expect(onlyImage(back)).toMatchObject({ action: 'rollback', id: old.id, archived_id: present.id });
    expect(again).toMatchObject({ changed: false, msg: '1 up_to_date' });
    expect(writesTo(site.glanceProxy)).toHaveLength(before + 2);
    await expectBack(site, old, present);

    const night = await site.deploy();
    expect(night).toMatchObject({ changed: false, msg: '1 held' });
    expect(onlyImage(night).reason).toContain(`when ${newRelease} was rolled back to ${oldRelease}`);
    const shown = await site.info({ images: [site.name] });
    expect(shown.images).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: present.id, held: true }),
        expect.objectContaining({ id: old.id, held_releases: [newRelease] }),
      ]),
    );

    await site.store.publish(site.name, later);
    expect(onlyImage(await site.deploy())).toMatchObject({ action: 'deploy', archived_id: old.id });
    expect(await site.glance.get(old.id)).not.toHaveProperty('image_tools_held_since');
    expect(onlyImage(await site.rollback({ to: newRelease }))).toMatchObject({ action: 'rollback', id: present.id });
    expect(onlyImage(await site.deploy())).toMatchObject({ action: 'held' });
    expect(onlyImage(await site.rollback({ release: true }))).toMatchObject({ action: 'release' });
    expect(onlyImage(await site.deploy())).toMatchObject({ action: 'deploy' });
    expect(await publicImages(site)).toEqual([expect.objectContaining({ current: later })]);
  }),
  patience,
);

test.concurrent(
  'makes users see an image again that was private and hidden, and refuses a deactivated one',
  withSite(async (site) => {
    const { old, present } = await upgraded(site);
    await site.glance.change(old.id, { visibility: 'private', os_hidden: true, protected: true });

    expect(onlyImage(await site.rollback())).toMatchObject({ action: 'rollback', id: old.id });

    await expectBack(site, old, present);
    await site.glance.change(old.id, { protected: false });
    await site.glance.deactivate(present.id);
    const refused = await site.rollback({ to: newRelease });
    expect(refused).toMatchObject({ failed: true, changed: false, code: 'ROLLBACK_REFUSED' });
    expect(refused.msg).toContain('is deactivated');
    await expectBack(site, old, { ...present, status: 'deactivated' });
  }),
  patience,
);

const deaths = [1, 2].flatMap((nth) =>
  (['before', 'answered', 'after'] as const).flatMap((hook) =>
    (['rollback', 'deploy'] as const).map((next) => ({ nth, hook, next })),
  ),
);

test.concurrent.each(deaths.map((death) => [death.nth, death.hook, death.next, death] as const))(
  'killed at write %i (%s), finished by the next %s',
  (_nth, _hook, _next, { nth, hook, next }) =>
    withSite(async (site) => {
      const { old, present } = await upgraded(site);
      let running: Running | undefined;
      let seenAtDeath: number | undefined;
      site.glanceProxy.addFault({
        method: 'PATCH',
        path: image,
        nth,
        [hook]: async () => {
          await running?.kill();
          seenAtDeath = (await publicImages(site)).length;
        },
      });
      running = site.startRollback();
      expect(await running.ended).toMatchObject({ exitCode: null, stdout: '' });
      while (seenAtDeath === undefined) await sleep(20);
      site.glanceProxy.clearFaults();

      const result = next === 'rollback' ? await site.rollback() : await site.deploy();

      expect(seenAtDeath).toBeGreaterThan(0);
      expect(result.failed).toBeUndefined();
      // Killed before anything was written, the deployer has nothing to finish.
      if (nth === 1 && hook === 'before' && next === 'deploy')
        expect(await publicImages(site)).toEqual([expect.objectContaining({ id: present.id })]);
      else await expectBack(site, old, present);
    })(),
  patience,
);

interface Host {
  readonly proxy: FaultProxy;
  readonly arguments: Arguments;
}

async function openHosts(site: Site): Promise<readonly [Host, Host]> {
  const proxies = [await startFaultProxy(site.cloud.glance_url), await startFaultProxy(site.cloud.glance_url)] as const;
  site.afterwards(() => Promise.all(proxies.map((proxy) => proxy.close())));
  let arrived = 0;
  const bothAreThere = async (): Promise<void> => {
    arrived += 1;
    while (arrived < proxies.length) await sleep(10);
  };
  for (const proxy of proxies) proxy.addFault({ method: 'PATCH', nth: 1, before: bothAreThere });
  const host = (proxy: FaultProxy): Host => ({
    proxy,
    arguments: { lock_dir: site.addHost(), endpoint_override: { image: proxy.url } },
  });
  return [host(proxies[0]), host(proxies[1])];
}

test.concurrent.each([
  ['a newer release is deployed', later],
  ['the same release is deployed again', newRelease],
])(
  'on two hosts at once, while %s: one image is left, and every run agrees which',
  (_, release) =>
    withSite(async (site) => {
      await upgraded(site);
      const hosts = await openHosts(site);
      if (release === later) await site.store.publish(site.name, later);
      const runs = [
        site.startRollback(hosts[0].arguments),
        site.startDeploy({ ...hosts[1].arguments, force: release === newRelease }),
      ];

      await Promise.all(runs.map(({ ended }) => ended));

      await site.deploy();
      const left = await publicImages(site);
      // A forced deployment that begins after the rollback ends its hold, and brings the same release back.
      const allowed = release === later ? [later] : [oldRelease, newRelease];
      expect(left).toHaveLength(1);
      expect(allowed).toContain(left[0]?.current);
      expect(await site.deploy()).toMatchObject({ changed: false });
    })(),
  patience,
);

test.concurrent(
  'on two hosts at once, to different releases: one image is left',
  withSite(async (site) => {
    await upgraded(site);
    await site.store.publish(site.name, later);
    await site.deploy();
    const hosts = await openHosts(site);
    const runs = [oldRelease, newRelease].map((to, at) => site.startRollback({ ...(hosts[at] as Host).arguments, to }));

    const results = (await Promise.all(runs.map(({ ended }) => ended))).map(parseResult);

    expect(results.some(({ failed }) => !failed)).toBe(true);
    expect(onlyImage(await site.deploy())).toMatchObject({ action: 'held' });
    expect(await publicImages(site)).toHaveLength(1);
  }),
  patience,
);

test.concurrent(
  'holds what was taken back by two renames, and finishes one that was made by half',
  withSite(async (site) => {
    const { old, present } = await upgraded(site);
    await site.glance.change(present.id, { name: `${site.name}-bad` });
    await site.glance.change(old.id, { name: site.name });

    const night = await site.deploy();
    const next = await site.deploy();

    expect(onlyImage(night)).toMatchObject({ action: 'held' });
    expect(night).toMatchObject({ changed: true });
    expect(next).toMatchObject({ changed: false, msg: '1 held' });
    expect(await publicImages(site)).toEqual([expect.objectContaining({ id: old.id })]);
    expect(await site.glance.get(present.id)).toMatchObject({ name: `${site.name}-bad` });
    expect(await site.glance.get(old.id)).not.toHaveProperty('image_tools_superseded_at');

    await site.rollback({ to: present.id });
    await site.glance.change(old.id, { name: site.name });
    await site.deploy();
    await expectBack(site, old, present);
  }),
  patience,
);
