// Images and stores that are at several URLs.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { startFaultProxy } from '../cloud/fault-proxy.js';
import { startImageStore } from '../sandbox/image-store.js';
import { publishRelease } from '../sandbox/releases.js';
import { hashOf, startListSite, type ListTestSite } from './list-site.js';
import { qcow2 } from './policy/disk-samples.js';
import { listedResults } from './rollback-site.js';

jest.setTimeout(60_000);

let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite();
});

afterEach(() => site.close());

/** Nothing listens there. */
const dead = 'http://127.0.0.1:9';
const name = 'CC-Ubuntu22.04';
const disk = (fill: number): Buffer => Buffer.concat([qcow2(), Buffer.alloc(200_000, fill)]);
const content = disk(1);

test.each([
  ['a list', (urls: string[]) => urls],
  ['a text', (urls: string[]) => urls.join(', ')],
])('a store that cannot be reached is read from its mirror, written as %s', async (_, written) => {
  const object = publishRelease(site.store, { name, release: '20250422-v1', content });
  const args = { object_store_url: written([`${dead}/store`, site.store.objectStoreUrl]) };

  const first = await site.run(imageDeploy, args);
  const writes = site.writes();
  const second = await site.run(imageDeploy, args);

  expect(first).toMatchObject({ changed: true, failures: [] });
  expect(first.warnings.join()).toMatch(/^the catalogue: .*cannot be reached.*; going on from http/);
  expect(listedResults(first)).toMatchObject([{ action: 'deploy', mirror: `${site.store.containerUrl}/${object}` }]);
  expect(site.production(name).properties.image_tools_source).toBe(`${dead}/store/${site.store.container}/${object}`);
  expect(second).toMatchObject({ changed: false, failures: [] });
  expect(site.writes()).toEqual(writes);
  expect((await site.run(imageClean, args, { checkMode: true })).failures).toEqual([]);
});

test('a catalogue from a mirror that lags behind does not lead back to an older release', async () => {
  const mirror = await startImageStore();
  const proxy = await startFaultProxy(site.store.objectStoreUrl);
  try {
    publishRelease(mirror, { name, release: '20250115-v1', content: disk(2) });
    publishRelease(site.store, { name, release: '20250422-v1', content });
    const args = { object_store_url: [proxy.url, mirror.objectStoreUrl] };
    await site.run(imageDeploy, args);
    const writes = site.writes();

    proxy.addFault({ path: /current$/, nth: 1, status: 503 });
    const repeated = await site.run(imageDeploy, args);
    proxy.addFault({ path: /current$/, status: 503 });
    const mirrored = await site.run(imageDeploy, args);

    expect(repeated).toMatchObject({ changed: false, failures: [], warnings: [] });
    expect(mirrored.failures.join()).toMatch(
      /the catalogue came from a mirror, and its release 20250115-v1 is older than 20250422-v1, which the site has/,
    );
    expect(site.writes()).toEqual(writes);
    expect(listedResults(await site.run(imageDeploy, { ...args, pins: { [name]: '20250115-v1' } }))).toMatchObject([
      { action: 'deploy' },
    ]);
  } finally {
    await Promise.all([proxy.close(), mirror.close()]);
  }
});

test('each URL of a store is validated', async () => {
  await expect(
    site.run(imageDeploy, { object_store_url: [site.store.objectStoreUrl, 'ftp://mirror'] }),
  ).rejects.toThrow('object_store_url[1]: "ftp://mirror" is not allowed; it must be an http or https URL');
});

test('an image of a list is read from a mirror where its URL is dead, or dies in the middle', async () => {
  const image = disk(2);
  site.web.serve('/disk', image);
  const proxy = await startFaultProxy(site.web.url);
  try {
    const entry = { name: 'Debian 12', version: '1', checksum: hashOf(image), mirrors: [`${site.web.url}/disk`] };
    site.write('a.yml', [{ ...entry, url: `${dead}/disk` }]);
    const first = await site.deploy();
    proxy.addFault({ method: 'GET', path: /disk/, nth: 2, cutResponseAfter: 40_000 });
    proxy.addFault({ method: 'GET', path: /disk/, fromNth: 3, status: 503 });
    site.write('a.yml', [{ ...entry, version: '2', url: `${proxy.url}/disk` }]);
    const second = await site.deploy();

    for (const outcome of [first, second])
      expect(listedResults(outcome)).toMatchObject([{ action: 'deploy', mirror: `${site.web.url}/disk` }]);
    expect(site.log.join('\n')).toContain(`going on from ${site.web.url}/disk`);
    expect(site.production('Debian 12').properties.image_tools_source).toBe(`${proxy.url}/disk`);
  } finally {
    await proxy.close();
  }
});

test('mirrors that have different contents of one length are refused, and the old image stays', async () => {
  const [old, image] = [disk(3), disk(2)];
  const other = Buffer.from(image);
  other.fill(7, image.length - 1000);
  site.web.serve('/old', old);
  site.write('a.yml', [{ name: 'Debian 12', version: '1', url: `${site.web.url}/old` }]);
  await site.deploy();
  const { id } = site.production('Debian 12');
  site.web.serve('/disk', image);
  site.web.serve('/other', other);
  const proxy = await startFaultProxy(site.web.url);
  try {
    proxy.addFault({ method: 'GET', path: /disk/, nth: 2, cutResponseAfter: 40_000 });
    proxy.addFault({ method: 'GET', path: /disk/, fromNth: 3, status: 404 });
    site.write('a.yml', [
      {
        ...{ name: 'Debian 12', version: '2', checksum: hashOf(image, 'sha512') },
        ...{ url: `${proxy.url}/disk`, mirrors: [`${site.web.url}/other`] },
      },
    ]);

    const outcome = await site.deploy();

    expect(outcome.failures.join()).toMatch(/publisher's sha512 of the image is .*; the new image was deleted/);
    expect([...site.glance.state.images.keys()]).toEqual([id]);
  } finally {
    await proxy.close();
  }
});
