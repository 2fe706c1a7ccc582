// What an earlier deployer of the older store did wrong, each shown to be right here. The numbers
// are those of the list of its faults.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { markers } from '../../modules/images/policy/site-image.js';
import { takeRunLock } from '../../modules/runtime/run-lock.js';
import { lockContext } from '../runtime/lock-context.js';
import { startImageStore } from '../sandbox/image-store.js';
import { actionsOf, disk, focalOnly, resultsOf, startProxiedSite, type ProxiedSite } from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(30_000);

let site: ProxiedSite;

beforeEach(async () => {
  site = await startProxiedSite({ objectsStore: { pageLength: 3 } });
  site.writeSupports(focalOnly);
});

afterEach(() => site.close());

const name = 'CC-Ubuntu20.04';
const owner = (): string => site.keystone.admin.project.id;
/** The properties of an image of the build that `put` publishes. */
const properties = (changes: Record<string, string> = {}): Record<string, string> => ({
  ...{ 'build-distro': 'ubuntu', 'build-release': 'focal', 'build-variant': 'base', 'build-ipa': 'na' },
  ...{ 'build-timestamp': '1677628504.897832', 'build-os-base-image-revision': '20230302', ...changes },
});

test('1: what the site has is not downloaded: no byte of data is requested', async () => {
  site.put();
  site.glance.seed({ name, owner: owner(), properties: properties() });

  const outcome = await site.deploy();

  expect(actionsOf(outcome)).toEqual([`${name} up_to_date`]);
  const objects = site.objectsStore.requests.filter(({ path }) => !path.endsWith('/'));
  expect(objects.map(({ method }) => method)).toEqual(['HEAD']);
});

test('2: an image is streamed in parts, also a segmented one', async () => {
  const content = disk('x'.repeat(3_000_000));
  site.put({}, { content, large: { kind: 'dynamic', segmentBytes: 1_000_000 } });

  await site.deploy();

  const parts = site.progress.filter(
    ({ doneBytes, totalBytes }) => doneBytes !== undefined && doneBytes < (totalBytes ?? 0),
  );
  expect(parts.length).toBeGreaterThan(3);
  expect(site.published().get(name)?.size).toBe(content.length);
});

test.each([[401], [403], [404]])(
  '3: a list that is answered %i fails the run, and is no empty list',
  async (status) => {
    site.put();
    site.objectsStore.refusals.set('', status);

    await expect(site.deploy()).rejects.toThrow(
      status === 404 ? 'the store has no list of its objects' : String(status),
    );
    expect(site.writes()).toEqual([]);
  },
);

test('3: an object that gets 500 is repeated, and then only that object fails', async () => {
  site.put();
  const bad = site.put({ 'build-timestamp': '2024-01-01 00:00:00' });
  site.storeProxy.addFault({ path: new RegExp(`/${bad}$`), status: 500 });

  const outcome = await site.deploy();

  expect(actionsOf(outcome)).toEqual([`${name} deploy`]);
  expect(outcome.failures).toEqual([expect.stringContaining(`object ${bad} could not be read: `)]);
  expect(site.storeProxy.requests.filter(({ method, path }) => method === 'HEAD' && path.endsWith(bad))).toHaveLength(
    4,
  );
});

test('3: an object of which only HEAD is refused is read by GET', async () => {
  site.put();
  const newest = site.put({ 'build-timestamp': '2024-01-01 00:00:00' });
  site.storeProxy.addFault({ method: 'HEAD', path: new RegExp(newest), status: 403 });

  const outcome = await site.deploy();

  expect(outcome.failures).toEqual([]);
  expect(site.published().get(name)?.properties['build-timestamp']).toBe('2024-01-01 00:00:00');
});

test('3: while an object cannot be read, a newer image than those that can is not replaced by an older one', async () => {
  site.put();
  const newest = site.put({ 'build-timestamp': '2024-01-01 00:00:00' });
  await site.deploy();
  site.storeProxy.addFault({ path: new RegExp(`/${newest}$`), status: 403 });

  const outcome = await site.deploy();

  expect(actionsOf(outcome)).toEqual([`${name} failed`]);
  expect(outcome.failures.join()).toContain(
    'may not be the newest, and the site keeps the build of 2024-01-01 00:00:00',
  );
  expect(site.published().get(name)?.properties['build-timestamp']).toBe('2024-01-01 00:00:00');
});

test('3: an object that is listed but gone is reported, and fails nothing', async () => {
  site.put();
  const gone = site.put({ 'build-timestamp': '2024-01-01 00:00:00' });
  site.objectsStore.refusals.set(gone, 404);

  const outcome = await site.deploy();

  expect(outcome).toMatchObject({ failures: [], warnings: [expect.stringContaining('although it is listed')] });
});

test('3: a body that breaks off is resumed, and its length is checked', async () => {
  const content = disk('x'.repeat(500_000));
  const id = site.put({}, { content });
  // The first GET only looks at the head.
  site.storeProxy.addFault({ method: 'GET', path: new RegExp(`/${id}$`), nth: 2, cutResponseAfter: 100_000 });

  await site.deploy();

  expect(site.asked().filter((request) => request.startsWith('GET bytes=')).length).toBeGreaterThan(1);
  const image = site.published().get(name);
  expect(image?.size).toBe(content.length);
  expect(image?.checksum).toBe(createHash('md5').update(content).digest('hex'));
});

test.each(['x-sdk-sha256', 'x-sdk-md5'])(
  '4: an image that is not what %s says never goes into production',
  async (header) => {
    const algorithm = header.slice('x-sdk-'.length);
    site.put({ [header]: createHash(algorithm).update('something else').digest('hex') });

    const outcome = await site.deploy();

    expect(outcome.failures).toEqual([expect.stringContaining(`the store's ${algorithm} of the image is`)]);
    expect(site.published().size).toBe(0);
  },
);

test('4: a segmented object is verified by the producer’s checksum, and not by its ETag', async () => {
  const content = disk('segments');
  const sha256 = createHash('sha256').update(content).digest('hex');
  site.put({ 'x-sdk-sha256': sha256 }, { content, large: { kind: 'dynamic', segmentBytes: 500 } });

  const [result] = resultsOf(await site.deploy());

  expect(result?.verified_by).toEqual(['size', "store's sha256", expect.stringMatching(/^Glance's /)]);
});

test('5: the list is read by pages, including ids in capitals, and other names are ignored', async () => {
  const ids = Array.from({ length: 8 }, (_, index) =>
    site.put({ 'build-timestamp': `2023-01-0${index + 1} 00:00:00` }),
  );
  const newest = site.put(
    { 'build-timestamp': '2024-01-01 00:00:00' },
    { id: 'FFFFFFFF-0000-4000-8000-00000000000A', large: { kind: 'static', segmentBytes: 600 } },
  );
  for (const other of ['index.html', 'zz/é ü?&#', `${ids[0]}/000000`]) site.objectsStore.put(other, 'x');

  const outcome = await site.deploy();

  expect(outcome).toMatchObject({ failures: [], warnings: [] });
  expect(resultsOf(outcome)[0]?.release).toBe(`${newest} 2024-01-01 00:00:00`);
  expect(site.objectsStore.requests.filter(({ path }) => path.endsWith('/')).length).toBeGreaterThan(4);
  expect(site.objectsStore.requests.filter(({ method }) => method === 'HEAD')).toHaveLength(9);
});

test('6: headers are requested several at a time, and not all at once', async () => {
  for (let index = 0; index < 30; index++) site.put();
  let [present, most] = [0, 0];
  site.storeProxy.addFault({
    method: 'HEAD',
    delaySeconds: 0.02,
    before: () => void (most = Math.max(most, ++present)),
    answered: () => void present--,
  });

  await site.deploy({}, { checkMode: true });

  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(8);
});

test('7: times are compared as times, in any spelling', async () => {
  // As texts, 2 comes after 1, and 9 after both.
  site.put({ 'build-timestamp': '999999999.0' });
  site.put({ 'build-timestamp': '2019-05-05 05:05:05' });
  const newest = site.put({ 'build-timestamp': '1677628504.897832' });
  site.glance.seed({
    name,
    owner: owner(),
    properties: properties({ 'build-timestamp': '2023-02-28 23:55:04.897832' }),
  });

  expect(resultsOf(await site.deploy())).toMatchObject([
    { action: 'up_to_date', release: `${newest} 1677628504.897832` },
  ]);
});

test('8: what supports.yaml does not list stops no other image, and false means na', async () => {
  site.put({ 'build-distro': 'gentoo' });
  site.put({ 'build-ipa': 'false' });
  const { supported_distros, supported_variants } = focalOnly;
  site.writeSupports({
    supported_distros: {
      ...supported_distros,
      debian: { releases: { 12: { prod_name: 'CC-Debian12', variants: ['bass'] } } },
    },
    supported_variants,
  });

  const outcome = await site.deploy();

  expect(actionsOf(outcome)).toEqual([`${name} deploy`, 'debian 12 bass failed']);
  expect(outcome.failures[0]).toContain(
    'supported_distros.debian.releases.12.variants[0] is "bass", which is not in supported_variants; ' +
      'did you mean base?',
  );
});

test('9: a user’s image of the same name and properties is not mistaken for ours', async () => {
  site.put();
  for (const visibility of ['private', 'shared', 'community'])
    site.glance.seed({ name, owner: 'somebody', visibility, properties: properties() });
  site.glance.seed({ name, owner: owner(), visibility: 'private', properties: properties() });

  expect(actionsOf(await site.deploy())).toEqual([`${name} deploy`]);
});

test('10: two images of the name are detected before anything is uploaded, and leave nothing behind', async () => {
  site.put();
  for (let count = 0; count < 2; count++)
    site.glance.seed({
      name,
      owner: owner(),
      properties: properties({ 'build-timestamp': `2022-01-0${count + 1} 00:00:00` }),
    });

  const outcome = await site.deploy();

  expect(actionsOf(outcome)).toEqual([`${name} conflict`]);
  expect(site.writes()).toEqual([]);
});

test('11: the production name always has an image, and a promotion whose archiving is refused is reverted', async () => {
  site.put();
  const old = site.glance.seed({
    name,
    owner: owner(),
    properties: properties({ 'build-timestamp': '2022-01-01 00:00:00' }),
  });
  site.glanceProxy.addFault({ method: 'PATCH', path: new RegExp(old.id), nth: 1, status: 403 });

  const refused = await site.deploy();
  const present = site.published().get(name)?.id;
  const next = await site.deploy();

  expect(refused.failures).toEqual([expect.stringContaining('was rolled back, and the next run tries again')]);
  expect(present).toBe(old.id);
  expect(resultsOf(next)).toMatchObject([{ action: 'resume', archived_id: old.id }]);
});

test('12: an image without a revision is archived under its build time', async () => {
  site.put();
  const { 'build-os-base-image-revision': _revision, ...others } = properties({
    'build-timestamp': '2022-01-01 00:00:00',
  });
  site.glance.seed({ name, owner: owner(), properties: others });

  expect(resultsOf(await site.deploy())).toMatchObject([{ archived_name: `${name}_2022-01-01 00:00:00` }]);
});

test('13: an application credential works as login, with a region and an interface', async () => {
  site.put();
  const { id, secret } = site.keystone.admin.applicationCredential;

  const outcome = await site.deploy({
    auth_type: 'v3applicationcredential',
    auth: { auth_url: site.auth.auth_url, application_credential_id: id, application_credential_secret: secret },
    region_name: site.keystone.region,
    interface: 'internal',
  });

  expect(actionsOf(outcome)).toEqual([`${name} deploy`]);
});

test('14: the URL of the store is configurable', async () => {
  const elsewhere = await startImageStore({ container: 'mirror' });
  try {
    elsewhere.put('0b8f2d54-2a59-4f4e-9c0b-3f0a1e2d4c5b', disk(), {
      metadata: { ...properties(), 'disk-format': 'qcow2' },
    });

    const outcome = await site.deploy({
      objects_store_url: `${elsewhere.objectStoreUrl}/`,
      objects_container: 'mirror',
    });

    expect(actionsOf(outcome)).toEqual([`${name} deploy`]);
  } finally {
    await elsewhere.close();
  }
});

test('15: the previous image is marked as no longer supported, with the day, for the cleaner to hide', async () => {
  site.put();
  const old = site.glance.seed({
    name,
    owner: owner(),
    properties: { ...properties({ 'build-timestamp': '2022-01-01 00:00:00' }), 'chameleon-supported': 'true' },
  });

  await site.deploy();

  expect(site.glance.state.images.get(old.id)?.properties).toMatchObject({
    'chameleon-supported': 'no',
    [markers.supersededAt]: expect.stringMatching(/Z$/),
  });
});

test('16: a second run is refused, images are selected by name, and several are uploaded at a time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  const variants = ['a', 'b', 'c', 'd'];
  site.writeSupports({
    supported_distros: { ubuntu: { releases: { focal: { prod_name: 'CC-X', variants } } } },
    supported_variants: Object.fromEntries(variants.map((variant) => [variant, { prod_name_suffix: variant }])),
  });
  for (const variant of variants) site.put({ 'build-variant': variant });
  let [present, most] = [0, 0];
  site.glanceProxy.addFault({
    method: 'PUT',
    delaySeconds: 0.05,
    before: () => void (most = Math.max(most, ++present)),
    answered: () => void present--,
  });

  const lock = await takeRunLock({
    context: lockContext(),
    directory: folder,
    operation: 'image_deploy',
    cloud: `${site.keystone.url} ${site.keystone.admin.project.id} ${site.keystone.region}`,
  });
  const args = { images: 'CC-X-*', exclude: 'CC-X-d', concurrency: 3, lock_dir: folder };

  await expect(site.deploy(args)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
  await lock.release();
  const outcome = await site.deploy(args);

  expect(actionsOf(outcome)).toEqual(['CC-X-a deploy', 'CC-X-b deploy', 'CC-X-c deploy']);
  expect(most).toBeGreaterThan(1);
  rmSync(folder, { recursive: true });
});
