// The same bytes at several URLs.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createHttpClient } from '../../modules/clients/http/client.js';
import type { StoreObject } from '../../modules/clients/store/object.js';
import { probeObject } from '../../modules/clients/store/reading.js';
import { openReleasesStore } from '../../modules/clients/store/releases-store.js';
import { readSource, type SourceSwitch } from '../../modules/clients/store/source.js';
import { startFaultProxy, type Fault, type FaultProxy } from '../cloud/fault-proxy.js';
import { startImageStore, type ImageStoreDouble } from '../sandbox/image-store.js';

const content = randomBytes(300_000);
const name = 'prod/versions/20250422-v1/CC-Image.qcow2';
const { signal } = new AbortController();
const http = createHttpClient({ validateCerts: true, timeoutSeconds: 5, firstPauseMs: 1, signal });

let stores: ImageStoreDouble[];
let proxies: FaultProxy[];
let switches: SourceSwitch[];

beforeEach(async () => {
  switches = [];
  stores = await Promise.all([1, 2].map(() => startImageStore({ mode: 'static' })));
  for (const store of stores) store.put(name, content);
  proxies = await Promise.all(stores.map(({ objectStoreUrl }) => startFaultProxy(objectStoreUrl)));
});

afterEach(async () => {
  await Promise.all([...proxies, ...stores].map((each) => each.close().catch(() => undefined)));
});

const urls = (): string[] => proxies.map(({ url }) => `${url}/chameleon-supported-images/${name}`);

async function read(
  faults: readonly Fault[],
  { isChecked = true, mirrors = urls().slice(1) }: { isChecked?: boolean; mirrors?: string[] } = {},
): Promise<Buffer> {
  const { object: found } = await probeObject(http, urls()[0] ?? '');
  const digest = createHash('sha512').update(content).digest('hex');
  const object: StoreObject = { ...found, ...(isChecked ? { published: [{ algorithm: 'sha512', digest }] } : {}) };
  for (const fault of faults) proxies[0]?.addFault({ method: 'GET', ...fault });
  const chunks: Buffer[] = [];
  for await (const chunk of readSource(object, {
    http,
    signal,
    stallSeconds: 0.3,
    budgetSeconds: 2,
    firstPauseMs: 1,
    mirrors,
    onInterruption: () => undefined,
    onSwitch: (switched) => void switches.push(switched),
  }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('with a checksum the data go on from a mirror', () => {
  test.each<[string, readonly Fault[], number]>([
    ['that cannot be read from the first URL', [{ status: 503 }], 0],
    ['that the first URL no longer has', [{ status: 404 }], 0],
    ['that the first URL no longer shows', [{ status: 403 }], 0],
    ['that the first URL is slow to send', [{ delaySeconds: 3 }], 0],
    [
      'that die in the middle',
      [
        { nth: 1, cutResponseAfter: 100_000 },
        { fromNth: 2, status: 503 },
      ],
      100_000,
    ],
    [
      'that are gone in the middle',
      [
        { nth: 1, cutResponseAfter: 100_000 },
        { fromNth: 2, status: 404 },
      ],
      100_000,
    ],
  ])('%s', async (_, faults, offset) => {
    expect((await read(faults)).equals(content)).toBe(true);
    expect(switches).toEqual([{ from: urls()[0], to: urls()[1], reason: expect.any(String), offset }]);
  });

  test('and back, if the mirror fails too', async () => {
    proxies[1]?.addFault({ method: 'GET', nth: 1, cutResponseAfter: 50_000 });
    proxies[1]?.addFault({ method: 'GET', fromNth: 2, status: 503 });

    const data = await read([
      { nth: 1, cutResponseAfter: 100_000 },
      { nth: 2, status: 503 },
    ]);

    expect(data.equals(content)).toBe(true);
    expect(switches.map(({ offset }) => offset)).toEqual([100_000, 150_000]);
  });

  test('but not from one that has something of another length', async () => {
    stores[1]?.put(name, randomBytes(299_999));

    await expect(read([{ status: 503 }])).rejects.toMatchObject({ code: 'SOURCE_BROKEN' });
  });

  test('and an answer that is refused is closed', async () => {
    stores[1]?.put(name, randomBytes(30_000_000));

    await expect(read([{ status: 503 }])).rejects.toMatchObject({ code: 'SOURCE_BROKEN' });
    await delay(1000);

    const [refused] = proxies[1]?.requests.filter(({ method }) => method === 'GET') ?? [];
    expect(refused).toMatchObject({ status: 200, error: expect.any(String) });
  });
});

describe('without a checksum', () => {
  test('another mirror is used before the first byte', async () => {
    expect((await read([{ status: 503 }], { isChecked: false })).equals(content)).toBe(true);
  });

  test('and afterwards none, because nothing would tell that it is the same', async () => {
    const failure = read(
      [
        { nth: 1, cutResponseAfter: 100_000 },
        { fromNth: 2, status: 503 },
      ],
      { isChecked: false },
    );

    await expect(failure).rejects.toMatchObject({ code: 'SOURCE_BROKEN' });
    expect(switches).toEqual([]);
  });

  test('a mirror that breaks off is not continued either, because nothing would tell that it is the same', async () => {
    const replace = (): void => void stores[1]?.put(name, randomBytes(300_000));
    proxies[1]?.addFault({ method: 'GET', nth: 1, cutResponseAfter: 100_000 });
    proxies[1]?.addFault({ method: 'GET', nth: 2, before: replace });

    await expect(read([{ status: 503 }], { isChecked: false })).rejects.toMatchObject({
      code: 'SOURCE_BROKEN',
      message: expect.stringContaining(urls()[1] ?? ''),
    });
  });
});

describe('a store with mirrors', () => {
  const open = () =>
    openReleasesStore(
      { urls: proxies.map(({ url }) => url), container: 'chameleon-supported-images', scope: 'prod' },
      { http, signal, onSwitch: (switched) => void switches.push(switched) },
    );

  test('is read from the first that has what is asked for, and keeps the names of the first', async () => {
    for (const store of stores) store.put('prod/current', '{"CC-Image": "20250422-v1"}');
    proxies[0]?.addFault({ path: /current/, status: 503 });
    stores[0]?.objects.delete(name);
    const store = open();

    expect(await store.readCatalogue()).toEqual({ 'CC-Image': '20250422-v1' });
    const url = store.imageUrl('CC-Image', '20250422-v1', 'qcow2');
    const { object, head } = await store.readBeginning(url, 512);

    expect(head.equals(content.subarray(0, 512))).toBe(true);
    expect(object).toEqual({ url, bytes: 300_000 });
    expect(store.mirrorsOf(url)).toEqual([url.replace(proxies[0]?.url ?? '', proxies[1]?.url ?? '')]);
    expect(switches.map(({ from }) => from)).toEqual([store.catalogueUrl, url]);
  });

  test('cannot be trusted where its mirror publishes checksums that contradict each other', async () => {
    const [one, other] = ['a', 'b'].map((digit) => digit.repeat(64));
    const setHeaders = { 'x-object-meta-x-sdk-sha256': one, 'x-object-meta-x-shade-sha256': other };
    proxies[1]?.addFault({ setHeaders });
    stores[0]?.objects.delete(name);
    const store = open();

    const { object } = await store.readBeginning(store.imageUrl('CC-Image', '20250422-v1', 'qcow2'), 512);

    expect(object.checksumFault).toMatch(/several different sha256 checksums/);
  });

  test('fails as the first does if none has it', async () => {
    await expect(open().readManifest('CC-None', '20250422-v1')).rejects.toMatchObject({
      code: 'STORE_OBJECT_MISSING',
      message: expect.stringContaining(proxies[0]?.url ?? ''),
    });
  });
});
