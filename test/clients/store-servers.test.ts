// The store's reader and servers that contradict themselves.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { probeObject, readHead } from '../../modules/clients/store/reading.js';
import { readSource } from '../../modules/clients/store/source.js';
import { startFileServer, type FileServer, type ServedFile } from '../sandbox/file-server.js';
import { testClient } from './http-server.js';

let server: FileServer;

beforeEach(async () => void (server = await startFileServer()));
afterEach(() => server.close());

const content = Buffer.from(Array.from({ length: 400_000 }, (_, index) => index % 251));
const sha256 = createHash('sha256').update(content).digest('hex');
const published = { 'X-Object-Meta-X-Sdk-Sha256': sha256 };
const may = 'Thu, 01 May 2025 08:00:00 GMT';
const http = testClient({ timeoutSeconds: 0.5 });

/** As a deployment reads an object: what it is, its first bytes, then all. */
async function read(): Promise<Buffer> {
  const { object, head } = await readHead(http, (await probeObject(http, `${server.url}/image`)).object, 512);
  const chunks: Buffer[] = [];
  const options = {
    http,
    signal: new AbortController().signal,
    stallSeconds: 1,
    budgetSeconds: 5,
    firstPauseMs: 1,
    onInterruption: () => undefined,
  };
  for await (const chunk of readSource(object, options)) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  expect(head.equals(whole.subarray(0, 512))).toBe(true);
  return whole;
}

function unsteady(file: ServedFile): void {
  let count = 0;
  Object.defineProperty(file, 'etag', { get: () => `"${String(count++).padStart(32, '0')}"` });
}

describe('an object is read completely', () => {
  test.each<[string, Omit<ServedFile, 'body'>]>([
    ['whose HEAD is answered by 401', { headStatus: 401 }],
    ['whose HEAD is answered by 403, as of a URL signed for GET', { headStatus: 403 }],
    ['whose HEAD is answered by 404', { headStatus: 404 }],
    ['whose HEAD is answered by 405', { headStatus: 405 }],
    ['whose HEAD is answered by 501', { headStatus: 501 }],
    ['whose HEAD is answered by 204', { headStatus: 204 }],
    ['whose HEAD is reset', { head: 'reset' }],
    ['whose HEAD hangs', { head: 'hang' }],
    ['whose HEAD says 0 bytes', { headHeaders: { 'Content-Length': '0' } }],
    ['whose HEAD says fewer bytes', { headHeaders: { 'Content-Length': '1234' } }],
    ['whose HEAD says more bytes', { headHeaders: { 'Content-Length': '99999999' } }],
    ['whose HEAD is refused by a server without ranges', { headStatus: 405, isSimple: true }],
    ['that comes as aws-chunked', { headers: { 'Content-Encoding': 'aws-chunked' } }],
    ['that comes in a word that is unknown', { headers: { 'Content-Encoding': 'x-own', ...published } }],
  ])('%s', async (_, file) => {
    server.serve('/image', content, { lastModified: may, ...file });

    expect((await read()).equals(content)).toBe(true);
  });

  test('with another ETag in each answer, and that breaks off, if a checksum is published', async () => {
    unsteady(server.serve('/image', content, { cutAfter: 150_000, headers: published }));

    expect((await read()).equals(content)).toBe(true);
  });

  test('after the time that Retry-After asks for in the middle of it', async () => {
    const file = server.serve('/image', content, { lastModified: may });
    let gets = 0;
    const times: number[] = [];
    file.onRequest = (method) => {
      if (method !== 'GET') return;
      gets += 1;
      times.push(performance.now());
      // The head of this answer is decided already, its body and the next answer are not.
      const isSecond = gets === 2;
      Object.assign(file, {
        cutAfter: isSecond ? 150_000 : undefined,
        getStatus: isSecond ? 503 : undefined,
        headers: isSecond ? { 'Retry-After': '1' } : {},
      });
    };

    expect((await read()).equals(content)).toBe(true);
    expect((times[3] ?? 0) - (times[2] ?? 0)).toBeGreaterThan(900);
  });
});

describe('an object is refused', () => {
  test.each(['gzip', 'br', 'zstd', 'deflate'])('that is sent as %s, naming the encoding', async (encoding) => {
    server.serve('/image', content, { lastModified: may, headers: { 'Content-Encoding': encoding, ...published } });

    await expect(read()).rejects.toMatchObject({ code: 'SOURCE_ENCODED', message: expect.stringContaining(encoding) });
  });

  test('with an unknown encoding, without a checksum', async () => {
    server.serve('/image', content, { lastModified: may, headers: { 'Content-Encoding': 'x-own' } });

    await expect(read()).rejects.toMatchObject({ code: 'SOURCE_ENCODED', message: expect.stringContaining('x-own') });
  });

  test('of unknown length', async () => {
    server.serve('/image', content, { framing: 'chunked', isSimple: true });

    await expect(read()).rejects.toMatchObject({ code: 'STORE_SIZE_UNKNOWN' });
  });

  test('instead of resumed, if neither a checksum nor a stable validator identifies it', async () => {
    unsteady(server.serve('/image', content, { cutAfter: 150_000 }));

    await expect(read()).rejects.toMatchObject({ code: 'SOURCE_BROKEN' });
  });

  test('that GET refuses too', async () => {
    server.serve('/image', content, { headStatus: 404, getStatus: 404 });

    await expect(read()).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
  });
});
