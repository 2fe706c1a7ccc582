// The check of links that `make lint` runs, on a small repository.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { root } from './source-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-links-'));
  execFileSync('git', ['init', '--quiet', folder]);
  write('.gitignore', 'build\n');
  write('build/page.md', '# Built\n');
  write(
    'docs/other.md',
    '# A heading\n\n## A heading\n\n### Options of `image_info`, and `--help`\n\n<a id="here"></a>\n',
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

test('accepts links to files, folders, headings and other sites, and looks for none in code', () => {
  const links = [
    '[a](docs/other.md) [b](docs) [c](docs/) [d](#top)',
    '[a](docs/other.md#a-heading) [b](docs/other.md#a-heading-1) [c](docs/other.md#here)',
    '[a](docs/other.md#options-of-image_info-and---help)',
    '[a](https://example.org/nothing#at-all)',
    '`[a](nothing.md)`',
    '```\n[a](nothing.md)\n```',
  ];

  expect(check(`# Top\n\n${links.join('\n')}\n`)).toEqual({ faults: [], status: 0 });
});

test('works in a copy without a repository, too', () => {
  rmSync(join(folder, '.git'), { recursive: true });

  expect(check('[a](docs/other.md)\n[b](build/page.md)\n')).toEqual({
    faults: ['README.md:2: build/page.md does not exist'],
    status: 1,
  });
});

test('names file and line of each link that leads nowhere', () => {
  const links = [
    '[a](nothing.md) ![b](nothing.png)',
    '[a](#nothing)',
    '[a](docs/other.md#nothing)',
    '[a](build/page.md)',
    '[a](../README.md)',
    '[a](/docs/other.md)',
    '',
    '[a]: nothing.txt',
  ];

  expect(check(links.join('\n'))).toEqual({
    faults: [
      'README.md:1: nothing.md does not exist',
      'README.md:1: nothing.png does not exist',
      'README.md:2: #nothing: README.md has no such heading',
      'README.md:3: docs/other.md#nothing: docs/other.md has no such heading',
      'README.md:4: build/page.md does not exist',
      'README.md:5: ../README.md does not exist',
      'README.md:6: /docs/other.md is absolute; write it relative to this file',
      'README.md:8: nothing.txt does not exist',
    ],
    status: 1,
  });
});

function check(text: string): { faults: string[]; status: number | null } {
  write('README.md', text);
  const script = join(root, 'scripts/check-links.mjs');
  const { stderr, status } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  return { faults: stderr.split('\n').filter(Boolean), status };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
