import { afterAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { probeObject } from '../../modules/clients/store/reading.js';
import { readDecompressedHead, unpack } from '../../modules/clients/store/unpacking.js';
import { startImageStore } from '../sandbox/image-store.js';

const url = 'https://mirror.example.org/disk.tar';
const disk = randomBytes(700_001);
const folder = mkdtempSync(join(tmpdir(), 'image-tools-tar-'));
const longName = `${'folder/'.repeat(20)}${'long-'.repeat(30)}disk.raw`;

mkdirSync(join(folder, longName, '..'), { recursive: true });
for (const name of ['disk.raw', longName, 'notes.txt']) writeFileSync(join(folder, name), disk);
writeFileSync(join(folder, 'sparse.raw'), 'x');
truncateSync(join(folder, 'sparse.raw'), 10_000_000);
writeFileSync(join(folder, 'empty'), '');
symlinkSync('disk.raw', join(folder, 'link'));
mkdirSync(join(folder, 'nothing'));
execFileSync('mkfifo', [join(folder, 'pipe')]);

afterAll(() => rmSync(folder, { recursive: true }));

const tar = (...args: string[]): Buffer =>
  execFileSync('tar', ['--create', '--directory', folder, ...args], { maxBuffer: 2 ** 28 });

async function* inChunks(data: Buffer, size = 10_007): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function extract(archive: Buffer, chunkBytes?: number): Promise<{ content: Buffer; before: number }> {
  const chunks: Buffer[] = [];
  const unpacking = { compression: 'tar', url, bytes: archive.length, maxBytes: 2 ** 40 } as const;
  try {
    for await (const chunk of unpack(inChunks(archive, chunkBytes), unpacking)) chunks.push(Buffer.from(chunk));
  } catch (error) {
    throw Object.assign(error as Error, { before: Buffer.concat(chunks).length });
  }
  return { content: Buffer.concat(chunks), before: 0 };
}

describe('of an archive', () => {
  test.each([
    ['with one file', ['disk.raw']],
    ['with a folder', ['nothing', 'disk.raw']],
    ['with a long name, in the format of GNU', ['--format=gnu', longName]],
    ['with a long name, in the format of pax', ['--format=pax', longName]],
    ['of ustar', ['--format=ustar', 'disk.raw']],
    ['of Unix v7', ['--format=v7', 'disk.raw']],
  ])('%s the file is read', async (_, args) => {
    for (const chunkBytes of [10_007, 512, 5_000_000])
      expect((await extract(tar(...args), chunkBytes)).content.equals(disk)).toBe(true);
  });

  test.each([
    ['two files', ['disk.raw', 'notes.txt'], 'has several files ("disk.raw", "notes.txt"), of which one would be'],
    ['an empty file besides', ['disk.raw', 'empty'], 'has several files ("disk.raw", "empty")'],
    ['no file', ['nothing'], 'has no file; it must have one file, the disk'],
    ['a symbolic link', ['link', 'disk.raw'], 'has a symbolic link, "link"'],
    ['a link to the same file', ['disk.raw', './disk.raw'], /has (a hard link|several files)/],
    ['a named pipe', ['pipe'], 'has a named pipe, "pipe"'],
    ['a sparse file of GNU', ['--format=gnu', '--sparse', 'sparse.raw'], 'has a sparse file, "sparse.raw"'],
    ['a sparse file of pax', ['--format=pax', '--sparse', 'sparse.raw'], 'has a sparse file'],
  ])('%s is refused by name, before the last byte of the first', async (_, args, message) => {
    const failure = extract(tar(...args));

    await expect(failure).rejects.toMatchObject({ code: 'TAR_UNUSABLE', before: expect.any(Number) });
    const error = (await failure.catch((caught: unknown) => caught)) as Error & { before: number };
    expect(error.message).toMatch(message);
    expect(error.before).toBeLessThan(disk.length);
  });

  test.each([
    ['is cut off in its file', (archive: Buffer) => archive.subarray(0, 300_000), 'is cut off'],
    ['is cut off after its file', (archive: Buffer) => archive.subarray(0, 512 + 700_416), 'is cut off'],
    ['has a wrong header', (archive: Buffer) => Buffer.concat([Buffer.from('X'), archive.subarray(1)]), 'is damaged'],
    [
      'is followed by something else',
      (archive: Buffer) => Buffer.concat([archive, Buffer.from('more')]),
      'is followed by',
    ],
  ])('that %s nothing is used', async (_, change, message) => {
    await expect(extract(change(tar('disk.raw')))).rejects.toMatchObject({
      code: 'TAR_UNUSABLE',
      message: expect.stringContaining(message),
    });
  });

  test('a file of more than 8 GiB has its size in binary', async () => {
    const archive = tar('disk.raw');
    const header = Buffer.from(archive.subarray(0, 512));
    header.fill(0, 124, 136);
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(disk.length), 128);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);

    expect((await extract(Buffer.concat([header, archive.subarray(512)]))).content.equals(disk)).toBe(true);
  });
});

describe('the beginning of an object', () => {
  const http = createHttpClient({ validateCerts: true, timeoutSeconds: 5, signal: new AbortController().signal });
  const xz = (data: Buffer): Buffer => execFileSync('xz', ['--stdout'], { input: data, maxBuffer: 2 ** 28 });
  const bzip2 = (data: Buffer): Buffer => execFileSync('bzip2', ['--stdout'], { input: data, maxBuffer: 2 ** 28 });
  const large = Buffer.concat([disk, randomBytes(9_000_000)]);

  async function headOf(content: Buffer, compression?: 'auto' | 'none' | 'gz') {
    const store = await startImageStore();
    try {
      store.put('disk', content);
      const { object } = await probeObject(http, `${store.containerUrl}/disk`);
      return await readDecompressedHead(http, object, { bytes: 65_536, ...(compression ? { compression } : {}) });
    } finally {
      await store.close();
    }
  }

  test.each<[string, Buffer, { compression?: string; bytes?: number }]>([
    ['a disk', disk, { bytes: disk.length }],
    ['a compressed disk', gzipSync(disk), { compression: 'gz' }],
    ['a large one in xz', xz(large), { compression: 'xz' }],
    ['a large one in bzip2', bzip2(large), { compression: 'bz2' }],
    ['an archive', tar('nothing', 'disk.raw'), { compression: 'tar', bytes: disk.length }],
    ['a compressed archive', xz(tar('disk.raw')), { compression: 'tar.xz', bytes: disk.length }],
  ])('that is %s is that of the disk', async (_, content, expected) => {
    const { head, object, ...rest } = await headOf(content);

    expect(head.equals(disk.subarray(0, 65_536))).toBe(true);
    expect(object.bytes).toBe(content.length);
    expect(rest).toEqual(expected);
  });

  test('is that of the object if its compression is none', async () => {
    const content = gzipSync(disk);

    expect((await headOf(content, 'none')).head.equals(content.subarray(0, 65_536))).toBe(true);
  });

  test('must be compressed as the site says', async () => {
    await expect(headOf(xz(disk), 'gz')).rejects.toThrow(/is compressed with xz, not with gz as its compression says/);
    await expect(headOf(disk, 'gz')).rejects.toMatchObject({ code: 'FORMAT_MISMATCH' });
  });

  test('of a damaged object is refused', async () => {
    await expect(headOf(gzipSync(disk).subarray(0, 20_000))).rejects.toMatchObject({ code: 'SOURCE_DAMAGED' });
  });
});
