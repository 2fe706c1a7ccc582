// Packs the executables into the one archive from which the role installs them, and lists their checksums.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';

interface Member {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

/**
 * Writes `executables.tar.gz` and `SHA256SUMS` into `files`: its command and completion, and the modules of `library`.
 * The same executables always give the same bytes. The list is in the archive too, and the hash of the list is the
 * name of the version on a host.
 */
export function packExecutables(files: string, library: string): void {
  const members = [
    ...['chameleon-image-tools.mjs', 'completion.bash'].map((name) => memberFrom(join(files, name), name)),
    ...readdirSync(library)
      .sort()
      .map((name) => memberFrom(join(library, name), `library/${name}`)),
  ];
  const sums = members.map(({ path, bytes }) => `${createHash('sha256').update(bytes).digest('hex')}  ${path}\n`);
  const list = { path: 'SHA256SUMS', mode: 0o644, bytes: Buffer.from(sums.join('')) };
  replaceFile(join(files, 'executables.tar.gz'), gzipSync(tarOf([...members, list]), { level: 9 }));
  replaceFile(join(files, list.path), list.bytes);
}

function memberFrom(file: string, path: string): Member {
  return { path, mode: basename(path).endsWith('.mjs') ? 0o755 : 0o644, bytes: readFileSync(file) };
}

function replaceFile(path: string, bytes: Buffer): void {
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
}

/** In the format of POSIX (ustar), with owner root and date 0. */
function tarOf(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ path, mode, bytes }) => [
    header(path, mode, bytes.length),
    bytes,
    Buffer.alloc(-bytes.length & 511),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function header(path: string, mode: number, size: number): Buffer {
  const block = Buffer.alloc(512);
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long a name for the archive`);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(path);
  // Mode, owner, group, size, date; the checksum is computed as if it were spaces.
  const fields = [octal(mode, 7), octal(0, 7), octal(0, 7), octal(size, 11), octal(0, 11), ' '.repeat(8), '0'];
  block.write(fields.join(''), 100);
  block.write('ustar\x0000', 257);
  block.write('root\0', 265);
  block.write('root\0', 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
