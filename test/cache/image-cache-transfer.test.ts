// What a network does to a download, and what must not come of it.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { april, june, may, sha256, startCacheSite, type CacheSite } from './cache-site.js';
import type { ServedFile } from '../sandbox/file-server.js';

let site: CacheSite;
const body = Buffer.from('0123456789'.repeat(800_000));
const cutAfter = 7_000_000;
const part = '.image_cache/files/copy.part';

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

const statuses = (): string[] => site.requests.map(({ method, status }) => `${method} ${status}`);

/** Cuts the first answer to GET only. */
function cutOnce(file: ServedFile, after: number): void {
  file.cutAfter = after;
  file.onRequest = (method) => {
    if (method === 'GET') setImmediate(() => (file.cutAfter = undefined));
  };
}

describe('a body that ends too early', () => {
  test('is never used as the file, and the copy stays', async () => {
    site.put('copy', 'old', april);
    site.serve('/file', body, { lastModified: may, cutAfter, isSimple: true });

    expect(await site.cache({ attempts: 2 })).toMatchObject({ action: 'failed', changed: false });
    expect(site.read('copy')).toBe('old');
  });

  test('is resumed in the same run', async () => {
    cutOnce(site.serve('/file', body, { lastModified: may, etag: '"1"' }), cutAfter);

    expect(await site.cache({ attempts: 2 })).toMatchObject({ action: 'fetch', digests: { sha256: sha256(body) } });
    expect(statuses()).toEqual(['HEAD 200', 'GET 200', 'GET 206', 'HEAD 200']);
    expect(site.requests[2]?.headers).toMatchObject({
      range: expect.stringMatching(/^bytes=[1-9]\d*-$/),
      'if-match': '"1"',
    });
  });

  test('is restarted if the server cannot resume', async () => {
    cutOnce(site.serve('/file', body, { lastModified: may, isSimple: true }), cutAfter);

    expect(await site.cache({ attempts: 2 })).toMatchObject({ action: 'fetch', digests: { sha256: sha256(body) } });
  });

  test('is resumed by the next run', async () => {
    const file = site.serve('/file', body, { lastModified: may, cutAfter });
    expect(await site.cache()).toMatchObject({ action: 'failed' });
    expect(site.exists('copy')).toBe(false);
    file.cutAfter = undefined;
    site.forget();

    expect(await site.cache()).toMatchObject({ action: 'fetch', digests: { sha256: sha256(body) } });
    expect(statuses()).toEqual(['HEAD 200', 'GET 206', 'HEAD 200']);
    expect(site.requests[1]?.headers).toMatchObject({
      range: expect.stringMatching(/^bytes=[1-9]\d*-$/),
      'if-unmodified-since': may,
    });
    expect(site.exists(part)).toBe(false);
  });

  test('is not resumed with another file', async () => {
    const file = site.serve('/file', body, { lastModified: may, cutAfter });
    await site.cache();
    const other = Buffer.from('abcdefghij'.repeat(800_000));
    Object.assign(file, { cutAfter: undefined, body: other, lastModified: june });

    expect(await site.cache()).toMatchObject({ action: 'fetch', digests: { sha256: sha256(other) } });
  });

  test('is not resumed if nothing identifies the file', async () => {
    const file = site.serve('/file', body, { cutAfter });
    await site.cache();
    file.cutAfter = undefined;
    site.forget();

    await site.cache();

    expect(site.requests.filter(({ headers }) => headers.range !== undefined)).toEqual([]);
    expect(site.read('copy')).toBe(body.toString());
  });

  test('ends if it makes no progress', async () => {
    site.serve('/file', body, { lastModified: may, cutAfter: 0 });

    expect(await site.cache({ attempts: 3 })).toMatchObject({ action: 'failed' });
    expect(statuses().filter((text) => text.startsWith('GET'))).toHaveLength(3);
  });
});

test('an error of GET after a HEAD that says newer leaves the copy', async () => {
  site.put('copy', 'old', april);
  site.serve('/file', body, { lastModified: may, getStatus: 500 });

  expect(await site.cache()).toMatchObject({ action: 'failed', detail: expect.stringContaining('500') });
  expect(site.read('copy')).toBe('old');
  expect(site.modified('copy')).toBe(april);
});

test('a stall is a break', async () => {
  site.serve('/file', body, { lastModified: may, stallAfter: 10 });

  expect(await site.cache({ stall_timeout: 1 })).toMatchObject({
    action: 'failed',
    detail: expect.stringContaining('sent nothing for 1 s'),
  });
});

describe('a file that changes', () => {
  test('between HEAD and GET is read again', async () => {
    const file = site.serve('/file', 'of may', { lastModified: may });
    file.onRequest = (method) => {
      if (method === 'HEAD')
        Object.assign(file, { body: Buffer.from('of june, longer'), lastModified: june, onRequest: undefined });
    };

    expect(await site.cache()).toMatchObject({ action: 'fetch', last_modified: '2025-06-01T08:00:00Z' });
    expect(site.read('copy')).toBe('of june, longer');
  });

  test('during the download is fetched again, so that its date always matches its bytes', async () => {
    const file = site.serve('/file', 'of may', { lastModified: may });
    file.onRequest = (method) => {
      if (method === 'GET')
        Object.assign(file, { body: Buffer.from('of june'), lastModified: june, onRequest: undefined });
    };

    await site.cache();

    expect([site.read('copy'), site.modified('copy')]).toEqual(['of june', june]);
  });

  test('without end is given up, and the copy stays', async () => {
    site.put('copy', 'old', april);
    const file = site.serve('/file', 'a', { lastModified: may });
    let count = 0;
    file.onRequest = () => (file.lastModified = new Date(Date.parse(june) + 1000 * ++count).toUTCString());

    expect(await site.cache()).toMatchObject({
      action: 'failed',
      detail: expect.stringContaining('changed while it was fetched'),
    });
    expect(site.read('copy')).toBe('old');
  });
});

describe('a body without Content-Length', () => {
  test('is accepted if it is chunked', async () => {
    site.serve('/file', body, { lastModified: may, framing: 'chunked' });

    expect(await site.cache()).toMatchObject({ action: 'fetch', bytes: body.length });
  });

  test('is refused if its chunks break off', async () => {
    site.serve('/file', body, { lastModified: may, framing: 'chunked', cutAfter });

    expect(await site.cache()).toMatchObject({ action: 'failed' });
  });

  test('and not chunked is accepted only with a checksum', async () => {
    site.serve('/file', body, { lastModified: may, framing: 'close' });

    expect(await site.cache()).toMatchObject({ action: 'failed', detail: expect.stringContaining('give a checksum') });
    expect(await site.cache({}, { checksum: sha256(body) })).toMatchObject({ action: 'fetch' });
  });
});

describe('compression', () => {
  test('is not requested', async () => {
    site.serve('/file', body, { lastModified: may });
    await site.cache();

    expect(site.requests.map(({ headers }) => headers['accept-encoding'])).toEqual([
      'identity',
      'identity',
      'identity',
    ]);
  });

  test('by a server that compresses anyway is refused', async () => {
    site.serve('/file', gzipSync(body), { lastModified: may, headers: { 'Content-Encoding': 'gzip' } });

    expect(await site.cache()).toMatchObject({
      action: 'failed',
      detail: expect.stringContaining('is encoded as gzip although identity was requested'),
    });
  });

  test('of the file itself is kept', async () => {
    const compressed = gzipSync(body);
    site.serve('/initrd.gz', compressed, { lastModified: may, headers: { 'Content-Encoding': 'x-gzip' } });

    expect(await site.cache({}, { url: `${site.url}/initrd.gz` })).toMatchObject({
      digests: { sha256: sha256(compressed) },
    });
  });
});

test('a full disk is reported before the first byte', async () => {
  site.serve('/file', 'short', { lastModified: may, headers: { 'Content-Length': String(2 ** 52) } });

  expect(await site.cache()).toMatchObject({
    action: 'failed',
    detail: expect.stringMatching(/needs 4294967296 MiB, and .* has only \d+ MiB left/),
  });
  expect(site.exists('copy')).toBe(false);
});

test('one failure is reported and does not stop the others', async () => {
  site.serve('/file', 'good', { lastModified: may });
  const files = ['missing', 'file'].map((name) => ({ url: `${site.url}/${name}`, dest: `${site.folder}/${name}` }));

  const outcome = await site.run({ files });

  expect(outcome.failures).toEqual([expect.stringMatching(/missing: .*404/)]);
  expect(outcome.message).toBe('1 failed, 1 fetch');
  expect(site.read('file')).toBe('good');
});
