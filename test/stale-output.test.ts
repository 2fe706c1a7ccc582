// What `npm run compile` removes from build/, on a small project.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { root, sourceFiles } from './source-files.js';

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'stale-output-'));
});
afterEach(() => rmSync(project, { recursive: true }));

test('output without a source is removed, and everything else stays', () => {
  const kept = [
    'build/.tsbuildinfo',
    'build/modules/core/fields.js',
    'build/modules/core/fields.js.map',
    'build/test/notes.txt',
    'build/results/unit.json',
    'build/validators/image_info.cjs',
  ];
  const stale = [
    'build/modules/core/gone.js',
    'build/modules/core/gone.js.map',
    'build/scripts/gone.js',
    'build/test/gone/folder/old.test.js',
  ];
  for (const path of ['modules/core/fields.ts', ...kept, ...stale]) write(path);

  removeStaleOutput();

  expect(kept.filter((path) => !existsSync(join(project, path)))).toEqual([]);
  expect(stale.filter((path) => existsSync(join(project, path)))).toEqual([]);
  expect(existsSync(join(project, 'build/test/gone'))).toBe(false);
});

test('a project that was never compiled is no error', () => {
  expect(removeStaleOutput).not.toThrow();
});

test('the build of this project has no test without a source', () => {
  const sources = sourceFiles('test').map(({ path }) => path.replace(/^test\/(.*)\.ts$/, '$1.js'));
  const built = readdirSync(join(root, 'build/test'), { recursive: true, encoding: 'utf8' });

  expect(built.filter((name) => name.endsWith('.js') && !sources.includes(name))).toEqual([]);
});

function write(path: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), '');
}

function removeStaleOutput(): void {
  execFileSync('node', [join(root, 'build/scripts/remove-stale-output.js'), project]);
}
