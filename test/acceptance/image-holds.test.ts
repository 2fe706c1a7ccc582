// What stays behind on the real Glance: a pair of IPA images that was rolled back, with kill -9 at
// each write, and images that are pinned to a release.
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from './executable.js';
import { actionsOf, openOldSite, setAge } from './image-clean-site.js';
import { newRelease, oldRelease, onlyImage, publicImages } from './images.js';
import { expectContent, putPair, withObjects, type ObjectsSite, type StoredObject } from './objects-store.js';
import { withSite } from './site.js';

/** Many of these tests go on side by side. */
const patience = 600_000;

interface Pair {
  readonly kernel: StoredObject;
  readonly initramfs: StoredObject;
}

/** A site that has deployed two builds of the agent, one over the other. */
async function withTwoBuilds(site: ObjectsSite): Promise<{ readonly older: Pair; readonly newer: Pair }> {
  const older = await putPair(site, { 'build-timestamp': '2022-01-01 00:00:00' });
  await site.deployObjects({ ipa: 'kernel' });
  const newer = await putPair(site, { 'build-timestamp': '2023-03-02 00:00:00' });
  await site.deployObjects({ ipa: 'kernel' });
  await expectPair(site, newer);
  return { older, newer };
}

async function expectPair(site: ObjectsSite, { kernel, initramfs }: Pair): Promise<void> {
  await expectContent(site, site.names.kernel, kernel, { 'build-ipa': 'kernel' });
  await expectContent(site, site.names.initramfs, initramfs, { 'build-ipa': 'initramfs' });
}

test.concurrent(
  'kernel and initramfs go back together by the name of either, and are held together',
  withObjects(async (site) => {
    const { older } = await withTwoBuilds(site);

    const back = await site.rollback({ image: site.names.initramfs });

    expect(back).toMatchObject({ changed: true, msg: '2 rollback' });
    await expectPair(site, older);
    expect(await site.deployObjects({ ipa: 'kernel' })).toMatchObject({ changed: false, msg: '2 held' });
    expect(await site.rollback({ image: site.names.kernel })).toMatchObject({ changed: false });
    await expectPair(site, older);
  }),
  patience,
);

const deaths = [1, 2, 3, 4].flatMap((nth) => (['rollback', 'deploy'] as const).map((next) => ({ nth, next })));

test.concurrent.each(deaths.map((death) => [death.nth, death.next, death] as const))(
  'a pair whose rollback was killed after write %i of 4 is whole after the next %s',
  (_nth, _next, { nth, next }) =>
    withObjects(async (site) => {
      const { older } = await withTwoBuilds(site);
      site.glanceProxy.clearFaults();
      let running: Running | undefined;
      let isDead = false;
      site.glanceProxy.addFault({
        method: 'PATCH',
        nth,
        answered: async () => {
          await running?.kill();
          isDead = true;
        },
      });
      running = site.startRollback({ image: site.names.kernel });
      expect(await running.ended).toMatchObject({ exitCode: null, stdout: '' });
      while (!isDead) await sleep(20);
      site.glanceProxy.clearFaults();

      const result =
        next === 'rollback'
          ? await site.rollback({ image: site.names.kernel })
          : await site.deployObjects({ ipa: 'kernel' });

      expect(result.failed).toBeUndefined();
      await expectPair(site, older);
      expect(await site.deployObjects({ ipa: 'kernel' })).toMatchObject({ changed: false, msg: '2 held' });
    })(),
  patience,
);

test.concurrent(
  'a pinned name gets its release, keeps it when there is a newer one, and the cleaner leaves it alone',
  withSite(async (site) => {
    const old = await openOldSite(site);
    await site.store.publish(site.name, oldRelease);
    const pins = { [site.name]: oldRelease };
    await site.deploy();
    await site.store.publish(site.name, newRelease);

    const held = await site.deploy({ pins });
    const upgraded = await site.deploy();
    const back = await site.deploy({ pins });

    expect(held).toMatchObject({ changed: false, msg: '1 held' });
    expect(onlyImage(held).reason).toContain(`to which pins keeps it; the catalogue has ${newRelease}`);
    expect(onlyImage(upgraded)).toMatchObject({ action: 'deploy', release: newRelease });
    expect(onlyImage(back)).toMatchObject({ action: 'deploy', release: oldRelease });
    expect(await publicImages(site)).toEqual([expect.objectContaining({ current: oldRelease })]);
    expect(await site.deploy({ pins })).toMatchObject({ changed: false, msg: '1 held' });

    for (const { id } of await site.glance.list()) setAge(id, 30);
    const pinned = (await site.glance.list()).filter(({ current }) => current === oldRelease);
    const cleaned = await old.clean({ pins });
    const actions = actionsOf(cleaned);
    expect(pinned).toHaveLength(2);
    for (const { id } of pinned) expect(actions.get(id)).toMatch(/^(keep|skip) /);
    expect((await site.glance.list()).filter(({ current }) => current === oldRelease)).toHaveLength(2);
  }),
  patience,
);
