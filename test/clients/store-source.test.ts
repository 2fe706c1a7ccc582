import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { probeObject, readHead } from '../../modules/clients/store/reading.js';
import { openReleasesStore, type ReleasesStore } from '../../modules/clients/store/releases-store.js';
import { readSource } from '../../modules/clients/store/source.js';
import { startFaultProxy, type Fault, type FaultProxy } from '../cloud/fault-proxy.js';
import { startImageStore, type ImageStoreDouble, type ImageStoreOptions } from '../sandbox/image-store.js';

const content = randomBytes(300_000);
const name = 'prod/versions/20250422-v1/CC-Image.qcow2';
const http = createHttpClient({
  validateCerts: true,
  timeoutSeconds: 5,
  firstPauseMs: 1,
  signal: new AbortController().signal,
});

let double: ImageStoreDouble;
let proxy: FaultProxy;
let store: ReleasesStore;
let interruptions: string[];

async function open(options: ImageStoreOptions = {}): Promise<void> {
  double = await startImageStore(options);
  double.put(name, content);
  proxy = await startFaultProxy(new URL(double.objectStoreUrl).origin);
  store = openReleasesStore(
    { urls: [proxy.url + new URL(double.objectStoreUrl).pathname], container: double.container, scope: 'prod' },
    { http, signal: new AbortController().signal },
  );
}

beforeEach(() => {
  interruptions = [];
});

afterEach(async () => {
  await proxy.close();
  await double.close();
});

const path = /CC-Image\.qcow2$/;

async function read(faults: readonly Fault[] = [], budgetSeconds = 2): Promise<Buffer> {
  const { object } = await probeObject(http, store.imageUrl('CC-Image', '20250422-v1', 'qcow2'));
  for (const fault of faults) proxy.addFault({ method: 'GET', path, ...fault });
  const chunks: Buffer[] = [];
  const options = {
    http,
    signal: new AbortController().signal,
    stallSeconds: 0.3,
    budgetSeconds,
    firstPauseMs: 1,
    onInterruption: (reason: string, offset: number) => void interruptions.push(`${offset}: ${reason}`),
  };
  for await (const chunk of readSource(object, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

describe.each([
  ['Swift', {}],
  ['a web server', { mode: 'static' }],
  ['a web server without ranges and ETags', { mode: 'static', ranges: 'ignored' }],
] as const)('an object of %s', (kind, options) => {
  beforeEach(() => open(options));

  test.each([
    ['cut before the first byte', [{ nth: 1, cutResponseAfter: 0 }]],
    ['cut in the middle', [{ nth: 1, cutResponseAfter: 150_000 }]],
    ['cut before the last byte', [{ nth: 1, cutResponseAfter: 299_999 }]],
    ['cut three times', [1, 2, 3].map((nth) => ({ nth, cutResponseAfter: 60_000 }))],
    ['stalling', [{ nth: 1, stallResponseAfter: 100_000 }]],
    [
      'answering 503 in between',
      [
        { nth: 1, cutResponseAfter: 1000 },
        { nth: 2, status: 503 },
      ],
    ],
    [
      'answering 200 to a Range',
      [
        { nth: 1, cutResponseAfter: 200_000 },
        { nth: 2, ignoreRange: true },
      ],
    ],
  ] as const)('is read whole though the connection is %s', async (_fault, faults) => {
    const data = await read(faults);

    expect(digest(data)).toBe(digest(content));
    expect(interruptions.length).toBeGreaterThan(0);
  });

  test('that is replaced meanwhile is not mixed with the new one', async () => {
    const replace = (): void => void double.put(name, randomBytes(300_000), { modified: Date.now() + 60_000 });

    const failure = read([
      { nth: 1, cutResponseAfter: 150_000 },
      { nth: 2, before: replace },
    ]);

    await expect(failure).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('of which other bytes come than were requested is not put together from them', async () => {
    const failure = read([
      { nth: 1, cutResponseAfter: 150_000 },
      { nth: 2, status: 206, body: 'other bytes', setHeaders: { 'Content-Range': 'bytes 0-10/300000' } },
    ]);

    await expect(failure).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      message: expect.stringMatching(/for the data from byte \d+ the store returned "bytes 0-10\/300000"/),
    });
  });

  test('is continued without its validators only if it has a checksum', async () => {
    const data = read([
      { nth: 1, cutResponseAfter: 150_000 },
      { nth: 2, dropHeaders: ['etag', 'last-modified'] },
    ]);

    if (kind === 'Swift') expect(digest(await data)).toBe(digest(content));
    else await expect(data).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('that disappears meanwhile is reported', async () => {
    const remove = (): void => void double.objects.delete(name);

    const failure = read([
      { nth: 1, cutResponseAfter: 150_000 },
      { nth: 2, before: remove },
    ]);

    await expect(failure).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      message: expect.stringContaining('it has been deleted'),
    });
  });

  test('that stays broken ends after some time without a byte', async () => {
    const failure = read(
      [
        { nth: 1, cutResponseAfter: 150_000 },
        { fromNth: 2, status: 503 },
      ],
      0.5,
    );

    await expect(failure).rejects.toMatchObject({
      code: 'SOURCE_BROKEN',
      message: expect.stringContaining('of 300000 and could not be continued'),
    });
  });
});

describe('the store', () => {
  beforeEach(() => open());

  test('reports which object it lacks', async () => {
    await expect(store.readBeginning(store.imageUrl('CC-None', '20250422-v1', 'raw'), 1)).rejects.toThrow(
      `the store has no image ${store.imageUrl('CC-None', '20250422-v1', 'raw')}`,
    );
    await expect(store.readManifest('CC-Image', '20250422-v1')).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
  });

  test.each([405, 501])('that answers %i to HEAD is asked by GET', async (status) => {
    proxy.addFault({ method: 'HEAD', status });

    const { object } = await probeObject(http, store.imageUrl('CC-Image', '20250422-v1', 'qcow2'));

    expect(object).toMatchObject({ bytes: 300_000, md5: createHash('md5').update(content).digest('hex') });
  });

  test('returns the first bytes, with or without support for ranges', async () => {
    const { object } = await probeObject(http, store.imageUrl('CC-Image', '20250422-v1', 'qcow2'));
    const { head: byRange } = await readHead(http, object, 512);
    proxy.addFault({ method: 'GET', ignoreRange: true });
    const { head: without } = await readHead(http, object, 512);

    expect(byRange.equals(content.subarray(0, 512))).toBe(true);
    expect(without.equals(byRange)).toBe(true);
  });

  test.each([
    ['empty', '', 'is empty'],
    ['HTML', '<html><body>Login</body></html>', 'is not JSON: it begins with "<html><body>Login'],
    ['cut off', '{"CC-Ubuntu22.04": "2025', 'is not JSON'],
    ['huge', `{"a": "${'x'.repeat(5 * 1024 * 1024)}"}`, 'is larger than 4194304 bytes'],
  ])('whose catalogue is %s is refused', async (_, text, message) => {
    double.put('prod/current', text);

    await expect(store.readCatalogue()).rejects.toThrow(message);
  });

  test('puts names into URLs so that they cannot lead elsewhere', () => {
    expect(store.imageUrl('a b#c', '20250422-v1', 'raw')).toBe(
      `${proxy.url}/v1/AUTH_sandbox/chameleon-supported-images/prod/versions/20250422-v1/a%20b%23c.raw`,
    );
  });
});
