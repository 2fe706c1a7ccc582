// Lines for the journal of systemd, and lines that tell which run they are of.
import { fstatSync } from 'node:fs';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { fakeCommand, root, run, withFolder, type RunOptions } from './run.js';

jest.setTimeout(30_000);

const fake = (words: readonly string[], options: RunOptions = {}) =>
  run(process.execPath, [fakeCommand, 'fake', ...words], options);

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('priorities', () => {
  test('are those of failures, warnings and the rest', async () => {
    const siteYaml = join(root, 'test/front-ends/site.yaml');
    const { stderr, stdout } = await fake(['--journal', '--behaviour', 'hint', '--site-yaml', siteYaml, '-v']);

    expect(linesOf(stderr).map((line) => line.replace(/\[\w+\] /, '').slice(0, 11))).toEqual([
      '<6>behaves ',
      '<6>look at ',
      expect.stringMatching('<4>warning:'),
      expect.stringMatching('<3>failed: '),
    ]);
    expect(linesOf(stdout).every((line) => line.startsWith('<6>'))).toBe(true);
  });

  test.each([
    ['a failure, each of its lines', ['--behaviour', 'crash', '-vv'], /^<3>/],
    ['an invalid command line', ['--nonsense'], /^<3>/],
    ['another run, which is none', ['--behaviour', 'busy'], /^<5>/],
  ])('of %s', async (_, words, begin) => {
    const { stderr } = await fake(['--journal', ...words]);

    const lines = linesOf(stderr).filter((line) => !line.includes('behaves as') && !line.includes('password'));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !begin.test(line))).toEqual([]);
  });

  test('begin each line of the table too, so that a name that looks like one is none', async () => {
    const { stdout } = await fake(['--journal']);

    expect(linesOf(stdout).filter((line) => !line.startsWith('<6>'))).toEqual([]);
  });

  test('are there without being asked for where the journal reads, and nowhere else', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'journal');
      const descriptor = openSync(path, 'w');
      const { dev, ino } = fstatSync(descriptor, { bigint: true });
      const environment = { JOURNAL_STREAM: `${dev}:${ino}` };

      const { stdout } = await fake(['--behaviour', 'part'], { stderr: descriptor, environment });
      const elsewhere = await fake(['--behaviour', 'part'], { environment });
      closeSync(descriptor);

      expect(readFileSync(path, 'utf8')).toMatch(/^<3>failed: /);
      expect(stdout).not.toContain('<');
      expect(elsewhere.stderr).toMatch(/^failed: /);
    });
  });

  test('are before the result where a container is told so, and not before JSON unless asked for', async () => {
    const environment = { CHAMELEON_IMAGE_TOOLS_JOURNAL: '1,2' };

    expect((await fake([], { environment: { CHAMELEON_IMAGE_TOOLS_JOURNAL: '2' } })).stdout).not.toContain('<6>');
    expect((await fake([], { environment })).stdout).toMatch(/^<6>/);
    expect((await fake(['--json'], { environment })).stdout).toMatch(/^\{/);
    expect((await fake(['--json', '--journal'], { environment })).stdout).toMatch(/^<6>\{/);
  });

  test('can be turned off', async () => {
    const environment = { CHAMELEON_IMAGE_TOOLS_JOURNAL: '2' };

    expect((await fake(['--behaviour', 'fail'], { environment })).stderr).toMatch(/^<3>/);
    expect((await fake(['--behaviour', 'fail', '--no-journal'], { environment })).stderr).not.toContain('<3>');
  });
});

describe('the id of the run', () => {
  const idsIn = (text: string): string[] => linesOf(text).map((line) => /^(?:<\d>)?\[(\w+)\] /.exec(line)?.[1] ?? line);

  test('is in each line at -v, the same in all, another in the next run', async () => {
    const words = ['-v', '--behaviour', 'part'];

    const [first, second] = [idsIn((await fake(words)).stderr), idsIn((await fake(words)).stderr)];

    expect(first.length).toBeGreaterThan(1);
    expect(first[0]).toMatch(/^[0-9a-f]{8}$/);
    expect(new Set([...first, ...second]).size).toBe(2);
  });

  test('is in no line without -v', async () => {
    expect((await fake(['--behaviour', 'part'])).stderr).toMatch(/^failed: /);
  });

  test("is that of systemd's invocation in the journal", async () => {
    const environment = { INVOCATION_ID: '0123456789abcdef0123456789abcdef' };

    const { stderr } = await fake(['--journal', '-v'], { environment });

    expect(new Set(idsIn(stderr))).toEqual(new Set(['01234567']));
  });
});
