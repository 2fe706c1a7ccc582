// Several parts of one object at once, where a test decides what happens when.
import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpAnswer, HttpClient } from '../../modules/clients/http/client.js';
import { HttpError } from '../../modules/clients/http/errors.js';
import type { StoreObject } from '../../modules/clients/store/object.js';
import { readSource } from '../../modules/clients/store/source.js';

const content = randomBytes(40_000);
const url = 'http://store.example/disk';
/** Nothing but its ETag tells whether it is the same object. */
const object: StoreObject = { url, bytes: content.length, etag: '"1"' };
const segmentBytes = 2000;

/** Plays the body of the answer from `from` on; `end`: of a part. */
type Respond = (from: number, end: number | undefined) => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>>;

function play(respond: Respond): HttpClient {
  return async ({ headers = {}, signal }) => {
    const [range, from = '0', end] = /^bytes=(\d+)-(\d*)$/.exec(headers.Range ?? '') ?? [];
    const last = end ? Number(end) : content.length - 1;
    const body = Readable.from(await respond(Number(from), end ? last + 1 : undefined), { objectMode: false });
    signal?.addEventListener('abort', () => void body.on('error', () => undefined).destroy());
    const sent = new Map([
      ['etag', object.etag],
      ['content-range', range && `bytes ${from}-${last}/${content.length}`],
    ]);
    return {
      status: range ? 206 : 200,
      url,
      header: (name) => sent.get(name),
      headers: () => [],
      body,
    } as Partial<HttpAnswer> as HttpAnswer;
  };
}

async function read(http: HttpClient, onChunk: (end: number) => Promise<void> = async () => undefined) {
  const chunks: Buffer[] = [];
  let end = 0;
  for await (const chunk of readSource(object, {
    http,
    signal: new AbortController().signal,
    stallSeconds: 2,
    budgetSeconds: 5,
    firstPauseMs: 1,
    connections: 4,
    segmentBytes,
    onInterruption: () => undefined,
  })) {
    chunks.push(Buffer.from(chunk));
    await onChunk((end += chunk.length));
  }
  return Buffer.concat(chunks);
}

async function* bytes(from: number, end = content.length): AsyncGenerator<Buffer> {
  yield content.subarray(from, end);
}

/** So slow that parts are read, as long as `goesOn`; returns where it has come to. */
async function* slowly(goesOn: () => boolean): AsyncGenerator<Buffer, number> {
  for (let at = 0; ; at += 100) {
    await delay(20);
    if (!goesOn()) return at;
    yield content.subarray(at, at + 100);
  }
}

test.each(['has the chunk', 'waits for the chunk'])(
  'nothing is lost at the seam where a part fails while the reader %s',
  async (moment) => {
    let seam: number | undefined;
    let isRefused = false;
    let refuse = (): void => undefined;
    async function* first(): AsyncGenerator<Buffer> {
      const at = yield* slowly(() => !isRefused && seam === undefined);
      await delay(50);
      if (moment === 'waits for the chunk') await refuseNow();
      yield content.subarray(at, (seam ?? 0) + 700);
      yield* bytes((seam ?? 0) + 700);
    }
    async function* firstPart(from: number): AsyncGenerator<Buffer> {
      yield content.subarray(from, from + 500);
      await new Promise(() => undefined);
    }
    async function refuseNow(): Promise<void> {
      isRefused = true;
      refuse();
      await delay(20);
    }
    const http = play((from, end) => {
      if (end === undefined) return from === 0 ? first() : bytes(from);
      if (seam === undefined) return firstPart((seam = from));
      return new Promise((_, reject) => {
        refuse = () => void reject(new HttpError({ method: 'GET', url, status: 403, reason: '' }));
      });
    });

    const data = await read(http, async (end) => {
      if (end === seam && !isRefused) await refuseNow();
    });

    expect(isRefused).toBe(true);
    expect(data.equals(content)).toBe(true);
  },
);

test('parts that are answered with nothing are not asked for again and again', async () => {
  const asked: number[] = [];
  const http = play((from, end) => {
    if (end === undefined) return from === 0 ? slowly(() => true) : bytes(from);
    asked.push(from);
    return new Set(asked).size < 3 ? bytes(from, end) : Readable.from([]);
  });

  const data = await read(http);

  expect(data.equals(content)).toBe(true);
  expect(new Set(asked).size).toBeGreaterThan(2);
  expect(asked.filter((from) => from === Math.max(...asked)).length).toBeLessThan(10);
});
