import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { commandLine, fakeCommand, root, run, withFolder, type RunOptions } from './run.js';

jest.setTimeout(30_000);

const fake = (words: readonly string[], options: RunOptions = {}) =>
  run(process.execPath, [fakeCommand, ...words], options);

/** What the operation was given by these words. */
async function given(...words: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await fake(['fake', '--json', ...words]);
  return (JSON.parse(stdout) as { given: Record<string, unknown> }).given;
}

describe('options', () => {
  test.each([
    ['a list by commas', ['--names', 'a,b'], { names: ['a', 'b'] }],
    ['a list by spaces', ['--names', 'a', 'b', 'c'], { names: ['a', 'b', 'c'] }],
    ['a list by repetition and alias', ['--name', 'a', '--names', 'b,c'], { names: ['a', 'b', 'c'] }],
    ['a number', ['--count', '5'], { count: 5 }],
    ['a text that looks like a number', ['--text', '0644'], { text: '0644' }],
    ['a switch', ['--force'], { force: true }],
    ['a switch that is off', ['--no-force'], { force: false }],
    ['a switch with a word', ['--force=yes'], { force: true }],
    ['a switch before other words', ['--force', '--text=a=b'], { force: true, text: 'a=b' }],
    [
      'a mapping of texts by KEY=VALUE',
      ['--labels', 'a=1', 'b=x=y', '--labels', 'c=null', '{"d": "1.0"}'],
      { labels: { a: '1', b: 'x=y', c: 'null', d: '1.0' } },
    ],
    [
      'a mapping of anything by KEY=VALUE',
      ['--anything', 'a=1', 'b=x=y', 'c=null', 'd={"e": true}', '--anything', 'f=0123'],
      { anything: { a: 1, b: 'x=y', c: null, d: { e: true }, f: '0123' } },
    ],
    ['a mapping of anything as JSON', ['--anything', '{"a": [1]}', 'b=2'], { anything: { a: [1], b: 2 } }],
    [
      'a secret in such a mapping as text',
      ['--anything', 'ipmi_password=12345678'],
      { anything: { ipmi_password: '********' } },
    ],
    ['nothing', [], { count: 3, force: false, behaviour: 'echo' }],
  ])('take %s', async (_, words, expected) => {
    expect(await given(...words)).toMatchObject(expected);
  });

  test.each(['auth.yaml', 'auth.json'])('take a mapping from the file %s', (name) =>
    withFolder(async (folder) => {
      const path = join(folder, name);
      writeFileSync(
        path,
        name.endsWith('json') ? '{"username": "u", "token": "t0ken-x"}' : 'username: u\ntoken: t0ken-x\n',
      );

      expect(await given('--auth', path)).toMatchObject({ auth: { username: 'u', token: '********' } });
    }),
  );

  test('take any mapping from a file, and distinguish its numbers and nulls from texts', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'anything.yaml');
      writeFileSync(path, 'a: 1\nb: "1"\nc: null\nd: {e: [yes, true]}\nf: 0123\n');

      expect(await given('--anything', path, 'b=2')).toMatchObject({
        anything: { a: 1, b: 2, c: null, d: { e: ['yes', true] }, f: '0123' },
      });
    }));

  test('take a list of mappings from a file', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'items.yaml');
      writeFileSync(path, '- name: one\n- {name: two}\n');

      expect(await given('--items-file', path)).toMatchObject({ items_file: [{ name: 'one' }, { name: 'two' }] });
    }));

  test('may precede the command', async () => {
    const { stdout } = await fake(['--json', 'fake']);

    expect(JSON.parse(stdout)).toMatchObject({ msg: 'nothing to do' });
  });

  test.each([
    ['an unknown one', ['fake', '--cuont', '3'], '--cuont is not an option of fake; did you mean --count?'],
    ['one that is short and unknown', ['fake', '-x'], '-x is not an option of fake'],
    ['one without its value', ['fake', '--text', '--force'], '--text needs a value'],
    ['one given twice', ['fake', '--text', 'a', '--text', 'b'], '--text was given 2 times: give it once'],
    [
      'a switch that is neither yes nor no',
      ['fake', '--force=maybe'],
      '--force: "maybe" is not allowed; give yes or no, or --force alone',
    ],
    ['a word too many', ['fake', 'thing'], '"thing" is not expected here: options begin with --'],
    ['an unknown command', ['fkae'], '"fkae" is not a command; did you mean fake?'],
    ['no command', [], 'a command is missing: fake'],
    ['a bad value', ['fake', '--count', '99'], '--count: 99 is out of range; allowed: 1 to 9'],
    [
      'a mapping where a list is meant',
      ['fake', '--items-file', join(root, 'package.json')],
      `--items-file: ${join(root, 'package.json')} must be a list, but it is a mapping`,
    ],
    ['a file that is missing', ['fake', '--auth', '/nonexistent'], '--auth: /nonexistent cannot be read'],
  ])('are refused with exit code 2: %s', async (_, words, message) => {
    const { code, stdout, stderr } = await fake(words);

    expect(stderr).toContain(`chameleon-image-tools: ${message}`);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('output', () => {
  test('is a table and a sentence, in which no control character is left', async () => {
    const { stdout, stderr, code } = await fake(['fake']);

    expect(stdout).toBe('NAME      N\none\ufffd[31m  1\nthree     33\n\nnothing to do\n');
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test('with --json is one document, with everything else on standard error', async () => {
    const { stdout, stderr } = await fake(['fake', '--behaviour', 'change', '--json', '-vv']);

    expect(JSON.parse(stdout)).toMatchObject({
      changed: true,
      msg: 'one thing changed',
      differences: [{ header: 'image "one"' }],
    });
    expect(stderr).toContain('behaves as change');
    expect(stderr.replace(/^\[[0-9a-f]{8}\] /gm, '')).toContain(
      'image "one"\n  - visibility: private\n  + visibility: public\n',
    );
  });

  test('with --json is a document on failure, too', async () => {
    const { stdout, code } = await fake(['fake', '--json', '--behaviour', 'fail', '--password', 'hunter2']);

    expect(JSON.parse(stdout)).toMatchObject({
      failed: true,
      code: 'IT_BROKE',
      msg: 'it broke with password ********',
    });
    expect(code).toBe(1);
  });

  test('with --json is a document on bad usage, too', async () => {
    const { stdout, code } = await fake(['fake', '--json', '--cuont']);

    expect(JSON.parse(stdout)).toMatchObject({ failed: true, code: 'USAGE' });
    expect(code).toBe(2);
  });

  test('of five megabytes arrives completely', async () => {
    const { stdout } = await fake(['fake', '--json', '--behaviour', 'big']);

    expect((JSON.parse(stdout) as { text: string }).text).toHaveLength(5_000_000);
  });

  test('that nobody reads to its end is not a failure', async () => {
    const child = spawn(process.execPath, [fakeCommand, 'fake', '--json', '--behaviour', 'big'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += String(text)));
    child.stdout.once('data', () => child.stdout.destroy());

    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(stderr).toBe('');
  });

  test('passes --dry-run to the operation', async () => {
    const { stdout } = await fake(['fake', '--json', '--dry-run']);

    expect(JSON.parse(stdout)).toMatchObject({ check_mode: true });
  });
});

describe('progress without a terminal', () => {
  test('is a line when it begins and at the end, and no more for one that takes less than a second', async () => {
    const { stderr } = await fake(['fake', '--behaviour', 'progress']);

    expect(stderr.split('\n').filter((line) => line !== '')).toHaveLength(2);
    expect(stderr).toContain('CC-Ubuntu22.04: transfer 0 B of 1000 B (0 %)\n');
    expect(stderr).toContain('CC-Ubuntu22.04: transfer 1000 B of 1000 B (100 %)\n');
  });

  test('is nothing with --no-progress', async () => {
    const { stderr } = await fake(['fake', '--behaviour', 'progress', '--no-progress']);

    expect(stderr).toBe('');
  });
});

describe('exit codes and messages', () => {
  test.each([
    ['a failure', 'fail', 1, 'chameleon-image-tools: IT_BROKE: it broke with password undefined\n'],
    [
      'a fault of the program',
      'crash',
      1,
      'chameleon-image-tools: INTERNAL_ERROR: this is a fault of the program, please report it: ' +
        'undefined is not a cloud\n',
    ],
    ['another run', 'busy', 75, 'chameleon-image-tools: RUN_IN_PROGRESS: another run is in progress\n'],
    ['a failed part', 'part', 1, 'failed: image "two": the store cut the connection\n'],
  ])('%s ends without a stack', async (_, behaviour, code, message) => {
    expect(await fake(['fake', '--behaviour', behaviour])).toMatchObject({ code, stderr: message });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends with %d', async (signal, code) => {
    const ended = await fake(['fake', '--behaviour', 'wait'], { signals: [signal] });

    expect(ended).toMatchObject({
      code,
      stderr:
        `at work\nchameleon-image-tools: INTERRUPTED: interrupted by ${signal}; ` +
        'the next run finishes what this one left\n',
    });
  });
});

describe('the built command', () => {
  test('explains itself', async () => {
    const { stdout, code } = await run(commandLine, ['--help']);

    expect(stdout).toContain('Usage: chameleon-image-tools <command> [options]');
    expect(stdout).toContain('  75   another run on this host is at the same cloud; nothing was changed');
    expect(code).toBe(0);
  });

  test.each(['deploy', 'info'])('explains %s with groups, defaults and examples', async (command) => {
    const { stdout } = await run(commandLine, [command, '--help']);

    for (const title of ['What to select:', 'The login:', 'What is shown:', 'Examples:', 'Exit codes:'])
      expect(stdout).toContain(`\n${title}\n`);
    expect(stdout).toContain('Default: testing_.');
    expect(
      Math.max(
        ...stdout
          .split('\nExamples:')[0]!
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(100);
  });

  test.each([
    ['the words of old', ['--latest', 'ubuntu', 'jammy', 'base', '--image', 'CC-Ubuntu22.04']],
    ['commas', ['--latest', 'ubuntu,jammy,base', '--ipa', 'kernel']],
  ])('takes %s', async (_, words) => {
    const { stderr, code } = await run(commandLine, ['deploy', '--site-yaml', '/nonexistent/site.yaml', ...words]);

    expect(stderr).toContain('--site-yaml: /nonexistent/site.yaml cannot be read');
    expect(code).toBe(2);
  });

  test('prints its version', async () => {
    expect((await run(commandLine, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('reports on standard error if there is no Node.js that is new enough', async () => {
    const ended = await run('/bin/sh', [commandLine], { environment: { CHAMELEON_IMAGE_TOOLS_NODE: '/bin/false' } });

    expect(ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Node.js 18 or newer is needed on this host'),
    });
  });
});
