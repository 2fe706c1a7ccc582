import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { probeObject, readHead } from '../../modules/clients/store/reading.js';
import { readSource } from '../../modules/clients/store/source.js';

const content = randomBytes(1_000_000);
const http = createHttpClient({ validateCerts: true, timeoutSeconds: 5, signal: new AbortController().signal });

let folder: string;
let url: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-tools-file-'));
  const path = join(folder, 'a disk.raw');
  writeFileSync(path, content);
  url = pathToFileURL(path).href;
});

afterEach(() => rmSync(folder, { recursive: true }));

async function read(each: () => void = () => undefined): Promise<Buffer> {
  const { object } = await probeObject(http, url);
  const { signal } = new AbortController();
  const chunks: Buffer[] = [];
  const options = { http, signal, stallSeconds: 5, budgetSeconds: 5, onInterruption: () => undefined };
  for await (const chunk of readSource(object, options)) {
    chunks.push(chunk);
    each();
  }
  return Buffer.concat(chunks);
}

test('a file is read as an object is', async () => {
  const { object } = await probeObject(http, url);

  expect(object).toMatchObject({ url, bytes: 1_000_000, lastModified: expect.stringMatching(/ GMT$/) });
  expect((await readHead(http, object, 512)).head.equals(content.subarray(0, 512))).toBe(true);
  expect((await read()).equals(content)).toBe(true);
});

test.each([
  ['appended to', () => appendFileSync(join(folder, 'a disk.raw'), 'x')],
  ['written again', () => writeFileSync(join(folder, 'a disk.raw'), randomBytes(1_000_000))],
  ['cut off', () => writeFileSync(join(folder, 'a disk.raw'), 'x')],
])('a file that is %s while it is read is refused before its last byte', async (_, change) => {
  await expect(read(change)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
});

test('anything but a regular file is refused, without waiting for a named pipe', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);

  await expect(probeObject(http, `${pathToFileURL(folder).href}/pipe`)).rejects.toMatchObject({ code: 'FILE_REFUSED' });
  await expect(probeObject(http, pathToFileURL(folder).href)).rejects.toThrow('it is not a regular file');
  await expect(probeObject(http, 'file://host/disk.raw')).rejects.toThrow('it must be file:///');
  await expect(probeObject(http, `${url}.none`)).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
});
