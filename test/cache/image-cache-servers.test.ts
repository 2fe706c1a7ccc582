// What servers say of a file that is not so, or differs from one answer to the next.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { may, sha256, startCacheSite, april, type CacheSite } from './cache-site.js';
import type { ServedFile } from '../sandbox/file-server.js';

let site: CacheSite;

beforeEach(async () => void (site = await startCacheSite()));
afterEach(() => site.close());

const content = Buffer.from(Array.from({ length: 400_000 }, (_, index) => index % 251));
const checked = { checksum: `sha256:${sha256(content)}` };

/** A file whose ETag, or date, is another one in each answer. */
function unsteady(file: ServedFile, key: 'etag' | 'lastModified'): ServedFile {
  let count = 0;
  const next = {
    etag: () => `"${count++}"`,
    lastModified: () => new Date(Date.parse(may) + count++ * 1000).toUTCString(),
  };
  return Object.defineProperty(file, key, { get: next[key] });
}

describe.each(['etag', 'lastModified'] as const)('another %s in each answer', (key) => {
  test('does no harm if there is a checksum', async () => {
    unsteady(site.serve('/file', content), key);

    expect(await site.cache({}, checked)).toMatchObject({ action: 'fetch', digests: { sha256: sha256(content) } });
  });

  test('does no harm if there is a checksum and the connection breaks repeatedly', async () => {
    unsteady(site.serve('/file', content, { cutAfter: 150_000 }), key);

    expect(await site.cache({ attempts: 2 }, checked)).toMatchObject({
      action: 'fetch',
      digests: { sha256: sha256(content) },
    });
  });

  test('is refused without one, and the message suggests a checksum', async () => {
    site.put('copy', 'old', april);
    unsteady(site.serve('/file', content), key);

    expect(await site.cache()).toMatchObject({
      action: 'failed',
      code: 'SOURCE_CHANGED',
      detail: expect.stringContaining('give a checksum to verify it'),
    });
    expect(site.read('copy')).toBe('old');
  });

  test('does no harm if the file is replaced by the right one when the connection breaks', async () => {
    const file = unsteady(site.serve('/file', Buffer.alloc(content.length, 'x'), { cutAfter: 150_000 }), key);
    file.onRequest = (method) => void (method === 'GET' && (file.body = content));

    expect(await site.cache({ attempts: 2 }, checked)).toMatchObject({
      action: 'fetch',
      digests: { sha256: sha256(content) },
    });
  });

  test('never mixes bytes of two files', async () => {
    const file = unsteady(site.serve('/file', content, { cutAfter: 150_000 }), key);
    file.onRequest = (method) => void (method === 'GET' && (file.body = Buffer.alloc(content.length, 'x')));

    expect(await site.cache({ attempts: 2 }, checked)).toMatchObject({ action: 'failed', code: 'CHECKSUM_MISMATCH' });
    expect(site.exists('copy')).toBe(false);
  });
});

describe('a length that HEAD gives and GET contradicts', () => {
  test.each(['1234', '999999', '0', 'many'])('%s does no harm if there is a checksum', async (length) => {
    site.serve('/file', content, { lastModified: may, headHeaders: { 'Content-Length': length } });

    expect(await site.cache({}, checked)).toMatchObject({ action: 'fetch', bytes: content.length });
  });

  test('is refused without a checksum', async () => {
    site.serve('/file', content, { lastModified: may, headHeaders: { 'Content-Length': '1234' } });

    expect(await site.cache()).toMatchObject({ action: 'failed', code: 'SOURCE_CHANGED' });
  });
});

describe('Content-Encoding', () => {
  test.each(['aws-chunked', 'UTF-8', 'identity', 'none', '', 'binary, aws-chunked'])(
    '%j is no compression',
    async (encoding) => {
      site.serve('/file', content, { lastModified: may, headers: { 'Content-Encoding': encoding } });

      expect(await site.cache()).toMatchObject({ action: 'fetch', bytes: content.length });
    },
  );

  test('that is unknown is left to the checksum, and refused without one', async () => {
    site.serve('/file', content, { lastModified: may, headers: { 'Content-Encoding': 'x-own' } });

    expect(await site.cache()).toMatchObject({
      action: 'failed',
      code: 'SOURCE_ENCODED',
      detail: expect.stringContaining('x-own'),
    });
    expect(await site.cache({}, checked)).toMatchObject({ action: 'fetch' });
  });

  test.each(['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'aws-chunked,gzip', 'GZIP'])(
    '%s is refused by name, checksum or not',
    async (encoding) => {
      site.serve('/file', gzipSync(content), { lastModified: may, headers: { 'Content-Encoding': encoding } });
      const refused = {
        action: 'failed',
        code: 'SOURCE_ENCODED',
        detail: expect.stringContaining(encoding.toLowerCase().replace(/.*,/, '')),
      };

      expect(await site.cache()).toMatchObject(refused);
      expect(await site.cache({}, checked)).toMatchObject(refused);
    },
  );
});

describe('a web page instead of a file', () => {
  const html = { lastModified: may, headers: { 'Content-Type': 'text/html; charset=utf-8' } };

  test.each([
    ['that begins so', '<!DOCTYPE html>\n<title>Log in</title>', {}],
    ['behind a byte order mark, blanks and a comment', '\ufeff \n<!-- portal -->\n<HTML><body>', {}],
    ['as XHTML', '<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html/>', {}],
    ['by its type', 'Please log in first.', html.headers],
  ])('%s is refused, and the copy stays', async (_, body, headers) => {
    site.put('copy', 'old', april);
    site.serve('/file', body, { lastModified: may, headers });

    expect(await site.cache()).toMatchObject({ action: 'failed', code: 'WEB_PAGE' });
    expect(await site.cache()).toMatchObject({ action: 'failed', code: 'WEB_PAGE' });
    expect(site.read('copy')).toBe('old');
  });

  test('is accepted if its name or its checksum says that it is the file', async () => {
    const page = '<!doctype html><p>notes</p>';
    site.serve('/notes.html', page, html);
    site.serve('/file', page, html);

    expect(await site.cache({}, { url: `${site.url}/notes.html` })).toMatchObject({ action: 'fetch' });
    expect(await site.cache({}, { checksum: `sha256:${sha256(page)}` })).toMatchObject({ action: 'fetch' });
  });

  test('is not assumed just because the server labels every file as HTML', async () => {
    site.serve('/file', content, html);

    expect(await site.cache()).toMatchObject({ action: 'fetch' });
  });
});
