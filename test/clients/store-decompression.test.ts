import { afterAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import zlib, { gzipSync } from 'node:zlib';
import { compressionOf, decompress, type FileCompression } from '../../modules/clients/store/decompression.js';
import { unpack } from '../../modules/clients/store/unpacking.js';
import { root } from '../source-files.js';

const url = 'https://mirror.example.org/disk.img';
const content = Buffer.concat([randomBytes(1_000_000), Buffer.alloc(500_000)]);
const kinds = ['gz', 'xz', 'zst', 'bz2'] as const;

function compress(data: Buffer, kind: FileCompression): Buffer {
  if (kind === 'gz') return gzipSync(data);
  const program = { xz: 'xz', zst: 'zstd', bz2: 'bzip2' }[kind];
  return execFileSync(program, ['--compress', '--stdout', '--quiet'], { input: data, maxBuffer: 2 ** 30 });
}

const compressed = new Map(kinds.map((kind) => [kind, compress(content, kind)]));
const of = (kind: FileCompression): Buffer => compressed.get(kind) ?? Buffer.alloc(0);

async function* inChunks(data: Buffer, size = 70_001): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function read(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe.each(kinds)('data in %s', (kind) => {
  test('are recognized by their beginning and decompressed', async () => {
    expect(compressionOf(of(kind).subarray(0, 64))).toBe(kind);
    expect(digest(await read(decompress(inChunks(of(kind)), kind, url)))).toBe(digest(content));
  });

  test('may be several streams, one after the other, wherever their borders are', async () => {
    const twice = Buffer.concat([of(kind), of(kind)]);

    for (const size of [of(kind).length, 70_001])
      expect(digest(await read(decompress(inChunks(twice, size), kind, url)))).toBe(
        digest(Buffer.concat([content, content])),
      );
  });

  test.each([1, 1000])('are refused if their last %i bytes are missing', async (bytes) => {
    const failure = read(decompress(inChunks(of(kind).subarray(0, -bytes)), kind, url));

    await expect(failure).rejects.toMatchObject({
      code: 'SOURCE_DAMAGED',
      message: expect.stringContaining(`${url} cannot be decompressed as ${kind}: `),
    });
  });

  test.each([
    ['text', Buffer.from('something else')],
    ['zeros and text', Buffer.concat([Buffer.alloc(513), Buffer.from('something else')])],
  ])('are refused if %s follows them, wherever the border is', async (_, garbage) => {
    for (const size of [of(kind).length, 70_001]) {
      const failure = read(decompress(inChunks(Buffer.concat([of(kind), garbage]), size), kind, url));

      await expect(failure).rejects.toMatchObject({ code: 'SOURCE_DAMAGED' });
    }
  });

  test('are refused if a byte of them is wrong', async () => {
    const wrong = Buffer.from(of(kind));
    wrong.writeUInt8(wrong.readUInt8(700_000) ^ 0xff, 700_000);

    await expect(read(decompress(inChunks(wrong), kind, url))).rejects.toMatchObject({ code: 'SOURCE_DAMAGED' });
  });

  test('fail as their source does', async () => {
    async function* broken(): AsyncGenerator<Buffer, void, void> {
      yield of(kind).subarray(0, 500_000);
      throw new Error('the source broke');
    }

    await expect(read(decompress(broken(), kind, url))).rejects.toThrow('the source broke');
  });

  test('are read no further than their reader wants, and their source is closed', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Buffer, void, void> {
      try {
        for (;;) yield of(kind);
      } finally {
        isClosed = true;
      }
    }

    for await (const chunk of decompress(endless(), kind, url)) if (chunk.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(isClosed).toBe(true);
  });

  test('may have a thousand times the size of their source, and no more than max_size', async () => {
    const bomb = compress(Buffer.alloc(20_000_000), kind);
    const bytes = Math.floor(20_000_000 / 1000) - 1;
    const unpacking = { compression: kind, url, bytes, maxBytes: 2 ** 40 };

    await expect(read(unpack(inChunks(bomb), unpacking))).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
      message: expect.stringMatching(/more than 1000 times its \d+ bytes when decompressed/),
    });
    await expect(
      read(unpack(inChunks(bomb), { ...unpacking, bytes: bomb.length * 1000, maxBytes: 2 ** 20 })),
    ).rejects.toThrow('have more than 1.0 MiB when decompressed, which max_size does not allow');
  });
});

const folder = mkdtempSync(join(tmpdir(), 'image-tools-decompression-'));

afterAll(() => rmSync(folder, { recursive: true }));

/** What decompressing in a process without a PATH ends with. */
function withoutPrograms(kind: FileCompression): string {
  const file = join(folder, kind);
  writeFileSync(file, of(kind));
  const module = pathToFileURL(join(root, 'build/modules/clients/store/decompression.js')).href;
  const script = `
    import { createReadStream } from 'node:fs';
    import { decompress } from ${JSON.stringify(module)};
    const chunks = createReadStream(${JSON.stringify(file)});
    let bytes = 0;
    try {
      for await (const chunk of decompress(chunks, ${JSON.stringify(kind)}, ${JSON.stringify(url)}))
        bytes += chunk.length;
      console.log(String(bytes));
    } catch (error) {
      console.log(error.code + ': ' + error.message);
    }`;
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  }).trim();
}

describe('a host without programs', () => {
  test.each([
    ['xz', 'xz', 'xz-utils, or xz'],
    ['bz2', 'bzip2', 'bzip2'],
  ] as const)('says what to install for %s', (kind, program, packages) => {
    expect(withoutPrograms(kind)).toBe(
      `PROGRAM_MISSING: ${url} is compressed with ${kind}, and this host has no program ${program} in PATH to ` +
        `decompress it; install its package (${packages})`,
    );
  });

  test('needs none for gzip, nor for Zstandard if Node.js knows it', () => {
    const ofZstd = withoutPrograms('zst');

    expect(withoutPrograms('gz')).toBe(String(content.length));
    if ('createZstdDecompress' in zlib) expect(ofZstd).toBe(String(content.length));
    else expect(ofZstd).toMatch(/^PROGRAM_MISSING: .*no program zstd/);
  });
});
