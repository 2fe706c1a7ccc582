// Checksums on every use, owners, and what the result has for Ironic.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, openSync, readFileSync, readSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { april, june, may, sha256, startCacheSite, type CacheSite } from './cache-site.js';

let site: CacheSite;
const good = 'the right bytes';
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

describe('a checksum', () => {
  test.each([
    ['of the bytes', () => sha256(good)],
    ['in capitals', () => sha256(good).toUpperCase()],
    ['by MD5', () => md5(good)],
    ['by another algorithm of hashlib', () => `blake2s:${createHash('blake2s256').update(good).digest('hex')}`],
    ['in a file', () => `${site.url}/SHA256SUMS`],
    ['in a file of this host', () => `file://${site.put('sums/SUMS', `${sha256(good)}  ./file\n`)}`],
  ])('%s is accepted', async (_, checksum) => {
    site.serve('/file', good, { lastModified: may });
    site.serve('/SHA256SUMS', `${sha256('other')}  other\n${sha256(good)} *file\n`);

    expect(await site.cache({ allowed_paths: [site.folder] }, { checksum: checksum() })).toMatchObject({
      action: 'fetch',
      digests: { sha256: sha256(good) },
    });
  });

  test('that does not match is refused: the copy stays, and the download is removed', async () => {
    site.put('copy', 'old', april);
    site.serve('/file', 'the wrong bytes', { lastModified: may });

    expect(await site.cache({}, { checksum: sha256(good) })).toMatchObject({
      action: 'failed',
      code: 'CHECKSUM_MISMATCH',
      changed: false,
      detail: expect.stringContaining(`its sha256 is ${sha256('the wrong bytes')}, not ${sha256(good)}`),
    });
    expect(site.read('copy')).toBe('old');
    expect(site.exists('.image_cache/files/copy.part')).toBe(false);
  });

  test('is also compared if the copy is fresh', async () => {
    const file = site.serve('/file', 'first', { lastModified: may });
    await site.cache();
    file.body = Buffer.from(good);

    expect(await site.cache()).toMatchObject({ action: 'fresh' });
    expect(await site.cache({}, { checksum: sha256(good) })).toMatchObject({ action: 'fetch', reason: 'checksum' });
    expect(site.read('copy')).toBe(good);
  });

  test.each([
    ['that is not there', undefined, /404/],
    ['without the name', `${sha256(good)}  other\n`, /it has no checksum for "file"/],
    ['that is empty', '', /it is empty/],
    ['that is huge', Buffer.alloc(2 ** 20 + 1, 'a'), /more than 1048576 bytes/],
  ])('by a file %s cannot be used', async (_, content, why) => {
    site.serve('/file', good, { lastModified: may });
    if (content !== undefined) site.serve('/SUMS', content);

    expect(await site.cache({}, { checksum: `${site.url}/SUMS` })).toMatchObject({
      action: 'failed',
      detail: expect.stringMatching(why),
    });
    expect(site.exists('copy')).toBe(false);
  });
});

describe('a copy that somebody', () => {
  test.each([
    ['cut off', 'the right', /it has 9 bytes, but 15 were fetched/],
    ['wrote over', 'the wrong bytes', /its content is not what was fetched/],
  ])('%s is fetched anew, whatever its date says', async (_, content, detail) => {
    site.serve('/file', good, { lastModified: may });
    await site.cache();
    site.put('copy', content);

    expect(await site.cache()).toMatchObject({
      action: 'fetch',
      reason: 'checksum',
      detail: expect.stringMatching(detail),
    });
    expect(site.read('copy')).toBe(good);
  });

  test('only touched is read once again and is fresh', async () => {
    site.serve('/file', good, { lastModified: may });
    await site.cache();
    utimesSync(join(site.folder, 'copy'), new Date(june), new Date(june));

    expect(await site.cache()).toMatchObject({ action: 'fresh', changed: false });
    expect(JSON.parse(site.read('.image_cache/files/copy.json'))).toMatchObject({
      entries: [{ source: `${site.url}/file`, mtime: `${Date.parse(june)}000000` }],
    });
  });
});

test('the digest of a copy that nobody touched comes from the record, and the file is not read', async () => {
  site.serve('/file', good, { lastModified: may });
  await site.cache();
  const record = JSON.parse(site.read('.image_cache/files/copy.json')) as {
    entries: { digests: Record<string, string> }[];
  };
  record.entries[0]!.digests.sha256 = 'f'.repeat(64);
  writeFileSync(join(site.folder, '.image_cache/files/copy.json'), JSON.stringify(record));

  expect(await site.cache()).toMatchObject({ action: 'fresh', digests: { sha256: 'f'.repeat(64) } });
});

test('a damaged record costs reading the copy once', async () => {
  site.serve('/file', good, { lastModified: may });
  await site.cache();
  writeFileSync(join(site.folder, '.image_cache/files/copy.json'), '{"entries": [{}, ');

  expect(await site.cache()).toMatchObject({ action: 'fresh', digests: { sha256: sha256(good) } });
});

test('another URL for the same copy is another file, whatever the dates', async () => {
  site.serve('/file', 'of file', { lastModified: may });
  site.serve('/other', 'of other', { lastModified: april });
  await site.cache();

  expect(await site.cache({}, { url: `${site.url}/other` })).toMatchObject({ action: 'fetch', reason: 'other-source' });
  expect(site.read('copy')).toBe('of other');
});

describe('permissions', () => {
  const modeOf = (): string => (statSync(join(site.folder, 'copy')).mode & 0o7777).toString(8);

  beforeEach(() => void site.serve('/file', good, { lastModified: may }));

  test('are 0644 for a new copy, and those of the previous copy for the next', async () => {
    await site.cache();
    expect(modeOf()).toBe('644');
    chmodSync(join(site.folder, 'copy'), 0o600);

    await site.cache({ force: true });
    site.serve('/file', 'newer', { lastModified: june });
    await site.cache();

    expect(modeOf()).toBe('600');
  });

  test('are corrected on a fresh copy, and the difference is reported', async () => {
    await site.cache();

    const outcome = await site.run({ files: [{ url: `${site.url}/file`, dest: `${site.folder}/copy`, mode: '0640' }] });

    expect(outcome).toMatchObject({
      changed: true,
      message: '1 adjust',
      differences: [{ before: { mode: '0644' }, after: { mode: '0640' } }],
    });
    expect(modeOf()).toBe('640');
    expect(await site.cache({}, { mode: '0640' })).toMatchObject({ action: 'fresh', changed: false });
  });

  test('of a download in progress are for its owner only', async () => {
    Object.assign(site.serve('/file', Buffer.alloc(2_000_000), { lastModified: may }), { cutAfter: 1_000_000 });
    await site.cache();

    expect(statSync(join(site.folder, '.image_cache/files/copy.part')).mode & 0o777).toBe(0o600);
  });

  test('an owner that this host does not know is refused before anything is done', async () => {
    await expect(site.cache({}, { owner: 'nobody-of-this-name' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'files[0].owner: there is no user "nobody-of-this-name" on this host',
    });
    expect(site.seen()).toEqual([]);
  });
});

describe('the values for Ironic', () => {
  const info = async (more: Record<string, unknown>, file: Record<string, unknown> = {}): Promise<unknown> =>
    (await site.cache(more, file)).instance_info;

  beforeEach(() => void site.serve('/file', good, { lastModified: may }));

  test('is the path and the SHA-256, in lower case', async () => {
    expect(await info({})).toEqual({
      image_source: `file://${site.folder}/copy`,
      image_os_hash_algo: 'sha256',
      image_os_hash_value: sha256(good),
    });
  });

  test('includes the MD5 if it is requested or given', async () => {
    const both = { image_os_hash_algo: 'sha256', image_os_hash_value: sha256(good), image_checksum: md5(good) };

    expect(await info({ checksum_algorithm: 'md5' })).toMatchObject(both);
    expect(await info({}, { checksum: md5(good) })).toMatchObject(both);
  });

  test('has another algorithm on request', async () => {
    expect(await info({ checksum_algorithm: 'sha512' })).toMatchObject({
      image_os_hash_algo: 'sha512',
      image_os_hash_value: createHash('sha512').update(good).digest('hex'),
    });
  });

  test.each([
    ['a path in the container', () => ({ path_prefix: '/var/lib/ironic' }), 'file:///var/lib/ironic/a b'],
    ['a path below a mounted folder', () => ({ path_prefix: `${site.folder}=/cache/` }), 'file:///cache/sub/a b'],
    ['a path that is not below it as it is', () => ({ path_prefix: '/srv=/cache' }), /^file:\/\/\/.*\/sub\/a b$/],
    ['a URL', () => ({ url_prefix: 'http://10.0.0.1:8089/images/' }), 'http://10.0.0.1:8089/images/a%20b'],
    ['a URL of a folder above', () => ({ url_prefix: `${site.folder}=http://10.0.0.1` }), 'http://10.0.0.1/sub/a%20b'],
  ])('has %s', async (_, more, expected) => {
    expect(await info(more(), { dest: `${site.folder}/sub/a b` })).toMatchObject({
      image_source: typeof expected === 'string' ? expected : expect.stringMatching(expected),
    });
  });
});

describe('absent', () => {
  test('removes the copy and its records, once', async () => {
    site.serve('/file', good, { lastModified: may });
    await site.cache();

    expect(await site.cache({ state: 'absent' }, {}, { checkMode: true })).toMatchObject({
      action: 'remove',
      changed: true,
    });
    expect(site.exists('copy')).toBe(true);
    expect(await site.cache({ state: 'absent' })).toMatchObject({ action: 'remove', changed: true });
    expect(site.all().filter((path) => path.includes('copy'))).toEqual([]);
    expect(await site.cache({ state: 'absent' })).toMatchObject({ action: 'absent', changed: false });
  });
});

test('anything but a file in the place of a copy is left alone', async () => {
  site.serve('/file', good, { lastModified: may });
  site.put('copy/inside', 'precious');

  expect(await site.cache()).toMatchObject({ action: 'failed', detail: expect.stringContaining('is not a file') });
  expect(await site.cache({ state: 'absent' })).toMatchObject({
    action: 'failed',
    detail: expect.stringContaining('is a folder'),
  });
  expect(readFileSync(join(site.folder, 'copy/inside'), 'utf8')).toBe('precious');
});

test('a reader of the old copy can continue', async () => {
  const file = site.serve('/file', 'old', { lastModified: april });
  await site.cache();
  const descriptor = openSync(join(site.folder, 'copy'), 'r');
  Object.assign(file, { body: Buffer.from('new'), lastModified: june });
  await site.cache();

  const bytes = Buffer.alloc(3);
  readSync(descriptor, bytes);
  closeSync(descriptor);
  expect([bytes.toString(), site.read('copy')]).toEqual(['old', 'new']);
});
