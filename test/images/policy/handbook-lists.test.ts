// The image lists in the documentation are valid.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from '../../source-files.js';
import { imagesIn } from './list-fixtures.js';

const page = readFileSync(join(root, 'docs/any-image.md'), 'utf8');
const lists = [...page.matchAll(/```yaml\n(images:\n[\s\S]*?)```/g)].map(([, text = '']) => text);

test('there are some in both spellings', async () => {
  const images = (await Promise.all(lists.map((text) => imagesIn(text)))).flat();

  expect(new Set(images.map(({ isManagers }) => isManagers))).toEqual(new Set([true, false]));
  expect(images.map(({ name }) => name)).toContain('Debian 12');
  expect(images.every(({ fault }) => fault === undefined)).toBe(true);
});

test('the table of keys has no key that a list may not have', async () => {
  const table = page.slice(page.indexOf('| Key | Meaning |'), page.indexOf('A list is validated'));
  const keys = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)/g)].map(([, key = '']) => key),
  );
  const [first] = lists;

  expect(keys).toEqual(expect.arrayContaining(['name', 'url', 'checksum', 'keyring', 'tags']));
  for (const key of keys) {
    // A value that no key takes: what is refused is the value, not the key.
    const text = first!.replace('images:\n', `images:\n  - {name: a, url: "http://a/b", ${key}: {x: {}}}\n`);
    await expect(imagesIn(text)).rejects.not.toThrow(/there is no such key/);
  }
});
