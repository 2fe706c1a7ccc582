// `--monitoring`: one line on standard output, nothing else, and the exit codes of Nagios.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { fakeCommand, run, withFolder, type Ended } from './run.js';

const fake = (...words: readonly string[]): Promise<Ended> =>
  run(process.execPath, [fakeCommand, 'fake', '--monitoring', ...words]);

test.each([
  ['in order', ['--behaviour', 'change'], 0, 'IMAGE TOOLS OK - one thing changed'],
  [
    'a failure',
    ['--behaviour', 'part'],
    2,
    'IMAGE TOOLS CRITICAL - nothing to do; image "two": the store cut the connection',
  ],
  [
    'no result',
    ['--behaviour', 'fail', '--password', 'geheim12'],
    3,
    /^IMAGE TOOLS UNKNOWN - it broke with password \*+$/,
  ],
  ['a crash', ['--behaviour', 'crash'], 3, /^IMAGE TOOLS UNKNOWN - undefined is not a cloud$/],
  ['an option that is wrong', ['--nonsense'], 3, /^IMAGE TOOLS UNKNOWN - --nonsense is not an option of fake/],
  ['--json besides', ['--json'], 3, /exclude each other$/],
] as const)('%s', async (_, words, code, line) => {
  const ended = await fake(...words);

  expect(ended).toMatchObject({ code, stderr: '' });
  expect(ended.stdout.split('\n')).toEqual([typeof line === 'string' ? line : expect.stringMatching(line), '']);
});

test('a warning', async () => {
  await withFolder(async (folder) => {
    const siteYaml = join(folder, 'site.yaml');
    writeFileSync(siteYaml, 'surprise: true\n', { mode: 0o600 });

    const ended = await fake('--site-yaml', siteYaml);

    expect(ended).toMatchObject({ code: 1, stderr: '' });
    expect(ended.stdout).toMatch(/^IMAGE TOOLS WARNING - nothing to do; .*the key "surprise" is not known.*\n$/);
  });
});

test('a line with what would end it, or begin the numbers', async () => {
  const { stdout } = await fake('--behaviour', 'awkward');

  expect(stdout.match(/[\n|\u2028\u0085\u001b]/g)).toEqual(['\n']);
});

test('is no option of an operation that is not for monitoring', async () => {
  const ended = await run(process.execPath, [fakeCommand, 'info', '--monitoring']);

  expect(ended.code).not.toBe(0);
});
