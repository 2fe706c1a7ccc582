// Kernel and ramdisk, which are switched as one.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { linkSync, mkdirSync, readdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { april, june, may, sha256, startCacheSite, type CacheSite } from './cache-site.js';
import type { ServedFile } from '../sandbox/file-server.js';

let site: CacheSite;
let kernel: ServedFile;
let ramdisk: ServedFile;
const versions = '.image_cache/sets/ipa';

beforeEach(async () => {
  site = await startCacheSite();
  kernel = site.serve('/ipa.kernel', 'kernel 1', { lastModified: april });
  ramdisk = site.serve('/ipa.initramfs', 'ramdisk 1', { lastModified: april });
});

afterEach(() => site.close());

let clock = Date.parse('2025-07-01T00:00:00Z');

/** Each run a minute later than the one before. */
function run(
  more: Record<string, unknown> = {},
  { checkMode = false, set = {} }: { checkMode?: boolean; set?: Record<string, unknown> } = {},
): Promise<Outcome> {
  const sets = [
    {
      name: 'ipa',
      dest: site.folder,
      kernel: { url: `${site.url}/ipa.kernel` },
      ramdisk: { url: `${site.url}/ipa.initramfs` },
      ...set,
    },
  ];
  return site.run({ sets, ...more }, { checkMode, now: new Date((clock += 60_000)) });
}

const setOf = (outcome: Outcome): Record<string, unknown> => (outcome.values.sets as Record<string, unknown>[])[0]!;
const pair = (): string => `${site.read('ipa/kernel')}, ${site.read('ipa/ramdisk')}`;
const versionNames = (): string[] => readdirSync(join(site.folder, versions)).filter((name) => name.endsWith('Z'));

/** The next release of both. */
function publish(release: number, lastModified: string): void {
  Object.assign(kernel, { body: Buffer.from(`kernel ${release}`), lastModified });
  Object.assign(ramdisk, { body: Buffer.from(`ramdisk ${release}`), lastModified });
}

test('a set is published by one link, and a second run changes nothing', async () => {
  const first = await run();

  expect(setOf(first)).toMatchObject({
    action: 'fetch',
    changed: true,
    driver_info: {
      deploy_kernel: `file://${site.folder}/ipa/kernel`,
      deploy_ramdisk: `file://${site.folder}/ipa/ramdisk`,
    },
    instance_info: { kernel: `file://${site.folder}/ipa/kernel`, ramdisk: `file://${site.folder}/ipa/ramdisk` },
  });
  expect(first.values.digests).toEqual({ 'ipa/kernel': sha256('kernel 1'), 'ipa/ramdisk': sha256('ramdisk 1') });
  expect(pair()).toBe('kernel 1, ramdisk 1');
  expect(site.modified('ipa/kernel')).toBe(april);
  expect(readlinkSync(join(site.folder, 'ipa'))).toBe(`${versions}/${String(setOf(first).version)}`);
  expect(await run()).toMatchObject({ changed: false, message: '1 fresh' });
});

test('a new release of one of them creates a version of both', async () => {
  await run();
  Object.assign(ramdisk, { body: Buffer.from('ramdisk 2'), lastModified: may });

  const outcome = await run();

  expect(setOf(outcome)).toMatchObject({ action: 'fetch', kernel: { reason: 'fresh' }, ramdisk: { reason: 'newer' } });
  expect(pair()).toBe('kernel 1, ramdisk 2');
  expect(site.seen().filter((request) => request === 'GET /ipa.kernel')).toHaveLength(1);
  expect(await run()).toMatchObject({ changed: false });
});

test('if one of them cannot be fetched, both stay', async () => {
  await run();
  publish(2, may);
  ramdisk.getStatus = 404;

  const outcome = await run();

  expect(outcome.failures).toHaveLength(1);
  expect(pair()).toBe('kernel 1, ramdisk 1');
  expect(await run({}, { checkMode: true })).toMatchObject({ changed: true });
  delete ramdisk.getStatus;
  await run();
  expect(pair()).toBe('kernel 2, ramdisk 2');
});

test('if the checksum of one is wrong, both stay', async () => {
  await run();
  publish(2, may);

  const outcome = await run(
    {},
    { set: { ramdisk: { url: `${site.url}/ipa.initramfs`, checksum: sha256('something else') } } },
  );

  expect(outcome.failures).toEqual([expect.stringContaining('its sha256 is')]);
  expect(pair()).toBe('kernel 1, ramdisk 1');
});

test('the same bytes with a newer date create no version', async () => {
  await run();
  publish(1, may);

  expect(await run()).toMatchObject({ changed: false, message: '1 fetch' });
  expect(versionNames()).toHaveLength(1);
  expect(site.modified('ipa/kernel')).toBe(may);
  expect(await run()).toMatchObject({ message: '1 fresh' });
});

test('a version that a killed run had not linked yet is linked without another download', async () => {
  await run();
  const old = readlinkSync(join(site.folder, 'ipa'));
  publish(2, may);
  await run();
  unlinkSync(join(site.folder, 'ipa'));
  symlinkSync(old, join(site.folder, 'ipa'));
  site.forget();

  expect(await run()).toMatchObject({ changed: true });
  expect(pair()).toBe('kernel 2, ramdisk 2');
  expect(site.seen()).toEqual(['HEAD /ipa.kernel', 'HEAD /ipa.initramfs']);
});

describe('old versions', () => {
  test.each([
    [0, 1],
    [1, 2],
    [2, 3],
    [5, 4],
  ])('with keep %i, %i versions stay in all', async (keep, expected) => {
    for (const [release, date] of [
      [1, april],
      [2, may],
      [3, june],
      [4, 'Tue, 01 Jul 2025 08:00:00 GMT'],
    ] as const) {
      publish(release, date);
      await run({ keep });
    }

    expect(versionNames()).toHaveLength(expected);
    expect(pair()).toBe('kernel 4, ramdisk 4');
  });

  test('stay while they have a further hard link', async () => {
    await run();
    const linked = join(readlinkSync(join(site.folder, 'ipa')), 'kernel');
    linkSync(join(site.folder, linked), join(site.folder, 'of-a-node'));
    publish(2, may);
    await run({ keep: 0 });
    expect(site.exists(linked)).toBe(true);

    unlinkSync(join(site.folder, 'of-a-node'));
    const outcome = await run({ keep: 0 });

    expect(outcome).toMatchObject({ changed: true, message: '1 fresh, 1 pruned' });
    expect(outcome.values.pruned).toEqual([{ path: expect.stringContaining(versions), reason: 'keep is 0' }]);
    expect(site.exists(linked)).toBe(false);
  });
});

describe('limits', () => {
  const day = 24 * 3600 * 1000;

  async function cacheTwo(): Promise<void> {
    for (const name of ['one', 'two']) {
      site.serve(`/${name}`, 'x'.repeat(1024), { lastModified: april });
      await site.run({ files: [{ url: `${site.url}/${name}`, dest: `${site.folder}/${name}` }] });
    }
  }

  test('max_age removes what no run has named for that long, and nothing that this run names', async () => {
    await cacheTwo();
    const later = new Date(Date.now() + 10 * day);
    const files = [{ url: `${site.url}/two`, dest: `${site.folder}/two` }];

    expect(await site.run({ files, max_age: 11 }, { now: later })).toMatchObject({ changed: false });
    expect(await site.run({ files, max_age: 9 }, { now: later, checkMode: true })).toMatchObject({ changed: true });
    expect(site.exists('one')).toBe(true);
    const outcome = await site.run({ files, max_age: 9 }, { now: later });

    expect(outcome.values.pruned).toEqual([{ path: `${site.folder}/one`, reason: 'not used for longer than max_age' }]);
    expect([site.exists('one'), site.exists('two'), site.exists('.image_cache/files/one.json')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('max_size removes the oldest, spares sets, and warns if it cannot hold', async () => {
    await cacheTwo();
    await run();

    const outcome = await run({ max_size: '0' });

    expect([site.exists('one'), site.exists('two'), pair()]).toEqual([false, false, 'kernel 1, ramdisk 1']);
    expect(outcome.warnings).toEqual([
      expect.stringMatching(/exceeds max_size by 1 MiB, and everything in it is in use/),
    ]);
  });

  test("files that are not the cache's are never removed", async () => {
    site.put('precious', 'not ours', april);
    await run({ max_size: '0', max_age: 0 });

    expect(site.read('precious')).toBe('not ours');
  });
});

test('permissions of both are corrected', async () => {
  await run();

  expect(await run({}, { set: { mode: '0600' }, checkMode: true })).toMatchObject({
    changed: true,
    message: 'planned: 1 adjust',
  });
  expect(await run({}, { set: { mode: '0600' } })).toMatchObject({ changed: true, message: '1 adjust' });
  expect(await run({}, { set: { mode: '0600' } })).toMatchObject({ changed: false, message: '1 fresh' });
});

test('check mode says why for each, and writes nothing', async () => {
  const outcome = await run({}, { checkMode: true });

  expect(outcome).toMatchObject({ changed: true, message: 'planned: 1 fetch' });
  expect(setOf(outcome)).toMatchObject({ kernel: { reason: 'absent' }, ramdisk: { reason: 'absent' } });
  expect(site.all()).toEqual([]);
});

test('absent removes the link and all versions, once', async () => {
  await run();

  expect(await run({ state: 'absent' })).toMatchObject({ changed: true, message: '1 remove' });
  expect(site.all().filter((path) => path.includes('ipa'))).toEqual([]);
  expect(await run({ state: 'absent' })).toMatchObject({ changed: false, message: '1 absent' });
});

describe('what is in the place of the link', () => {
  test.each([
    ['a folder', () => mkdirSync(join(site.folder, 'ipa'))],
    ['a link to elsewhere', () => symlinkSync('/etc', join(site.folder, 'ipa'))],
  ])('and is %s is left alone', async (_, put) => {
    put();
    const outcome = await run();

    expect(outcome.failures).toEqual([expect.stringContaining('is not a set of this cache')]);
    expect((await run({ state: 'absent' })).failures).toHaveLength(1);
    expect(site.exists('ipa')).toBe(true);
  });
});

test('the link works if the folder is moved, or mounted elsewhere', async () => {
  await run();
  mkdirSync(join(site.folder, 'mounted'));
  for (const name of ['ipa', '.image_cache']) renameSync(join(site.folder, name), join(site.folder, 'mounted', name));

  expect(site.read('mounted/ipa/kernel')).toBe('kernel 1');
});
