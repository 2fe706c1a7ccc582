// Each shell completes for real: bash and zsh at a terminal of their own, fish by its own question
// for completions.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readCommandLine } from '../../modules/cli/command-line.js';
import { completionScript, shells, type Shell } from '../../modules/cli/completion.js';
import { operations } from '../../modules/registry.js';
import { run, withFolder } from './run.js';

const program = 'chameleon-image-tools';
const isInstalled = (name: string): boolean => spawnSync('which', [name]).status === 0;
/** Not every machine has all shells; `scripts/setup` installs them. */
const describeWith = (shell: Shell): typeof describe.skip => (isInstalled(shell) ? describe : describe.skip);

const common: readonly (readonly [typed: string, completed: string])[] = [
  ['depl', 'deploy'],
  ['compl', 'completion'],
  ['completion fi', 'completion fish'],
  ['help ipa', 'help ipa-test'],
  ['deploy --image-ty', 'deploy --image-type'],
  ['deploy --image-type qc', 'deploy --image-type qcow2'],
  ['deploy --import-method=w', 'deploy --import-method=web-download'],
  ['image_deployer --import-method w', 'image_deployer --import-method web-download'],
  ['clean --dry', 'clean --dry-run'],
  ['deploy --no-valid', 'deploy --no-validate-certs'],
];

/**
 * What the shell makes of each of these beginnings when Tab and Enter are pressed. Markers are
 * split, for the terminal echoes what is typed.
 */
async function typeAll(command: string, setup: string, beginnings: readonly string[]): Promise<string[]> {
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', HISTFILE: '' },
  });
  let output = '';
  let isReady = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (isReady || !/READY/.test(output)) return;
    isReady = true;
    child.stdin.write([...beginnings.map((typed) => `${program} ${typed}\t`), 'exit', ''].join('\n'));
  });
  child.stdin.write(`${setup}; ${program}() { echo "RA""N:$*"; }; echo REA"DY"\n`);
  await new Promise((resolve) => child.once('close', resolve));
  return [...output.matchAll(/RAN:([^\r\n]*)/g)]
    .map(([, words = '']) => words.trim())
    .filter((words) => words !== '$*');
}

function withScript<T>(shell: Shell, use: (path: string) => Promise<T>): Promise<T> {
  return withFolder((folder) => {
    const path = join(folder, `completion.${shell}`);
    writeFileSync(path, completionScript(shell, operations));
    writeFileSync(join(folder, 'supports.yaml'), '');
    return use(path);
  });
}

describeWith('bash')('bash', () => {
  const typed = (beginnings: readonly string[]): Promise<string[]> =>
    withScript('bash', (path) => typeAll('bash --noprofile --norc -i', `source ${path}`, beginnings));

  test('completes commands, options and choices', async () => {
    expect(await typed(common.map(([beginning]) => beginning))).toEqual(common.map(([, completed]) => completed));
  });

  test('completes the elements of a list, by commas and by spaces', async () => {
    expect(await typed(['deploy --catalog releases,o', 'deploy --catalog releases o'])).toEqual([
      'deploy --catalog releases,objects',
      'deploy --catalog releases objects',
    ]);
  });

  test('completes paths where a file is expected, and nothing where a text is', async () => {
    await withScript('bash', async (path) => {
      const beginnings = [`deploy --supports-yaml ${path.replace(/completion.bash$/, 'supp')}`, 'deploy --scope pr'];

      expect(await typeAll('bash --noprofile --norc -i', `source ${path}`, beginnings)).toEqual([
        `deploy --supports-yaml ${path.replace(/completion.bash$/, 'supports.yaml')}`,
        'deploy --scope pr',
      ]);
    });
  });
});

describeWith('zsh')('zsh', () => {
  const typed = (beginnings: readonly string[]): Promise<string[]> =>
    withScript('zsh', (path) =>
      typeAll('zsh -f -i', `autoload -U compinit; compinit -u -D; source ${path}`, beginnings),
    );

  test('completes commands, options, choices and the elements of a list', async () => {
    expect(await typed([...common.map(([beginning]) => beginning), 'deploy --catalog=releases,o'])).toEqual([
      ...common.map(([, completed]) => completed),
      'deploy --catalog=releases,objects',
    ]);
  });
});

describeWith('fish')('fish', () => {
  test('completes commands, options and choices', async () => {
    await withScript('fish', async (path) => {
      for (const [beginning, completed] of common) {
        const { stdout } = await run('fish', ['-c', `source ${path}; complete -C '${program} ${beginning}'`]);
        const offered = stdout.split('\n').map((line) => line.split('\t')[0]);

        expect({ beginning, offered }).toEqual({
          beginning,
          offered: expect.arrayContaining([completed.split(' ').at(-1)]),
        });
      }
    });
  });
});

test.each(shells)('%s gets every command and every option from the declarations', (shell) => {
  const script = completionScript(shell, operations);

  for (const { command, fields } of operations) {
    expect(script).toContain(command);
    for (const name of Object.keys(fields)) expect(script).toContain(name.replaceAll('_', '-'));
  }
});

test('the command prints the script of the shell that is asked for', async () => {
  expect(await readCommandLine(['completion', 'zsh'], operations, 80)).toEqual({
    kind: 'text',
    text: completionScript('zsh', operations),
  });
});

test.each([
  ['no shell', ['completion'], 'completion takes one shell: bash, zsh, fish'],
  ['an unknown shell', ['completion', 'csh'], 'completion takes one shell: bash, zsh, fish'],
  ['an option of a run', ['completion', 'bash', '--images', 'a'], '--images is not an option of completion'],
])('%s is refused', async (_, argv, message) => {
  await expect(readCommandLine(argv, operations, 80)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message),
  });
});
