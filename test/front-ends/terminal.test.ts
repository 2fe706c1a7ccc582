// What a terminal shows: colours, bars, totals; and what --quiet leaves of a run.
import { describe, expect, jest, test } from '@jest/globals';
import { fakeCommand, run, type Ended } from './run.js';

jest.setTimeout(30_000);

const escape = '\u001b';

/** Runs the command in a pseudo-terminal, where its two streams are one. */
async function atTerminal(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const command = [process.execPath, fakeCommand, 'fake', ...words].map((word) => `'${word}'`).join(' ');
  const sized = `stty cols ${environment.COLUMNS ?? 120}; ${command}`;
  const { stdout } = await run('/usr/bin/script', ['--quiet', '--return', '--command', sized, '/dev/null'], {
    environment: { TERM: 'xterm', NO_COLOR: '', COLUMNS: '120', ...environment },
  });
  return stdout.replaceAll('\r\n', '\n');
}

function fake(...words: readonly string[]): Promise<Ended> {
  return run(process.execPath, [fakeCommand, 'fake', ...words], { environment: { TERM: 'xterm', NO_COLOR: '' } });
}

describe('colours', () => {
  test('mark titles, actions, warnings and the sentence at a terminal', async () => {
    const text = await atTerminal(['--behaviour', 'forward']);

    expect(text).toContain(`${escape}[1mNAME${escape}[22m  ${escape}[1mACTION${escape}[22m\n`);
    expect(text).toContain(`one   ${escape}[32mdeploy${escape}[39m\n`);
    expect(text).toContain('two   up_to_date\n');
    expect(text).toContain(`${escape}[33mwarning:${escape}[39m it is late\n`);
    expect(text).toContain(`${escape}[32m1 image deployed, 1 up to date at fake; nothing failed.${escape}[39m\n`);
  });

  test('mark what failed, and the two sides of a difference', async () => {
    const [hint, failure, change] = await Promise.all([
      atTerminal(['--behaviour', 'hint']),
      atTerminal(['--behaviour', 'fail']),
      atTerminal(['--behaviour', 'change', '-v']),
    ]);

    expect(hint).toContain(`${escape}[31mfailed:${escape}[39m one (1)`);
    expect(hint).toContain(`one   ${escape}[31mfailed${escape}[39m\n`);
    expect(failure).toContain(`${escape}[31mchameleon-image-tools:${escape}[39m IT_BROKE`);
    expect(change).toContain(`${escape}[31m  - visibility: private${escape}[39m\n`);
    expect(change).toContain(`${escape}[32m  + visibility: public${escape}[39m\n`);
  });

  test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
    ['with --no-color', ['--no-color'], {}],
    ['with NO_COLOR', [], { NO_COLOR: '1' }],
    ['at a dumb terminal', [], { TERM: 'dumb' }],
    ['at a terminal of no type', [], { TERM: '' }],
    ['with --json', ['--json'], {}],
  ])('are not used %s', async (_, words, environment) => {
    expect(await atTerminal(['--behaviour', 'forward', ...words], environment)).not.toContain(escape);
  });

  test('are not used in pipes', async () => {
    const { stdout, stderr } = await fake('--behaviour', 'forward');

    expect(stdout).toBe(
      'NAME  ACTION\none   deploy\ntwo   up_to_date\n\n1 image deployed, 1 up to date at fake; nothing failed.\n',
    );
    expect(stderr).toBe('warning: it is late\n');
  });
});

describe('the progress of several transfers', () => {
  test('has a bar for all of them above their own', async () => {
    const text = await atTerminal(['--behaviour', 'transfers']);

    expect(text).toMatch(/all {2}\[[#.]+\] \d+% {2}\d of 3 done, \d+ B of 2\.9 KiB, [\d.]+ K?i?B\/s, \d s left/);
    expect(text.indexOf('all  [')).toBeLessThan(text.indexOf('one  transfer'));
    expect(text).toContain(`${escape}[?25h`);
  });

  test('has the time that is left on a narrow terminal too, and a shorter bar or none', async () => {
    const [narrow, narrower] = await Promise.all(
      ['76', '60'].map((COLUMNS) => atTerminal(['--behaviour', 'transfers'], { COLUMNS })),
    );

    expect(narrow).toMatch(/all {2}\[[#.]{4,20}\] \d+% {2}\d of 3 done, [^\r\n]* \d s left/);
    expect(narrower).toMatch(/all {2}\d+% {2}\d of 3 done, [^\r\n]* \d s left/);
  });

  test('has a line for all of them where there is no terminal that could show bars', async () => {
    const [{ stderr }, dumb] = await Promise.all([
      fake('--behaviour', 'transfers'),
      atTerminal(['--behaviour', 'transfers'], { TERM: 'dumb' }),
    ]);

    expect(stderr).toMatch(/^all: \d of 3 done, [\d.]+ (K?i?B) of 2\.9 KiB(, [^\n]+ left)? \(\d+ %\)$/m);
    expect(stderr).toContain('one: transfer 0 B of 1000 B (0 %)\n');
    expect(dumb).toMatch(/^all: \d of 3 done/m);
    expect(dumb).not.toContain(escape);
  });
});

describe('--quiet', () => {
  test('leaves the sentence, warnings and failures', async () => {
    expect(await fake('-q', '--behaviour', 'forward')).toEqual({
      code: 0,
      stdout: '1 image deployed, 1 up to date at fake; nothing failed.\n',
      stderr: 'warning: it is late\n',
    });
    expect(await fake('--quiet', '--behaviour', 'part')).toMatchObject({
      code: 1,
      stderr: 'failed: image "two": the store cut the connection\n',
    });
  });

  test('shows no progress', async () => {
    expect(await fake('--quiet', '--behaviour', 'progress')).toEqual({
      code: 0,
      stdout: 'nothing to do\n',
      stderr: '',
    });
  });

  test('prints the same document with --json', async () => {
    const { stdout } = await fake('--quiet', '--json', '--behaviour', 'forward');

    expect(JSON.parse(stdout)).toMatchObject({
      msg: '1 deploy, 1 up_to_date',
      summary: '1 image deployed, 1 up to date at fake; nothing failed.',
    });
  });

  test.each(['--verbose', '-v', '--debug', '--show-progress'])('cannot be given with %s', async (word) => {
    const { code, stderr } = await fake('--quiet', word);

    expect(code).toBe(2);
    expect(stderr).toMatch(/--quiet and --\S+ exclude each other: give one of them/);
  });
});
