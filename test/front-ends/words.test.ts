// How a result reads at a shell: options in its own spelling, files where the reader finds them, a
// failure once, and tables that fit a terminal.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { commandLine, fakeCommand, fakeModule, root, run, runModule, withFolder, type Ended } from './run.js';

const fake = (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  run(process.execPath, [fakeCommand, ...words], { environment });

/** Any file that is a mapping of what is not known. */
const siteYaml = join(root, 'test/front-ends/site.yaml');

describe('messages name options', () => {
  test('as the command line spells them', async () => {
    const { stderr } = await fake(['fake', '--behaviour', 'hint', '--site-yaml', siteYaml, '-v']);

    expect(stderr).toContain('look at --site-yaml\n');
    expect(stderr).toContain(`warning: ${siteYaml} is old; --names may be wrong\n`);
    expect(stderr).toContain('failed: one (1): it is in use; --force or --text all changes it anyway\n');
  });

  test('as Ansible spells them', async () => {
    const { result } = await runModule(fakeModule, { behaviour: 'hint', site_yaml: siteYaml });

    expect(result).toMatchObject({
      warnings: [`${siteYaml} is old; names may be wrong`],
      failures: ['one (1): it is in use; force: true or text: all changes it anyway'],
    });
  });

  test('at the beginning of a refusal, too', async () => {
    const { stderr } = await fake(['fake', '--behaviour', 'refuse']);
    const { result } = await runModule(fakeModule, { behaviour: 'refuse' });

    expect(stderr).toBe(
      'chameleon-image-tools: --site-yaml: it is old; --count: it requires --force; --text is required\n',
    );
    expect(result.msg).toBe('site_yaml: it is old; count: it requires force; text is required');
  });

  test.each([
    ['set-property', ['--images', 'x'], '--images requires --set, --remove or --value'],
    ['deploy', ['--latest', 'a,b,c,d'], '--latest: a,b,c,d has more than three words'],
    ['clean', ['--hide-image-age-in-month', '18'], '--hide-image-age-in-month (18) must be smaller than'],
    ['info', [], 'there is no login: give --cloud (a name in clouds.yaml), or --auth, or --site-yaml'],
  ])('%s', async (command, words, message) => {
    await withFolder(async (folder) => {
      const store = ['deploy', 'clean'].includes(command) ? ['--object-store-url', 'http://127.0.0.1:9'] : [];
      const ended = await run(commandLine, [command, ...store, ...words], { folder, environment: { HOME: folder } });

      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
    });
  });
});

test('a copy that systemd has made of a file is named as the original', async () => {
  await withFolder(async (folder) => {
    const copy = join(folder, 'site.yaml');
    writeFileSync(copy, 'a: [');
    const environment = { CHAMELEON_IMAGE_TOOLS_COPIES: `${copy}=/etc/tools/site.yaml:/nowhere=/etc/other` };

    const { stderr } = await run(commandLine, ['info', '--site-yaml', copy], { environment });

    expect(stderr).toContain('--site-yaml: /etc/tools/site.yaml');
    expect(stderr).not.toContain(folder);
  });
});

test('a failure is printed once: neither in the table nor as progress', async () => {
  const { stdout, stderr } = await fake(['fake', '--behaviour', 'hint']);

  expect(`${stdout}${stderr}`.match(/it is in use/g)).toHaveLength(1);
  expect(stdout).toBe('NAME  ACTION  REASON\none   failed\ntwo   done    it was new\n\nnothing to do\n');
  expect(stderr).not.toContain('one: failed');
});

describe('a table', () => {
  /** At a terminal of this many columns. */
  const atTerminal = async (columns: number, environment: Readonly<Record<string, string>> = {}): Promise<string> => {
    const command = `stty cols ${columns}; '${process.execPath}' '${fakeCommand}' fake --behaviour sentences`;
    const { stdout } = await run('script', ['-qec', command, '/dev/null'], {
      environment: { NO_COLOR: '1', ...environment },
    });
    return stdout.replaceAll('\r', '');
  };
  const whole =
    'one   the site has release 20250422-v1-amd; the previous image is now one_2025-04-22 15:30:45  ' +
    `${'1'.repeat(36)}\n`;

  test('fits the terminal, with nothing cut and no ID broken', async () => {
    expect(await atTerminal(80)).toBe(
      [
        'NAME  REASON                                ID',
        `one   the site has release                  ${'1'.repeat(36)}`,
        '      20250422-v1-amd; the previous image',
        '      is now one_2025-04-22 15:30:45',
        `two   short                                 ${'2'.repeat(36)}`,
        '',
        'nothing to do',
        '',
      ].join('\n'),
    );
  });

  test('fits the columns that are given where the terminal has no size', async () => {
    expect(await atTerminal(0, { COLUMNS: '80' })).toContain('\n      is now one_2025-04-22 15:30:45\n');
  });

  test('is as wide as it is on a wide terminal, and where it is piped', async () => {
    expect(await atTerminal(200)).toContain(whole);
    expect((await fake(['fake', '--behaviour', 'sentences'], { COLUMNS: '80' })).stdout).toContain(whole);
  });
});

describe('help', () => {
  test.each([
    ['of everything', ['help'], ['--help']],
    ['of a command', ['help', 'deploy'], ['deploy', '--help']],
    ['of an older command', ['help', 'image_deployer'], ['deploy', '--help']],
    ['of completion', ['help', 'completion'], ['completion', '--help']],
  ])('%s is a command, too', async (_, asCommand, asOption) => {
    const [one, other] = await Promise.all([run(commandLine, asCommand), run(commandLine, asOption)]);

    expect(one).toEqual(other);
    expect(one.stdout).toMatch(/^Usage: chameleon-image-tools /);
  });

  test('of a command that there is not suggests the nearest', async () => {
    expect(await run(commandLine, ['help', 'depoly'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"depoly" is not a command; did you mean deploy?'),
    });
  });
});

describe('docs/json.md', () => {
  const page = readFileSync(join(root, 'docs/json.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  /** The keys of a result, without those of the fake operation. */
  const keysOf = async (behaviour: string): Promise<string[]> => {
    const { stdout } = await fake(['fake', '--json', '--site-yaml', siteYaml, '--behaviour', behaviour]);
    return Object.keys(JSON.parse(stdout) as object).filter((key) => key !== 'given' && key !== 'check_mode');
  };

  test('lists the keys of every result, and no others', async () => {
    const keys = await Promise.all(['echo', 'change', 'hint', 'fail'].map(keysOf));

    expect([...new Set(keys.flat())].sort()).toEqual([...documented].sort());
  });

  test('says of which results which keys are part', async () => {
    expect((await keysOf('change')).sort()).toEqual(['changed', 'differences', 'msg']);
    expect((await keysOf('hint')).sort()).toEqual([
      ...['changed', 'code', 'differences', 'failed', 'failures', 'msg', 'warnings'],
    ]);
    expect((await keysOf('fail')).sort()).toEqual(['changed', 'code', 'details', 'failed', 'msg']);
  });
});

test('in a checkout the command has its one name', async () => {
  const { stdout, code } = await run(join(commandLine, '../../../../build/bin/chameleon-image-tools'), ['--version']);

  expect({ stdout, code }).toEqual({ stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), code: 0 });
});
