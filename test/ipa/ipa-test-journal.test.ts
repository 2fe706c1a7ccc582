import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openJournal, type TestEntry } from '../../modules/ipa/journal.js';

let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'journal-')), 'below');
});

afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true });
});

function entry(name: string, startedAt: string, cloud = 'here'): TestEntry {
  return { kind: 'test', name, cloud, startedAt, step: 'prepare', former: { node: { deploy_kernel: null } } };
}

test('returns what was written for this cloud, the oldest first, until it is removed', async () => {
  const journal = openJournal(folder, 'here');
  expect(await journal.read()).toEqual([]);
  await journal.write(entry('b', '2026-06-02'));
  await journal.write(entry('a', '2026-06-01'));
  await journal.write({ ...entry('a', '2026-06-01'), step: 'deploy' });
  await openJournal(folder, 'elsewhere').write(entry('c', '2026-05-01', 'elsewhere'));

  expect(await journal.read()).toMatchObject([
    { ...entry('a', '2026-06-01'), step: 'deploy' },
    entry('b', '2026-06-02'),
  ]);

  await journal.remove(entry('a', ''));
  await journal.remove(entry('a', ''));
  expect((await journal.read()).map(({ name }) => name)).toEqual(['b']);
});

test('only the user may read it, and nothing half-written is left', async () => {
  const journal = openJournal(folder, 'here');
  await journal.write(entry('CC-IPA-TEST/../x', '2026-06-01'));

  expect(readdirSync(folder)).toEqual(['ipa-CC-IPA-TEST_.._x.json']);
  expect([statSync(folder).mode & 0o777, statSync(join(folder, 'ipa-CC-IPA-TEST_.._x.json')).mode & 0o777]).toEqual([
    0o700, 0o600,
  ]);
});

test.each([
  ['is cut off', '{"version": 1', /cannot be read/],
  ['is of a later version', '{"version": 2, "cloud": "here"}', /it has version 2, and this program supports version 1/],
])('an entry that %s is not passed over', async (_, text, message) => {
  const journal = openJournal(folder, 'here');
  await journal.write(entry('a', '2026-06-01'));
  writeFileSync(join(folder, 'ipa-b.json'), text);

  await expect(journal.read()).rejects.toMatchObject({
    code: 'JOURNAL_UNREADABLE',
    message: expect.stringMatching(message),
  });
});

test('a folder that cannot be written to is bad input', async () => {
  writeFileSync(folder, 'a file');

  await expect(openJournal(folder, 'here').write(entry('a', ''))).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    field: 'journal_dir',
  });
});
