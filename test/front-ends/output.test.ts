// What a run has to say, and nobody can be told; and a run that is ended wherever it waits.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { fakeCommand, fakeModule, run, withFolder } from './run.js';

async function withFull<T>(use: (descriptor: number) => Promise<T>): Promise<T> {
  const descriptor = openSync('/dev/full', 'w');
  try {
    return await use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const lost = 'the result could not be written (ENOSPC';

describe('a disk that is full', () => {
  test.each([
    ['a table', ['fake']],
    ['--json', ['fake', '--json']],
    ['a change', ['fake', '--behaviour', 'change']],
    ['--help', ['--help']],
    ['--version', ['--version']],
    ['the help of a command', ['fake', '--help']],
  ])('fails %s', async (_, args) => {
    const ended = await withFull((full) => run(process.execPath, [fakeCommand, ...args], { stdout: full }));

    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(lost) });
  });

  test.each([
    ['a failure', 'fail', 1],
    ['another run', 'busy', 75],
  ])('keeps the code of %s', async (_, behaviour, code) => {
    const ended = await withFull((full) =>
      run(process.execPath, [fakeCommand, 'fake', '--json', '--behaviour', behaviour], { stdout: full }),
    );

    expect(ended.code).toBe(code);
  });

  test('under standard error hides no warning behind exit code 0', async () => {
    const ended = await withFull((full) =>
      run(process.execPath, [fakeCommand, 'fake', '--behaviour', 'change', '-v'], { stderr: full }),
    );

    expect(ended.code).toBe(1);
  });

  test.each(['echo', 'change', 'fail'])('fails a module that answers %s', async (behaviour) => {
    await withFolder(async (folder) => {
      const path = join(folder, 'args');
      writeFileSync(path, JSON.stringify({ behaviour }));

      const ended = await withFull((full) => run(process.execPath, [fakeModule, path], { stdout: full }));

      expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(lost) });
    });
  });
});

test('a reader that disconnects does not change what was done', () => {
  const { stdout } = spawnSync('/bin/bash', [
    '-c',
    `"${process.execPath}" "${fakeCommand}" fake --behaviour big --json | head -c 1 >/dev/null; echo \${PIPESTATUS[0]}`,
  ]);

  expect(stdout.toString()).toBe('0\n');
});

interface Waiting {
  readonly code: number | null;
  readonly stdout: string;
  readonly seconds: number;
}

/**
 * True once the process itself has opened a named pipe: what it was started with does not count.
 */
function hasPipeOpen(pid: number): boolean {
  const folder = `/proc/${pid}/fd`;
  const leadsToPipe = (name: string): boolean => {
    try {
      return readlinkSync(join(folder, name)).endsWith('/pipe');
    } catch {
      return false;
    }
  };
  return readdirSync(folder).some((name) => Number(name) > 2 && leadsToPipe(name));
}

/**
 * Starts a program that waits for a pipe, signals it once it has the pipe open, and waits for its
 * end.
 */
async function endWhileReading(
  args: readonly string[],
  signal: NodeJS.Signals,
  stdin: 'ignore' | number = 'ignore',
): Promise<Waiting> {
  const child = spawn(process.execPath, args, { stdio: [stdin, 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  while (!hasPipeOpen(child.pid!)) await new Promise((resolve) => setTimeout(resolve, 20));
  const begun = performance.now();
  child.kill(signal);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, seconds: (performance.now() - begun) / 1000 };
}

/** A pipe with an end for writing, so that reading it waits. */
function withPipe(use: (descriptor: number) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    spawnSync('mkfifo', [join(folder, 'pipe')]);
    const descriptor = openSync(join(folder, 'pipe'), 'r+');
    try {
      await use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

describe('a pipe that nobody writes to', () => {
  const signals = [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const;

  test.each(signals)('in the place of site.yaml: %s ends the run with %d', async (signal, code) => {
    await withFolder(async (folder) => {
      spawnSync('mkfifo', [join(folder, 'pipe')]);

      const ended = await endWhileReading([fakeCommand, 'fake', '--site-yaml', join(folder, 'pipe')], signal);

      expect(ended.code).toBe(code);
      expect(ended.seconds).toBeLessThan(5);
    });
  });

  test.each(signals)('in the place of a file of options: %s ends the run with %d', async (signal, code) => {
    await withFolder(async (folder) => {
      spawnSync('mkfifo', [join(folder, 'pipe')]);

      expect((await endWhileReading([fakeCommand, 'fake', '--items-file', join(folder, 'pipe')], signal)).code).toBe(
        code,
      );
    });
  });

  test('as standard input: SIGTERM ends the run', async () => {
    await withPipe(async (pipe) => {
      expect((await endWhileReading([fakeCommand, 'fake', '--site-yaml', '/dev/stdin'], 'SIGTERM', pipe)).code).toBe(
        143,
      );
    });
  });

  test('ends a module that reads its site.yaml there, with an answer', async () => {
    await withFolder(async (folder) => {
      spawnSync('mkfifo', [join(folder, 'pipe')]);
      writeFileSync(join(folder, 'args'), JSON.stringify({ site_yaml: join(folder, 'pipe') }));

      const { stdout } = await endWhileReading([fakeModule, join(folder, 'args')], 'SIGTERM');

      expect(JSON.parse(stdout)).toMatchObject({ failed: true, code: 'INTERRUPTED' });
    });
  });

  test('can carry the arguments of a module', async () => {
    await withPipe(async (pipe) => {
      const { stdout } = await endWhileReading([fakeModule, '/dev/stdin'], 'SIGTERM', pipe);

      expect(JSON.parse(stdout)).toMatchObject({ failed: true, code: 'INTERRUPTED' });
    });
  });
});

test.each([
  ['the arguments of a module', `echo '{"names": ["one"]}' | "${process.execPath}" "${fakeModule}" /dev/stdin`],
  ['site.yaml', `"${process.execPath}" "${fakeCommand}" fake --json --name one --site-yaml <(echo '{}')`],
  [
    'site.yaml by standard input',
    `echo '{}' | "${process.execPath}" "${fakeCommand}" fake --json --name one --site-yaml /dev/stdin`,
  ],
])('a pipe that somebody writes to brings %s', (_, command) => {
  const { stdout } = spawnSync('/bin/bash', ['-c', command]);

  expect(JSON.parse(stdout.toString())).toMatchObject({ given: { names: ['one'] } });
});
