// Several parts of one object at once.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { probeObject } from '../../modules/clients/store/reading.js';
import { readSource, type SourceOptions } from '../../modules/clients/store/source.js';
import { startFaultProxy, type Fault, type FaultProxy } from '../cloud/fault-proxy.js';
import { startImageStore, type ImageStoreDouble, type ImageStoreOptions } from '../sandbox/image-store.js';

const content = randomBytes(6_000_000);
const http = createHttpClient({
  validateCerts: true,
  timeoutSeconds: 5,
  firstPauseMs: 1,
  signal: new AbortController().signal,
});

let double: ImageStoreDouble;
let proxy: FaultProxy;
let interruptions: string[];

async function open(options: ImageStoreOptions = {}): Promise<void> {
  interruptions = [];
  double = await startImageStore(options);
  double.put('disk', content);
  proxy = await startFaultProxy(double.objectStoreUrl);
}

beforeEach(() => open());

afterEach(async () => {
  await proxy.close();
  await double.close();
});

const isPart = (range: string | undefined): boolean => /^bytes=\d+-\d+$/.test(range ?? '');
const partsRead = (): number => proxy.requests.filter(({ headers }) => isPart(headers.range)).length;

const fourConnections = (): SourceOptions => ({
  http,
  signal: new AbortController().signal,
  stallSeconds: 2,
  budgetSeconds: 5,
  connections: 4,
  segmentBytes: 250_000,
  onInterruption: () => undefined,
});

/** Each connection is slow, so that a reader with nothing else to do waits. */
async function read(
  faults: readonly Fault[] = [],
  options: Partial<SourceOptions> = {},
  throttleBytesPerSecond = 3_000_000,
): Promise<string> {
  const { object } = await probeObject(http, `${proxy.url}/${double.container}/disk`);
  for (const fault of faults) proxy.addFault({ method: 'GET', ...fault });
  proxy.addFault({ method: 'GET', throttleBytesPerSecond });
  const hash = createHash('sha256');
  for await (const chunk of readSource(object, {
    ...fourConnections(),
    firstPauseMs: 1,
    onInterruption: (reason, offset) => void interruptions.push(`${offset}: ${reason}`),
    ...options,
  }))
    hash.update(chunk);
  return hash.digest('hex');
}

const expected = createHash('sha256').update(content).digest('hex');

test('a store that is slow for each connection is read by several, in order', async () => {
  expect(await read()).toBe(expected);
  expect(partsRead()).toBeGreaterThan(10);
  expect(interruptions).toEqual([]);
});

test('one connection is enough if that is all that is allowed, or for a small object', async () => {
  expect(await read([], { connections: 1 })).toBe(expected);
  expect(await read([], { segmentBytes: 2_000_000 })).toBe(expected);
  expect(partsRead()).toBe(0);
});

test('a reader that is slower than the store has no use for more', async () => {
  const { object } = await probeObject(http, `${proxy.url}/${double.container}/disk`);
  let bytes = 0;
  for await (const chunk of readSource(object, fourConnections())) {
    bytes += chunk.length;
    await delay(10);
  }

  expect(bytes).toBe(content.length);
  expect(partsRead()).toBe(0);
});

describe('the object is complete, although', () => {
  test.each<[string, readonly Fault[]]>([
    ['parts of it break off', [3, 5, 8].map((nth) => ({ nth, cutResponseAfter: 100_000 }))],
    ['a part stalls', [{ nth: 4, stallResponseAfter: 100_000 }]],
    ['parts of it answer 500', [3, 6].map((nth) => ({ nth, status: 500 }))],
    ['the first connection breaks off', [{ nth: 1, cutResponseAfter: 2_000_000 }]],
  ])('%s', async (_, faults) => {
    expect(await read(faults)).toBe(expected);
  });

  test.each<[string, Fault]>([
    ['the store ignores ranges', { fromNth: 2, ignoreRange: true }],
    ['the store begins to ignore ranges', { fromNth: 6, ignoreRange: true }],
    ['parts of it have a wrong Content-Range', { nth: 2, setHeaders: { 'content-range': 'bytes 0-9/6000000' } }],
    ['later parts have a wrong Content-Range', { nth: 6, setHeaders: { 'content-range': 'bytes 0-9/6000000' } }],
    ['the second connection is refused', { nth: 2, status: 429, setHeaders: { 'retry-after': '0' } }],
    ['the second connection is forbidden', { nth: 2, status: 403 }],
  ])('%s', async (_, fault) => {
    expect(await read([fault])).toBe(expected);
  });

  test.each([429, 503])(
    'the store answers %i to more than two connections at once, and then gets no more',
    async (status) => {
      let open = 0;
      const { object } = await probeObject(http, `${proxy.url}/${double.container}/disk`);
      proxy.addFault({ method: 'GET', throttleBytesPerSecond: 3_000_000 });
      let most = 0;
      let refused = 0;
      const counting: typeof http = async (request) => {
        if (open >= 2) {
          refused += 1;
          return http({ ...request, url: `${double.containerUrl}/busy` });
        }
        open += 1;
        most = Math.max(most, open);
        const answer = await http(request);
        answer.body.once('close', () => (open -= 1));
        return answer;
      };
      double.refusals.set('busy', status);
      const hash = createHash('sha256');
      for await (const chunk of readSource(object, {
        http: counting,
        signal: new AbortController().signal,
        stallSeconds: 2,
        budgetSeconds: 5,
        firstPauseMs: 50,
        connections: 6,
        segmentBytes: 250_000,
        onInterruption: () => undefined,
      }))
        hash.update(chunk);

      expect(hash.digest('hex')).toBe(expected);
      expect(most).toBe(2);
      expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(30);
    },
  );
});

test('one of two connections goes on alone where the store refuses the other one', async () => {
  expect(await read([{ nth: 6, status: 503 }], { connections: 2 })).toBe(expected);
  expect(interruptions).toEqual([]);
});

test('a store that falls silent is replaced by its mirror in time', async () => {
  const mirror = await startFaultProxy(double.objectStoreUrl);
  const switches: number[] = [];
  try {
    // Slow enough that even on a busy machine it is the store that is waited for, and parts are read.
    const data = await read(
      [{ fromNth: 6, stallResponseAfter: 0 }],
      {
        ...{ stallSeconds: 0.5, budgetSeconds: 2, mirrors: [`${mirror.url}/${double.container}/disk`] },
        onSwitch: ({ offset }) => void switches.push(offset),
      },
      1_000_000,
    );
    expect(data).toBe(expected);
  } finally {
    await mirror.close();
  }
  expect(switches).toEqual([expect.any(Number)]);
  expect(switches[0]).toBeGreaterThan(0);
});

test('an object without a checksum that is replaced meanwhile is not mixed with the new one', async () => {
  await proxy.close();
  await double.close();
  await open({ mode: 'static' });
  const replace = (): void => void double.put('disk', randomBytes(6_000_000), { modified: Date.now() + 60_000 });

  await expect(read([{ nth: 6, before: replace }])).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
});

test('a reader that stops closes all connections', async () => {
  const { object } = await probeObject(http, `${proxy.url}/${double.container}/disk`);
  proxy.addFault({ method: 'GET', throttleBytesPerSecond: 2_000_000 });
  let bytes = 0;
  for await (const chunk of readSource(object, fourConnections())) {
    bytes += chunk.length;
    if (bytes > 3_000_000) break;
  }
  // One may be on its way; each part takes an eighth of a second.
  await delay(1000);
  const before = proxy.requests.length;
  await delay(500);

  expect(before).toBeGreaterThan(3);
  expect(proxy.requests.length).toBe(before);
});
