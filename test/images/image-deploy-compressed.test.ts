// Images whose source is compressed, in an archive, or a file of this host.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startFaultProxy } from '../cloud/fault-proxy.js';
import { hashOf, startListSite, type ListTestSite } from './list-site.js';
import { qcow2 } from './policy/disk-samples.js';
import { listedResults } from './rollback-site.js';

jest.setTimeout(60_000);

let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite();
});

afterEach(() => site.close());

const name = 'Debian 12';
const content = Buffer.concat([qcow2({ virtualBytes: BigInt(3 * 2 ** 30) }), randomBytes(700_000)]);
const through = (program: string, data: Buffer): Buffer =>
  execFileSync(program, ['--stdout', '--quiet'], { input: data, maxBuffer: 2 ** 28 });
const sources = {
  gz: gzipSync(content),
  xz: through('xz', content),
  zst: through('zstd', content),
  bz2: through('bzip2', content),
};

function tarOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const folder = join(site.folder, 'archive');
  mkdirSync(folder, { recursive: true });
  for (const [file, data] of Object.entries(files)) writeFileSync(join(folder, file), data);
  return execFileSync('tar', ['-c', '-C', folder, ...Object.keys(files)], { maxBuffer: 2 ** 28 });
}

/** Lists one image, whose source is served as it is. */
function list(source: Buffer, more: Readonly<Record<string, unknown>> = {}): void {
  site.web.serve('/debian', source);
  site.write('a.yml', [
    { name, url: `${site.web.url}/debian`, version: '2', checksum: hashOf(source, 'sha512'), ...more },
  ]);
}

/** The image that a failure must leave alone. */
async function seedProduction(): Promise<string> {
  site.web.serve('/debian', content);
  site.write('a.yml', [{ name, url: `${site.web.url}/debian`, version: '1' }]);
  await site.deploy();
  return site.production(name).id;
}

function expectUntouched(id: string): void {
  expect([...site.glance.state.images.keys()]).toEqual([id]);
  expect(site.production(name).id).toBe(id);
}

test.each(Object.entries(sources))('an image in %s is decompressed on its way, once', async (_, source) => {
  list(source);

  const first = await site.deploy({ min_disk: 'auto' });
  const second = await site.deploy({ min_disk: 'auto' });

  expect(listedResults(first)).toMatchObject([
    { action: 'deploy', verified_by: ['size', "publisher's sha512", "Glance's md5"] },
  ]);
  expect(second).toMatchObject({ changed: false, failures: [] });
  const { id, ...image } = site.production(name);
  expect(image).toMatchObject({ size: content.length, disk_format: 'qcow2', min_disk: 3 });
  expect(image.properties).not.toHaveProperty('image_tools_sha256');
  expect(site.glance.state.data.get(id)?.equals(content)).toBe(true);
  expect(site.progress.filter(({ stage }) => stage === 'transfer').at(-1)).toMatchObject({
    doneBytes: source.length,
    totalBytes: source.length,
  });
});

test('a source that breaks is continued, and so is its decompression', async () => {
  list(sources.xz);
  const proxy = await startFaultProxy(site.web.url);
  try {
    site.write('a.yml', [
      { name, url: `${proxy.url}/debian`, version: '2', checksum: hashOf(sources.xz), compression: 'xz' },
    ]);
    // Two looks at the beginning come first.
    proxy.addFault({ method: 'GET', path: /debian/, nth: 3, cutResponseAfter: 300_000 });

    const outcome = await site.deploy();

    expect(outcome).toMatchObject({ failures: [] });
    expect(site.glance.state.data.get(site.production(name).id)?.equals(content)).toBe(true);
    expect(site.log.join('\n')).toMatch(/continuing at byte 300000/);
    expect(site.writes().filter((request) => request.endsWith('/file'))).toHaveLength(1);
  } finally {
    await proxy.close();
  }
});

test('the disk of an archive is deployed', async () => {
  list(through('xz', tarOf({ 'disk.qcow2': content })));

  expect(await site.deploy()).toMatchObject({ failures: [] });
  expect(site.glance.state.data.get(site.production(name).id)?.equals(content)).toBe(true);
});

describe('nothing is published, and the old image stays, if a source', () => {
  test.each<[string, () => Buffer, Readonly<Record<string, unknown>>, RegExp]>([
    ['is cut off', () => sources.gz.subarray(0, -1000), {}, /cannot be decompressed as gz: .*unexpected end of file/],
    ['is followed by something', () => Buffer.concat([sources.zst, Buffer.from('x')]), {}, /cannot be decompressed/],
    ['has another digest', () => sources.xz, { checksum: 'a'.repeat(64) }, /the publisher's sha256 of the image/],
    [
      'becomes too large',
      () => through('bzip2', Buffer.concat([qcow2(), Buffer.alloc(30_000_000)])),
      {},
      /more than 1000 times its \d+ bytes/,
    ],
    [
      'has two files',
      () => gzipSync(tarOf({ a: content, b: content })),
      {},
      /has several files \("a", "b"\), of which one would be the disk/,
    ],
    ['is not compressed as it says', () => sources.xz, { compression: 'gz' }, /is compressed with xz, not with gz/],
    ['is not to be decompressed', () => sources.xz, { compression: 'none' }, /is xz, which cannot be deployed|is xz/],
    [
      'contains another format',
      () => gzipSync(Buffer.from(`<html>${'x'.repeat(1000)}`)),
      { disk_format: 'qcow2' },
      /is HTML, not qcow2/,
    ],
  ])('%s', async (_, source, more, message) => {
    const id = await seedProduction();
    list(source(), more);

    const outcome = await site.deploy();

    expect(outcome.failures.join()).toMatch(message);
    expectUntouched(id);
  });

  test('is larger than max_size', async () => {
    const id = await seedProduction();
    list(sources.gz);

    const outcome = await site.deploy({ max_size: '500KiB' });

    expect(outcome.failures.join()).toMatch(/have more than 500 KiB when decompressed, which max_size does not allow/);
    expectUntouched(id);
  });
});

test('Glance itself does not fetch what would have to be decompressed', async () => {
  list(sources.xz);

  const outcome = await site.deploy({ import_method: 'web-download' });

  expect(outcome.failures.join()).toMatch(/web-download refused: the object is compressed \(xz\)/);
  const path = join(site.folder, 'debian.qcow2');
  writeFileSync(path, content);
  site.write('a.yml', [{ name, url: pathToFileURL(path).href, version: '2', checksum: hashOf(content) }]);
  expect((await site.deploy({ import_method: 'web-download' })).failures.join()).toMatch(/it is a file of this host/);
});

test('a file of this host is deployed, and refused if it changes meanwhile', async () => {
  const path = join(site.folder, 'debian.img.gz');
  writeFileSync(path, sources.gz);
  site.write('a.yml', [{ name, url: pathToFileURL(path).href, version: '2' }]);

  expect(await site.deploy()).toMatchObject({ failures: [] });
  const { id } = site.production(name);
  expect(site.glance.state.data.get(id)?.equals(content)).toBe(true);

  writeFileSync(path, randomBytes(3_000_000));
  site.write('a.yml', [{ name, url: pathToFileURL(path).href, version: '3' }]);
  const changing = site.deploy();
  const timer = setInterval(() => appendFileSync(path, 'x'), 1);
  const outcome = await changing.finally(() => clearInterval(timer));

  expect(outcome.failures.join()).toMatch(/changed during the transfer|is longer than/);
  expect(site.production(name).id).toBe(id);
});
