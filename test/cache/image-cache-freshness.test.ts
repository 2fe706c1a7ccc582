// The rule, on a scripted web server: which copies are fetched, and what a second run does.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { april, june, may, startCacheSite, type CacheSite } from './cache-site.js';

let site: CacheSite;

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

test('a file is fetched once, gets the date of its source, and is fresh afterwards', async () => {
  site.serve('/file', 'new', { lastModified: may });

  expect(await site.cache()).toMatchObject({
    action: 'fetch',
    reason: 'absent',
    changed: true,
    bytes: 3,
    last_modified: '2025-05-01T08:00:00Z',
  });
  expect(site.read('copy')).toBe('new');
  expect(site.modified('copy')).toBe(may);
  site.forget();
  expect(await site.cache()).toMatchObject({ action: 'fresh', reason: 'fresh', changed: false });
  expect(site.seen()).toEqual(['HEAD /file']);
});

describe('a copy of May', () => {
  test.each([
    ['newer', june, 'new'],
    ['fresh', may, 'old'],
    ['fresh', april, 'old'],
    ['no-last-modified', undefined, 'new'],
    ['no-last-modified', 'Sun, 01 Jun 2025 08:00:00 +0000', 'new'],
    ['newer', 'Sunday, 01-Jun-25 08:00:00 GMT', 'new'],
    ['newer', 'Sun Jun  1 08:00:00 2025', 'new'],
  ])('is %s when the server says %s', async (reason, lastModified, expected) => {
    site.put('copy', 'old', may);
    site.serve('/file', 'new', { lastModified });

    expect(await site.cache()).toMatchObject({ reason, action: expected === 'new' ? 'fetch' : 'fresh' });
    expect(site.read('copy')).toBe(expected);
  });

  test('is fetched at no-store', async () => {
    site.put('copy', 'old', may);
    site.serve('/file', 'new', { lastModified: may, headers: { 'Cache-Control': 'no-store' } });

    expect(await site.cache()).toMatchObject({ action: 'fetch', reason: 'no-store' });
  });

  test('is fetched with force', async () => {
    site.put('copy', 'old', may);
    site.serve('/file', 'new', { lastModified: may });

    expect(await site.cache({ force: true })).toMatchObject({ action: 'fetch', reason: 'forced', changed: true });
  });
});

describe('a file that is fetched and has the same bytes', () => {
  test('stays the same file, gets the new date, and is not changed', async () => {
    const file = site.serve('/file', 'same', { lastModified: may });
    await site.cache();
    file.lastModified = june;

    expect(await site.cache()).toMatchObject({
      action: 'fetch',
      reason: 'newer',
      changed: false,
      detail: expect.stringContaining('the content is the same'),
    });
    expect(site.modified('copy')).toBe(june);
    expect(await site.cache()).toMatchObject({ action: 'fresh' });
  });
});

describe('strict', () => {
  const strict = { freshness: 'strict' };

  test.each([
    ['older', { lastModified: april, etag: '"1"' }],
    ['by-etag', { lastModified: may, etag: '"2"' }],
    ['size', { lastModified: may, etag: 'W/"1"' }],
  ])('fetches: %s', async (reason, served) => {
    const file = site.serve('/file', 'old', { lastModified: may, etag: served.etag === 'W/"1"' ? 'W/"1"' : '"1"' });
    await site.cache(strict);
    Object.assign(file, served, { body: Buffer.from('rolled back') });

    expect(await site.cache(strict)).toMatchObject({ action: 'fetch', reason });
    expect(site.read('copy')).toBe('rolled back');
  });

  test('trusts an equal ETag if there is no date', async () => {
    site.serve('/file', 'new', { etag: '"1"' });
    await site.cache(strict);

    expect(await site.cache(strict)).toMatchObject({ action: 'fresh', reason: 'by-etag' });
  });
});

describe('if HEAD is refused', () => {
  test.each([401, 403, 404, 405, 410, 501])('with %i, a conditional GET decides', async (headStatus) => {
    const file = site.serve('/file', 'some bytes', { lastModified: may, headStatus });
    await site.cache();
    site.forget();

    expect(await site.cache()).toMatchObject({ action: 'fresh' });
    expect(site.requests.map(({ method, status }) => `${method} ${status}`)).toEqual([`HEAD ${headStatus}`, 'GET 304']);
    file.lastModified = june;
    file.body = Buffer.from('other');
    expect(await site.cache()).toMatchObject({ action: 'fetch', reason: 'newer' });
    expect(site.read('copy')).toBe('other');
  });

  test('by a server without conditions and ranges, the rule still holds', async () => {
    site.serve('/file', 'some bytes', { lastModified: may, headStatus: 405, isSimple: true });
    await site.cache();

    expect(await site.cache()).toMatchObject({ action: 'fresh' });
  });

  test('strict notices that it was rolled back', async () => {
    const file = site.serve('/file', 'new', { lastModified: may, headStatus: 405 });
    await site.cache({ freshness: 'strict' });
    Object.assign(file, { body: Buffer.from('old'), lastModified: april });

    expect(await site.cache({ freshness: 'strict' })).toMatchObject({ action: 'fetch', reason: 'older' });
  });
});

describe('if HEAD gets no answer', () => {
  test.each(['reset', 'hang'] as const)('but a %s, GET decides', async (head) => {
    site.serve('/file', 'some bytes', { lastModified: may, head });

    expect(await site.cache({ timeout: 1 })).toMatchObject({ action: 'fetch' });
    expect(await site.cache({ timeout: 1 })).toMatchObject({ action: 'fresh' });
  });
});

describe('if GET is refused too', () => {
  test.each([404, 410, 403])('by %i, it fails, and the copy stays', async (status) => {
    site.put('copy', 'old', april);
    site.serve('/file', 'new', { lastModified: may, headStatus: status, getStatus: status });

    expect(await site.cache()).toMatchObject({
      action: 'failed',
      changed: false,
      detail: expect.stringContaining(String(status)),
    });
    expect(site.read('copy')).toBe('old');
  });
});

describe('a file of this host', () => {
  const local = (): Record<string, unknown> => ({ url: `file://${site.folder}/source/disk.img` });
  const allowed = (): Record<string, unknown> => ({ allowed_paths: [site.folder] });

  test('is fresh by its mtime', async () => {
    const source = site.put('source/disk.img', 'old');
    expect(await site.cache(allowed(), local())).toMatchObject({ action: 'fetch', reason: 'absent' });
    expect(await site.cache(allowed(), local())).toMatchObject({ action: 'fresh' });

    site.put('source/disk.img', 'new');
    utimesSync(source, new Date(), new Date(Date.now() + 5000));

    expect(await site.cache(allowed(), local())).toMatchObject({ action: 'fetch', reason: 'newer' });
    expect(site.read('copy')).toBe('new');
  });

  test.each([
    ['outside of the allowed folders', 'file:///var/lib/other', /Specified image file not found|Security: Path/],
    ['of /etc', 'file:///etc/passwd', /Security: The path \/etc\/passwd is not permitted in file URLs/],
    ['that is not there', 'file:///nowhere', /Specified image file not found/],
  ])('%s is refused in the words of Ironic', async (_, url, detail) => {
    expect(await site.cache({ allowed_paths: ['/'] }, { url })).toMatchObject({
      action: 'failed',
      detail: expect.stringMatching(detail),
    });
  });

  test('is refused if a link leads out of the allowed folder', async () => {
    const { symlinkSync } = await import('node:fs');
    symlinkSync('/etc', join(site.folder, 'link'));

    expect(await site.cache(allowed(), { url: `file://${site.folder}/link/passwd` })).toMatchObject({
      action: 'failed',
      detail: expect.stringContaining('/etc/passwd is not permitted'),
    });
  });
});

describe('check mode', () => {
  test('says why, and writes nothing', async () => {
    site.serve('/file', 'new', { lastModified: may });

    expect(await site.cache({}, {}, { checkMode: true })).toMatchObject({
      action: 'fetch',
      reason: 'absent',
      changed: true,
    });
    expect(site.seen()).toEqual(['HEAD /file']);
    expect(site.all()).toEqual([]);
  });

  test('leaves an old copy and its record as they are', async () => {
    const file = site.serve('/file', 'old', { lastModified: april });
    await site.cache();
    const before = site.all();
    const record = site.read('.image_cache/files/copy.json');
    Object.assign(file, { body: Buffer.from('new'), lastModified: june });

    expect(await site.cache({}, {}, { checkMode: true })).toMatchObject({ action: 'fetch', reason: 'newer' });
    expect([site.read('copy'), site.all(), site.read('.image_cache/files/copy.json')]).toEqual(['old', before, record]);
  });

  test('works in a folder that does not exist', async () => {
    site.serve('/file', 'new', { lastModified: may });

    expect(await site.cache({}, { dest: join(site.folder, 'no/such/folder/copy') }, { checkMode: true })).toMatchObject(
      { action: 'fetch' },
    );
    expect(site.all()).toEqual([]);
  });
});
