import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openJournal, type RolloutEntry, type TestEntry } from '../../modules/ipa/journal.js';

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

test('returns all that a test and a roll-out have noted', async () => {
  const images = { node: { deploy_kernel: 'k' }, doni: { deployKernel: 'k', deployRamdisk: null } };
  const tested: TestEntry = {
    ...entry('a', '2026-06-01'),
    node: { uuid: 'u1', name: 'rack1-01' },
    former: images,
    wanted: { deploy_kernel: 'new' },
    lease: {},
    server: { id: 's1' },
    instanceKeys: ['image_source'],
  };
  const rollout: RolloutEntry = {
    kind: 'rollout',
    name: 'push-x',
    cloud: 'here',
    startedAt: '2026-06-02',
    step: 'push',
    nodeType: 'x',
    wanted: { deploy_kernel: 'new' },
    isRollingBack: true,
    nodes: { u1: { name: 'rack1-01', former: images } },
  };
  const journal = openJournal(folder, 'here');
  await journal.write(tested);
  await journal.write(rollout);

  expect(await journal.read()).toEqual([tested, rollout]);
});

test('only the user may read it, and nothing half-written is left', async () => {
  const journal = openJournal(folder, 'here');
  await journal.write(entry('CC-IPA-TEST/../x', '2026-06-01'));

  expect(readdirSync(folder)).toEqual(['ipa-CC-IPA-TEST_.._x.json']);
  expect([statSync(folder).mode & 0o777, statSync(join(folder, 'ipa-CC-IPA-TEST_.._x.json')).mode & 0o777]).toEqual([
    0o700, 0o600,
  ]);
});

const header = { version: 1, name: 'b', cloud: 'here', startedAt: '2026-06-01', step: 'push' };

test.each([
  ['is cut off', '{"version": 1', /cannot be read/],
  ['is no mapping', '[]', /it is not a mapping/],
  ['is of another kind', JSON.stringify({ ...header, kind: 'x' }), /its kind is neither test nor rollout/],
  ['is a roll-out without nodes', JSON.stringify({ ...header, kind: 'rollout' }), /it has no nodes/],
  [
    'is a roll-out without the former images of a node',
    JSON.stringify({ ...header, kind: 'rollout', nodeType: 'x', wanted: {}, nodes: { u1: { name: 'n' } } }),
    /the former images of a node are missing/,
  ],
  ['has no node', JSON.stringify({ ...header, kind: 'test', node: { uuid: 'u1' } }), /it has no name/],
  ['has a lease of another form', JSON.stringify({ ...header, kind: 'test', lease: { id: 5 } }), /it has no id/],
  [
    'has images of another form',
    JSON.stringify({ ...header, kind: 'test', wanted: { deploy_kernel: 5 } }),
    /images are neither texts nor null/,
  ],
  [
    'has keys of another form',
    JSON.stringify({ ...header, kind: 'test', instanceKeys: [5] }),
    /instanceKeys is not a list of names/,
  ],
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
