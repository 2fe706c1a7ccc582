// The archive from which the role installs, as tar(1) and sha256sum(1) of a host see it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { packExecutables } from '../../scripts/archive.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-'));
  mkdirSync(join(folder, 'library'));
  for (const [name, text] of [
    ['chameleon-image-tools.mjs', 'command\n'],
    ['completion.bash', 'é'.repeat(600)],
    ['library/image_info.yml', ''],
    ['library/image_info.mjs', 'x'.repeat(512)],
  ] as const) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

const run = (program: string, ...argv: string[]): string =>
  execFileSync(program, argv, { encoding: 'utf8', cwd: folder });
const pack = (): void => packExecutables(folder, join(folder, 'library'));

test('has every executable with its mode, owned by root', () => {
  pack();

  const listed = run('tar', '-tvzf', 'executables.tar.gz').trimEnd().split('\n');
  expect(listed.map((line) => line.replace(/ +\d+ 1970-01-01 \S+/, ''))).toEqual([
    '-rwxr-xr-x root/root chameleon-image-tools.mjs',
    '-rw-r--r-- root/root completion.bash',
    '-rwxr-xr-x root/root library/image_info.mjs',
    '-rw-r--r-- root/root library/image_info.yml',
    '-rw-r--r-- root/root SHA256SUMS',
  ]);
});

test('comes with the checksums of what is unpacked from it', () => {
  pack();

  run('tar', '-xzf', 'executables.tar.gz', '--one-top-level=unpacked', '--no-same-owner');
  expect(run('sh', '-ec', 'cd unpacked; cmp SHA256SUMS ../SHA256SUMS; sha256sum --check --strict SHA256SUMS')).toBe(
    [
      'chameleon-image-tools.mjs: OK\ncompletion.bash: OK\n',
      'library/image_info.mjs: OK\nlibrary/image_info.yml: OK\n',
    ].join(''),
  );
});

test('has the same bytes for the same executables, whenever they were written', () => {
  pack();
  const before = readFileSync(join(folder, 'executables.tar.gz'));
  utimesSync(join(folder, 'completion.bash'), 1, 1);

  pack();

  expect(readFileSync(join(folder, 'executables.tar.gz')).equals(before)).toBe(true);
});
