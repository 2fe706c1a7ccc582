// The image is staged in Glance, which then imports it.
import { expect, test } from '@jest/globals';
import type { Fault, Hook } from '../cloud/fault.js';
import { mib } from './disk.js';
import { expectUntouched, expectUpgraded, glanceDigest, newRelease, onlyImage, seedProduction } from './images.js';
import { withSite, type Site } from './site.js';

const direct = { import_method: 'glance-direct' };
const stage = { method: 'PUT', path: /\/stage$/ };
const importing = { method: 'POST', path: /\/import$/ };

/** When Glance has got a part of the data. */
const killSoon =
  (kill: Hook): Hook =>
  (request) =>
    void setTimeout(() => void kill(request), 700);

const sentTo = ({ glanceProxy }: Site, { method, path }: { method: string; path: RegExp }): string[] =>
  glanceProxy.requests
    .filter((request) => request.method === method && path.test(request.path))
    .map((request) => request.path.split('/')[3] ?? '');

test.concurrent(
  'stages the image, compares it with the SHA-256 of the store, and has Glance import it',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib });

    const result = await site.deploy(direct);

    expect(onlyImage(result)).toMatchObject({
      action: 'deploy',
      verified_by: ['size', "store's sha256", glanceDigest],
    });
    const image = await expectUpgraded(site, old, published);
    expect(image).toMatchObject({ image_tools_staged: `sha256:${published.sha256}` });
    expect([sentTo(site, stage), sentTo(site, importing)]).toEqual([[image.id], [image.id]]);
    expect((await site.deploy(direct)).changed).toBe(false);
  }),
);

test.concurrent(
  'stages again, into the same image, where the connection is cut half-way',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib });
    site.glanceProxy.addFault({ ...stage, nth: 1, cutRequestAfter: 2 * mib });

    const result = await site.deploy(direct);

    expect(result.failed).toBeUndefined();
    const image = await expectUpgraded(site, old, published);
    expect(sentTo(site, stage)).toEqual([image.id, image.id]);
  }),
);

test.concurrent(
  'goes on where only the answers to the stage and to the import were lost',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...stage, nth: 1, passThenCut: true });
    site.glanceProxy.addFault({ ...importing, nth: 1, passThenCut: true });

    const result = await site.deploy(direct);

    expect(onlyImage(result).verified_by).toEqual(['size', "store's sha256", glanceDigest]);
    await expectUpgraded(site, old, published);
    expect([sentTo(site, stage).length, sentTo(site, importing).length]).toEqual([1, 1]);
  }),
);

/** Runs until the proxy calls its hook, and kills it there. */
async function killedAt(site: Site, fault: (kill: Hook) => Fault): Promise<void> {
  const running = site.startDeploy(direct);
  await new Promise<void>((resolve) => {
    site.glanceProxy.addFault(fault(() => running.kill().then(resolve)));
  });
  site.glanceProxy.clearFaults();
}

test.concurrent.each<[string, string, (kill: Hook) => Fault]>([
  ['during the stage', 'stages again', (kill) => ({ ...stage, stallRequestAfter: mib, before: killSoon(kill) })],
  ['when all was staged', 'stages again', (kill) => ({ ...stage, answered: kill })],
  ['before the import began', 'imports what was staged', (kill) => ({ ...importing, before: kill, status: 503 })],
  ['during the import', 'only waits', (kill) => ({ ...importing, answered: kill })],
])('where it was killed %s, the next run %s', (_, goesOn, fault) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib });
    await killedAt(site, fault);
    const before = [sentTo(site, stage).length, sentTo(site, importing).length];

    const result = await site.deploy(direct);

    expect(result.failed).toBeUndefined();
    await expectUpgraded(site, old, published);
    const sent = [sentTo(site, stage).length - (before[0] ?? 0), sentTo(site, importing).length - (before[1] ?? 0)];
    expect(sent).toEqual({ 'stages again': [1, 1], 'imports what was staged': [0, 1], 'only waits': [0, 0] }[goesOn]);
  })(),
);

test.concurrent(
  'begins no import of data that are not what the store published',
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ method: 'GET', path: /\.qcow2$/, nth: 2, wrongBytes: 500_000 });

    const result = await site.deploy(direct);

    expect(result.msg).toMatch(/the store's sha256 of the image is [0-9a-f]{64}, but that of http\S+ is [0-9a-f]{64};/);
    expect(sentTo(site, importing)).toEqual([]);
    expect(await site.glance.list()).toEqual([old]);
    await expectUntouched(site, old);
  }),
);
