// What is refused before anything is done, and who is sent what.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { lockFile } from '../../modules/clients/files/lock.js';
import { may, sha256, startCacheSite, type CacheSite } from './cache-site.js';
import { startFileServer, type FileServer } from '../sandbox/file-server.js';

let site: CacheSite;

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

const part = { url: 'http://h/a' };

describe('refused, with nothing done', () => {
  test.each([
    ['nothing', {}, 'files, sets: nothing is requested: give at least one file or set'],
    ['a file without dest', { files: [{ url: 'http://h/a' }] }, 'files[0].dest is required'],
    ['a file without URL', { files: [{ dest: '/a' }] }, 'files[0]: url is required'],
    ['a relative dest', { files: [{ url: 'http://h/a', dest: 'a' }] }, 'files[0].dest: "a" is not an absolute path'],
    [
      'a folder for dest',
      { files: [{ url: 'http://h/a', dest: '/tmp/' }] },
      'files[0].dest: /tmp/ is a folder: give the path of the file',
    ],
    [
      'one dest twice',
      {
        files: [
          { url: 'http://h/a', dest: '/tmp/a' },
          { url: 'http://h/b', dest: '/tmp/x/../a' },
        ],
      },
      'dest: /tmp/a is given more than once',
    ],
    [
      'another scheme',
      { files: [{ url: 'ftp://h/a', dest: '/a' }] },
      'files[0].url: Validation of image href ftp://h/a failed, reason: Image download protocol ftp is not supported.',
    ],
    ['a file URL with two slashes', { files: [{ url: 'file://a/b', dest: '/a' }] }, /files\[0\]\.url: .*three slashes/],
    [
      'an image of Glance as a file',
      { files: [{ url: '3e0e2b1c-7a1e-4c58-9b52-0d4a5f6c7d8e', dest: '/a' }] },
      /files\[0\]\.url: .* is an image in Glance/,
    ],
    [
      'a login in the URL, which is not shown',
      { files: [{ url: 'http://u:hunter22@h/a', dest: '/a' }] },
      /^(?!.*hunter22).*the URL must not contain a user or password/,
    ],
    [
      'shake',
      { files: [{ ...part, dest: '/a', checksum: 'shake_128:aa' }] },
      /files\[0\]\.checksum: "shake_128:aa" is not allowed: shake_128 has no fixed length/,
    ],
    [
      'a checksum file by ftp',
      { files: [{ ...part, dest: '/a', checksum: 'ftp://h/SUMS' }] },
      /files\[0\]\.checksum: .*protocol ftp is not supported/,
    ],
    [
      'a mode without quotes, which YAML reads as a decimal number',
      { files: [{ ...part, dest: '/a', mode: 0o644 }] },
      'files[0].mode: "420" is not allowed; it must be four octal digits in quotes, such as "0644"',
    ],
    [
      'half a set',
      { sets: [{ name: 'ipa', dest: '/a', kernel: part }] },
      'sets[0]: the set ipa has kernel: give kernel and ramdisk, or glance',
    ],
    [
      'a set from two places',
      { sets: [{ name: 'ipa', dest: '/a', kernel: part, ramdisk: part, glance: { kernel: 'k', ramdisk: 'r' } }] },
      /sets\[0\]: the set ipa has kernel, ramdisk, glance/,
    ],
    [
      'a set that leaves its folder',
      { sets: [{ name: '../a', dest: '/a', kernel: part, ramdisk: part }] },
      /sets\[0\]\.name: "\.\.\/a" is not allowed/,
    ],
    [
      'a size that is none',
      { files: [{ ...part, dest: '/a' }], max_size: 'much' },
      'max_size: "much" is not allowed; it must be a size such as 20GiB or 500MiB',
    ],
    [
      'a password without a user',
      { files: [{ ...part, dest: '/a' }], hosts: [{ host: 'h', password: 'p' }] },
      'hosts[0]: username and password must be given together',
    ],
    [
      'a host that is a URL',
      { files: [{ ...part, dest: '/a' }], hosts: [{ host: 'http://h/' }] },
      /hosts\[0\]\.host: "http:\/\/h\/" is not a host/,
    ],
  ])('%s', async (_, args, message) => {
    await expect(site.run(args)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });

  test('and all faults are reported together', async () => {
    const files = [
      { url: 'ftp://h/a', dest: 'a' },
      { dest: '/b', checksum: 'x' },
    ];

    await expect(site.run({ files })).rejects.toMatchObject({
      message: expect.stringMatching(/files\[0\]\.dest.*files\[0\]\.url.*files\[1\]: url is required/),
    });
  });

  test('a folder that cannot be created is named', async () => {
    site.put('file', 'in the way');

    await expect(site.cache({}, { dest: join(site.folder, 'file/copy') })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(`the folder ${site.folder}/file cannot be created`),
    });
  });
});

test('no login is asked for', async () => {
  site.serve('/file', 'free', { lastModified: may });

  expect(await site.cache()).toMatchObject({ action: 'fetch' });
});

describe('a redirect', () => {
  let elsewhere: FileServer;

  beforeEach(async () => {
    elsewhere = await startFileServer();
    elsewhere.serve('/target', 'found', { lastModified: may });
  });

  afterEach(() => elsewhere.close());

  const redirect = (path: string, location: string, status = 302): void => {
    site.serve(path, '', { headStatus: status, getStatus: status, headers: { Location: location } });
  };

  test.each([301, 302, 303, 307, 308])('%i is followed', async (status) => {
    redirect('/file', `${elsewhere.url}/target`, status);

    expect(await site.cache()).toMatchObject({ action: 'fetch', digests: { sha256: sha256('found') } });
  });

  test('does not pass the login of one host on to another', async () => {
    redirect('/file', `${elsewhere.url}/target`);
    const { host, hostname } = new URL(site.url);
    const hosts = [{ host, username: 'user', password: 'secret-1', headers: { 'X-Token': 'secret-2' } }];

    await site.cache({ hosts });

    expect(site.requests[0]?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('user:secret-1').toString('base64')}`,
      'x-token': 'secret-2',
    });
    for (const { headers } of elsewhere.requests)
      expect([headers.authorization, headers['x-token']]).toEqual([undefined, undefined]);
    expect(hostname).toBe(new URL(elsewhere.url).hostname);
  });

  test('is followed ten times, and no more', async () => {
    for (let hop = 0; hop < 10; hop++)
      redirect(hop === 0 ? '/file' : `/hop${hop}`, hop === 9 ? `${elsewhere.url}/target` : `/hop${hop + 1}`);
    expect(await site.cache()).toMatchObject({ action: 'fetch' });

    redirect('/loop', '/loop');

    expect(await site.cache({}, { url: `${site.url}/loop` })).toMatchObject({
      action: 'failed',
      detail: expect.stringContaining('redirects more than 10 times'),
    });
  });

  test.each([
    ['to another scheme', 'file:///etc/passwd', /redirects to file:, which is not followed/],
    ['to a URL with a login', 'http://user:hunter22@h/', /^(?!.*hunter22).*to a URL with a login/],
    ['to nowhere', 'http://[', /redirects to nowhere/],
  ])('%s is refused', async (_, location, detail) => {
    redirect('/file', location);

    expect(await site.cache()).toMatchObject({ action: 'failed', detail: expect.stringMatching(detail) });
  });
});

describe('a login for a host', () => {
  test.each([
    ['by name', '127.0.0.1', true],
    ['with the port', '127.0.0.1:PORT', true],
    ['with another port is not sent', '127.0.0.1:1', false],
    ['of another name is not sent', 'localhost', false],
  ])('%s', async (_, host, isSent) => {
    site.serve('/file', 'new', { lastModified: may });

    await site.cache({ hosts: [{ host: host.replace('PORT', new URL(site.url).port), username: 'u', password: 'p' }] });

    expect(site.requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([isSent, isSent, isSent]);
  });
});

test('an interrupted run keeps the copy and the partial download', async () => {
  site.put('copy', 'old', 'Tue, 01 Apr 2025 08:00:00 GMT');
  const controller = new AbortController();
  site.serve('/file', Buffer.alloc(8_000_000), { lastModified: may, stallAfter: 1_000_000 });
  const onProgress = (): void => controller.abort(new Error('told to stop'));

  await expect(site.cache({}, {}, { signal: controller.signal, onProgress })).rejects.toThrow('told to stop');
  expect(site.read('copy')).toBe('old');
  expect(site.exists('.image_cache/files/copy.part')).toBe(true);
});

describe('two runs at once', () => {
  test('fetch once: the second waits and finds it fresh', async () => {
    site.serve('/file', Buffer.alloc(1_000_000), { lastModified: may });

    const results = await Promise.all([site.cache(), site.cache(), site.cache()]);

    expect(results.map(({ action }) => action).sort()).toEqual(['fetch', 'fresh', 'fresh']);
    expect(site.seen().filter((request) => request === 'GET /file')).toHaveLength(1);
  });

  describe('while one of them stalls', () => {
    const controller = new AbortController();
    let slow: Promise<unknown>;

    beforeEach(async () => {
      site.serve('/file', Buffer.alloc(1_000_000), { lastModified: may, stallAfter: 10 });
      await new Promise<void>((resolve) => {
        slow = site.cache({}, {}, { signal: controller.signal, onProgress: () => resolve() }).catch(() => undefined);
      });
    });

    afterEach(async () => {
      controller.abort(new Error('enough'));
      await slow;
    });

    test('the other does not wait forever', async () => {
      await expect(site.cache({ lock_timeout: 0 })).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    });
  });

  test('check mode waits for no other run', async () => {
    site.serve('/file', 'new', { lastModified: may });
    const { release } = await lockFile(site.put('.image_cache/lock', ''), {
      waitSeconds: 0,
      signal: new AbortController().signal,
    });

    expect(await site.cache({ lock_timeout: 0 }, {}, { checkMode: true })).toMatchObject({ action: 'fetch' });
    await expect(site.cache({ lock_timeout: 0 })).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    await release();
    expect(await site.cache({ lock_timeout: 0 })).toMatchObject({ action: 'fetch' });
  });
});
