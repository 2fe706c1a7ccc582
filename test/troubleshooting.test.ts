// docs/troubleshooting.md quotes messages: each must be one that the program prints, or a search
// for what an operator sees does not find it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root, sourceFiles } from './source-files.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What is quoted in the first column of the tables. */
const quoted = read('docs/troubleshooting.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? ''));

/**
 * The texts of the program, as Ansible shows them. What is filled in while it runs becomes a gap,
 * and the parts of a long text are joined.
 */
const texts = [...sourceFiles('modules').map(({ code }) => code), read('playbooks/image_cache.yml')]
  .join('\n')
  .replace(/\$\{optionText\('(\w+)'\)\}/g, '$1')
  .replace(/\$\{optionText\('(\w+)', '?([\w-]+)'?\)\}/g, '$1: $2')
  .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '\0')
  .replaceAll("\\'", "'")
  .replace(/['"`] \+\n\s*['"`]/g, '');

test('quotes no message that the program does not have', () => {
  const fragments = quoted.flatMap((text) =>
    text
      .replace(/^[A-Z_]+:/, '')
      .split('…')
      .map((fragment) => fragment.replace(/^[ "?:;,]+|[ "?:;,]+$/g, ''))
      .filter((fragment) => fragment.length > 5),
  );

  expect(fragments.length).toBeGreaterThan(50);
  expect(fragments.filter((fragment) => !texts.includes(fragment))).toEqual([]);
});

test('names no error code that modules/README.md does not list', () => {
  const codes = quoted.flatMap((text) => /^([A-Z][A-Z_]+):/.exec(text)?.[1] ?? []);
  const listed = read('modules/README.md');

  expect(codes.length).toBeGreaterThan(30);
  expect(codes.filter((code) => !listed.includes(`\`${code}\``))).toEqual([]);
});
