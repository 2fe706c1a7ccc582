// A pair from Glance, by id or name, in the same kind of set.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { imageCache } from '../../modules/cache/operation.js';
import { temporaryFolder, type TemporaryFolder } from '../clients/temporary-folder.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { startSite, type TestSite } from '../images/site.js';

let site: TestSite;
let folder: TemporaryFolder;

beforeEach(async () => {
  site = await startSite();
  folder = temporaryFolder();
  seed('ipa.kernel', 'kernel 1');
  seed('ipa.initramfs', 'ramdisk 1');
});

afterEach(async () => {
  await site.close();
  folder.remove();
});

function seed(name: string, content: string, more: Partial<StoredImage> = {}): StoredImage {
  return site.glance.seed({ name, visibility: 'public', ...more }, content);
}

function run(
  glance: Record<string, string> = { kernel: 'ipa.kernel', ramdisk: 'ipa.initramfs' },
  more: Record<string, unknown> = {},
): Promise<Outcome> {
  return site.run(imageCache, { sets: [{ name: 'ipa', dest: folder.path, glance }], ...more });
}

const read = (name: string): string => readFileSync(join(folder.path, 'ipa', name), 'utf8');
const reads = (): string[] => site.glance.requests.filter(({ path }) => path.endsWith('/file')).map(({ path }) => path);

test("is cached, verified by Glance's hash, and read only once", async () => {
  expect(await run()).toMatchObject({ changed: true, failures: [] });
  expect([read('kernel'), read('ramdisk')]).toEqual(['kernel 1', 'ramdisk 1']);
  expect(await run()).toMatchObject({ changed: false, message: '1 fresh' });
  expect(reads()).toHaveLength(2);
});

test('is told in check mode to a login that may not download it', async () => {
  site.keystone.admin.roles = ['reader'];

  const { warnings } = await site.run(
    imageCache,
    { sets: [{ name: 'ipa', dest: folder.path, glance: { kernel: 'ipa.kernel', ramdisk: 'ipa.initramfs' } }] },
    { checkMode: true },
  );

  expect(warnings).toEqual([
    expect.stringMatching(/: a run will .*download images only with the role member .*\(policy download_image\)/),
  ]);
  expect(reads()).toEqual([]);
});

test('is fetched again when the name belongs to another image', async () => {
  await run();
  const old = [...site.glance.state.images.values()].find(({ name }) => name === 'ipa.kernel');
  if (old) old.name = 'ipa.kernel_old';
  seed('ipa.kernel', 'kernel 2');

  const outcome = await run();

  expect(outcome.values.sets).toMatchObject([{ kernel: { reason: 'other-source' }, ramdisk: { reason: 'fresh' } }]);
  expect([read('kernel'), read('ramdisk')]).toEqual(['kernel 2', 'ramdisk 1']);
});

test('whose bytes differ from those that Glance announced is not used', async () => {
  const image = [...site.glance.state.images.values()].find(({ name }) => name === 'ipa.kernel');
  site.glance.state.data.set(image!.id, Buffer.from('kernel 9'));

  expect((await run()).failures).toEqual([expect.stringMatching(/its sha\d+ is|its md5 is/)]);
});

describe('is refused', () => {
  test.each([
    [
      'where no image is called so',
      { kernel: 'nothing', ramdisk: 'ipa.initramfs' },
      'Glance shows no image with the id or name "nothing"',
    ],
    [
      'where several are',
      { kernel: 'twice', ramdisk: 'ipa.initramfs' },
      /2 images have the name "twice" \(.*\): give an id/,
    ],
    ['where it has no data yet', { kernel: 'queued', ramdisk: 'ipa.initramfs' }, /is queued, not active/],
  ])('%s', async (_, glance, message) => {
    for (const content of ['1', '2']) seed('twice', content);
    site.glance.seed({ name: 'queued', visibility: 'public', status: 'queued' });

    expect((await run(glance)).failures).toEqual([
      typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
    ]);
  });

  test('without a login', async () => {
    const outcome = await run({ kernel: 'ipa.kernel', ramdisk: 'ipa.initramfs' }, { auth: {} });

    expect(outcome.failures).toHaveLength(1);
  });
});

describe('a name that other projects also use', () => {
  test.each(['private', 'shared', 'community', 'public'])(
    'means our own image, whatever a %s one of others holds',
    async (visibility) => {
      for (const half of ['ipa.kernel', 'ipa.initramfs']) seed(half, 'evil', { owner: 'stranger', visibility });

      expect(await run()).toMatchObject({ changed: true, failures: [] });
      expect([read('kernel'), read('ramdisk')]).toEqual(['kernel 1', 'ramdisk 1']);
    },
  );

  test.each(['private', 'shared'])(
    'and that we have not is refused where theirs is %s, by its id too',
    async (visibility) => {
      const image = seed('theirs.kernel', 'evil', { owner: 'stranger', visibility });

      const [byName, byId] = [
        await run({ kernel: 'theirs.kernel', ramdisk: 'ipa.initramfs' }),
        await run({ kernel: image.id, ramdisk: 'ipa.initramfs' }),
      ];

      expect(byName.failures).toEqual([
        expect.stringContaining(
          'only private or shared images of other projects have the name "theirs.kernel", and these are never ' +
            `used: ${image.id} (${visibility}, of project stranger)`,
        ),
      ]);
      expect(byId.failures).toEqual([
        expect.stringContaining(`image ${image.id} is a ${visibility} image of another project (stranger)`),
      ]);
      expect(reads().filter((path) => path.includes(image.id))).toEqual([]);
    },
  );

  test.each(['community', 'public'])('and that ours does not means the %s image of others', async (visibility) => {
    seed('theirs.kernel', 'theirs', { owner: 'stranger', visibility });
    seed('theirs.kernel', 'evil', { owner: 'somebody', visibility: 'private' });

    expect(await run({ kernel: 'theirs.kernel', ramdisk: 'ipa.initramfs' })).toMatchObject({
      changed: true,
      failures: [],
    });
    expect(read('kernel')).toBe('theirs');
  });
});
