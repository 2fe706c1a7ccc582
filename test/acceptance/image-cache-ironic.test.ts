// Against Ironic's own ImageCache on one scripted web server: the same decisions, and none of its
// faults.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { april, june, may, sha256, startCacheSite, type CacheSite } from '../cache/cache-site.js';
import type { ServedFile } from '../sandbox/file-server.js';
import { startOracle, type Oracle, type OracleAnswer } from './ironic-image-cache.js';

let oracle: Oracle;
let site: CacheSite;
let masters: string;
let count = 0;

beforeAll(() => {
  oracle = startOracle();
});

afterAll(() => oracle.close());

beforeEach(async () => {
  site = await startCacheSite();
  masters = join(site.folder, 'masters');
  mkdirSync(masters);
});

afterEach(() => site.close());

const url = (): string => `${site.url}/file`;
const gets = (): number => site.seen().filter((request) => request === 'GET /file').length;

/** Has Ironic link its copy to a new place, as for a node. */
async function ironic(
  more: Readonly<Record<string, string>> = {},
): Promise<OracleAnswer & { readonly dest: string; readonly downloads: number }> {
  const dest = join(site.folder, `node-${++count}`);
  const before = gets();
  return {
    ...(await oracle.ask({ do: 'fetch', url: url(), masters, dest, ...more })),
    dest,
    downloads: gets() - before,
  };
}

async function masterPath(): Promise<string> {
  return (await oracle.ask({ do: 'master', url: url(), masters })).path ?? '';
}

/** Gives both caches the same copy, of May. */
async function giveBoth(content: string): Promise<void> {
  site.put('copy', content, may);
  cpSync(join(site.folder, 'copy'), await masterPath(), { preserveTimestamps: true });
  expect(statSync(await masterPath()).mtimeMs).toBe(Date.parse(may));
}

describe('the same decision', () => {
  const cases: readonly (readonly [string, boolean, Partial<ServedFile>])[] = [
    ['absent', false, { lastModified: may }],
    ['equal', true, { lastModified: may }],
    ['older', true, { lastModified: april }],
    ['newer', true, { lastModified: june }],
    ['a second newer', true, { lastModified: 'Thu, 01 May 2025 08:00:01 GMT' }],
    ['without Last-Modified', true, {}],
    ['with one that cannot be read', true, { lastModified: 'Thu, 01 May 2025 08:00:00 +0000' }],
    ['with an empty one', true, { lastModified: '' }],
    ['of RFC 850', true, { lastModified: 'Thursday, 01-May-25 08:00:00 GMT' }],
    ['of ANSI C', true, { lastModified: 'Thu May  1 08:00:00 2025' }],
    ['of RFC 850, newer', true, { lastModified: 'Friday, 02-May-25 08:00:00 GMT' }],
    ['no-store, absent', false, { lastModified: may, headers: { 'Cache-Control': 'no-store' } }],
    ['no-store, newer', true, { lastModified: june, headers: { 'Cache-Control': 'no-store' } }],
  ];

  test.each(cases)('%s', async (_, hasCopy, served) => {
    if (hasCopy) await giveBoth('old');
    site.serve('/file', 'new', served);

    const theirs = await ironic();
    const ours = await site.cache();

    expect(theirs.error).toBeUndefined();
    expect(ours.action).toBe(theirs.downloads > 0 ? 'fetch' : 'fresh');
    expect(site.read('copy')).toBe(readFileSync(theirs.dest, 'utf8'));
  });

  test.each<readonly [string, Partial<ServedFile>]>([
    ['a date', { lastModified: may }],
    ['none', {}],
    ['one that cannot be read', { lastModified: 'in May' }],
    ['a date, but no-store', { lastModified: may, headers: { 'Cache-Control': 'no-store' } }],
  ])('on the second run for %s', async (_, served) => {
    site.serve('/file', 'new', served);
    await ironic();
    await site.cache();

    expect((await site.cache()).action).toBe((await ironic()).downloads > 0 ? 'fetch' : 'fresh');
  });

  test.each([
    ['equal', 0],
    ['newer', 60],
    ['older', -60],
  ])('for a file of the host that is %s', async (_, seconds) => {
    const source = site.put('source/disk.img', 'new');
    const date = new Date(Date.parse(may) + seconds * 1000);
    utimesSync(source, date, date);
    site.put('copy', 'old', may);
    const copy = site.put('theirs', 'old', may);

    const theirs = await oracle.ask({ do: 'decide', url: `file://${source}`, allowed: site.folder, copy });
    const ours = await site.cache({ allowed_paths: [site.folder] }, { url: `file://${source}` });

    expect({ error: theirs.error, action: ours.action }).toEqual({
      error: undefined,
      action: theirs.fresh ? 'fresh' : 'fetch',
    });
  });
});

test.each(['ftp://h/a', 'my-image', 'images/a', 'http+unix://a/b'])(
  '%s is refused with the same sentence',
  async (reference) => {
    const { error } = await oracle.ask({ do: 'show', url: reference });

    await expect(site.cache({}, { url: reference })).rejects.toMatchObject({
      message: `files[0].url: ${error ?? 'not refused'}`,
    });
  },
);

test('a file of the host that is not allowed is refused with the same message', async () => {
  const source = site.put('elsewhere/disk.img', 'new');
  const { error } = await oracle.ask({
    do: 'decide',
    url: `file://${source}`,
    allowed: `${site.folder}/allowed`,
    copy: '',
  });

  expect(await site.cache({ allowed_paths: [`${site.folder}/allowed`] }, { url: `file://${source}` })).toMatchObject({
    action: 'failed',
    detail: error,
  });
});

describe('faults that Ironic has and this cache does not', () => {
  const body = 'x'.repeat(1_000_000);

  test('GET answers 500 after a HEAD that says newer: the good copy is lost there, and stays here', async () => {
    await giveBoth('old');
    site.serve('/file', 'new', { lastModified: june, getStatus: 500 });

    const theirs = await ironic();

    expect([theirs.error !== undefined, existsSync(await masterPath())]).toEqual([true, false]);
    expect(await site.cache()).toMatchObject({ action: 'failed' });
    expect(site.read('copy')).toBe('old');
  });

  test('a file changes while it is downloaded: there the old one stays fresh forever, here it is fetched again', async () => {
    const changing = (): void => {
      const file = site.serve('/file', 'of may', { lastModified: may });
      file.onRequest = (method) => {
        if (method === 'GET')
          Object.assign(file, { body: Buffer.from('of june'), lastModified: june, onRequest: undefined });
      };
    };
    changing();
    await ironic();
    const again = await ironic();
    changing();

    await site.cache();

    expect([readFileSync(again.dest, 'utf8'), again.downloads]).toEqual(['of may', 0]);
    expect(site.read('copy')).toBe('of june');
  });

  test('a copy is asked for with another checksum: it is handed out there, and refused here', async () => {
    site.serve('/file', 'bad', { lastModified: may });
    await ironic();
    await site.cache();

    const theirs = await ironic({ checksum: sha256('good'), algorithm: 'sha256' });

    expect([theirs.error, readFileSync(theirs.dest, 'utf8')]).toEqual([undefined, 'bad']);
    expect(await site.cache({}, { checksum: sha256('good') })).toMatchObject({
      action: 'failed',
      detail: expect.stringContaining('its sha256 is'),
    });
    site.serve('/file', 'good', { lastModified: may });
    expect(await site.cache({}, { checksum: sha256('good') })).toMatchObject({ action: 'fetch', reason: 'checksum' });
  });

  test('it was rolled back: unnoticed there, and here too by the rule, but not by the strict one', async () => {
    const file = site.serve('/file', 'of june', { lastModified: june });
    await ironic();
    await site.cache();
    Object.assign(file, { body: Buffer.from('of may'), lastModified: may });

    expect((await ironic()).downloads).toBe(0);
    expect(await site.cache()).toMatchObject({ action: 'fresh' });
    expect(await site.cache({ freshness: 'strict' })).toMatchObject({ action: 'fetch', reason: 'older' });
    expect(site.read('copy')).toBe('of may');
  });

  test('two processes on one folder: both have it', async () => {
    let open: () => void = () => undefined;
    const file = site.serve('/file', body, { lastModified: may, gate: new Promise((resolve) => (open = resolve)) });
    const second = startOracle();
    try {
      file.onRequest = () => void (gets() === 2 && open());
      const fetchBy = (by: Oracle, name: string): Promise<OracleAnswer> =>
        by.ask({ do: 'fetch', url: url(), masters, dest: join(site.folder, name) });
      const theirs = await Promise.all([fetchBy(oracle, 'first'), fetchBy(second, 'second')]);
      expect(theirs.map(({ error }) => error === undefined).sort()).toEqual([false, true]);
    } finally {
      await second.close();
    }
    site.serve('/file', body, { lastModified: may });

    const ours = await Promise.all([site.cache(), site.cache()]);

    expect(ours.map(({ action }) => action).sort()).toEqual(['fetch', 'fresh']);
  });

  test.each<readonly [string, Partial<ServedFile>, 'fetch' | 'failed']>([
    ['a body that is cut off is not taken', { cutAfter: 100, isSimple: true }, 'failed'],
    ['HEAD answers 405: GET tells', { headStatus: 405 }, 'fetch'],
    ['there is no Content-Length: its chunks tell the end', { framing: 'chunked' }, 'fetch'],
    ['the server compresses on the way: it is not asked to', { compresses: true }, 'fetch'],
  ])('%s', async (_, served, action) => {
    site.serve('/file', body, { lastModified: may, ...served });

    const theirs = await ironic();
    const isTheirsRight = theirs.error === undefined && readFileSync(theirs.dest, 'utf8') === body;

    expect(await site.cache()).toMatchObject({ action });
    expect(site.exists('copy') && site.read('copy')).toBe(action === 'fetch' && body);
    // What is compressed the Ironic of 2025.1 reads rightly; Zed's does not.
    const { minor = 0 } = await oracle.ask({ do: 'version' });
    expect(isTheirsRight).toBe(served.compresses === true && minor >= 96);
  });

  test('a redirect is followed', async () => {
    site.serve('/target', body, { lastModified: may });
    site.serve('/file', '', { headStatus: 302, getStatus: 302, headers: { Location: '/target' } });

    expect(await site.cache()).toMatchObject({ action: 'fetch', bytes: body.length });
  });
});

test('the copy has the date of its source, not that of the download', async () => {
  site.serve('/file', 'new', { lastModified: may });
  await site.cache();
  await ironic();

  expect([site.modified('copy'), statSync(await masterPath()).mtimeMs > Date.parse(june)]).toEqual([may, true]);
});
