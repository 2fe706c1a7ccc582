// What an earlier deployer did wrong when it read the older store, each shown to be right here. The
// numbers are those of the list of its faults.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import {
  actionsOf,
  disk,
  focalName as name,
  focalOnly,
  focalProperties,
  resultsOf,
  startProxiedSite,
  type ProxiedSite,
} from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(30_000);

let site: ProxiedSite;

beforeEach(async () => {
  site = await startProxiedSite({ objectsStore: { pageLength: 3 } });
  site.writeSupports(focalOnly);
});

afterEach(() => site.close());

const owner = (): string => site.keystone.admin.project.id;

test('1: what the site has is not downloaded: no byte of data is requested', async () => {
  site.put();
  site.glance.seed({ name, owner: owner(), properties: focalProperties() });

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
    properties: focalProperties({ 'build-timestamp': '2023-02-28 23:55:04.897832' }),
  });

  expect(resultsOf(await site.deploy())).toMatchObject([
    { action: 'up_to_date', release: `${newest} 1677628504.897832` },
  ]);
});
