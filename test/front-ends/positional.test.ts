// Words in the place of options: `publish NAME FILE`.
import { expect, test } from '@jest/globals';
import { readCommandLine } from '../../modules/cli/command-line.js';
import { operations } from '../../modules/registry.js';

const read = (...argv: string[]) => readCommandLine(argv, operations, 100);

test.each([
  [['publish', 'CC-A', 'disk.qcow2', '--release', 'r1']],
  [['publish', '--release', 'r1', 'CC-A', 'disk.qcow2']],
  [['publish', 'CC-A', '--release', 'r1', '--file', 'disk.qcow2']],
  [['publish', '--file=disk.qcow2', '--name=CC-A', '--release=r1']],
])('%j', async (argv) => {
  expect(await read(...argv)).toMatchObject({ raw: { name: 'CC-A', file: 'disk.qcow2', release: 'r1' } });
});

test.each([
  [['publish', 'CC-A', 'disk.qcow2', 'other.qcow2'], /"other\.qcow2" is not expected here/],
  [['publish', 'CC-A', '--name', 'CC-B'], /--name is also given as "CC-A": give it once/],
  [['deploy', 'CC-A'], /"CC-A" is not expected here: options begin with --/],
])('%j is refused', async (argv, message) => {
  await expect(read(...argv)).rejects.toThrow(message);
});

test('the help names them', async () => {
  expect(await read('publish', '--help')).toMatchObject({
    text: expect.stringContaining('Usage: chameleon-image-tools publish NAME FILE [options]'),
  });
  expect(await read('publish', '--help')).toMatchObject({
    text: expect.stringContaining('chameleon-image-tools publish CC-Ubuntu22.04 /srv/build/ubuntu.qcow2 --release'),
  });
});
