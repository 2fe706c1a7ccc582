// The command lines that operators have in their notes, scripts and units, word for word.
import { describe, expect, test } from '@jest/globals';
import { readCommandLine, type CommandRun } from '../../modules/cli/command-line.js';
import { operations } from '../../modules/registry.js';

async function read(line: string): Promise<CommandRun> {
  const read = await readCommandLine(line.split(' '), operations, 80);
  if (read.kind !== 'run') throw new Error(`${line} is no run`);
  return read;
}

const site = { site_yaml: 'F' };

describe('an older command line means', () => {
  test.each([
    ['deploy --site-yaml F', 'image_deploy', site],
    [
      'deploy --site-yaml F --supports-yaml S --image I',
      'image_deploy',
      { ...site, supports_yaml: 'S', images: ['I'] },
    ],
    [
      'deploy --site-yaml F --latest ubuntu,focal,base',
      'image_deploy',
      { ...site, latest: ['ubuntu', 'focal', 'base'] },
    ],
    [
      'deploy --site-yaml F --latest ubuntu focal base --ipa kernel',
      'image_deploy',
      { ...site, latest: ['ubuntu', 'focal', 'base'], ipa: 'kernel' },
    ],
    ['clean --site-yaml F', 'image_clean', site],
    ['ipa_test --site-yaml F --node-type T', 'ipa_test', { ...site, node_type: 'T' }],
    [
      'ipa_test --site-yaml F --node-type T --initramfs-image I --kernel-image K --push',
      'ipa_test',
      { ...site, node_type: 'T', initramfs_image: 'I', kernel_image: 'K', push: true },
    ],
    [
      'set_image_property --site-yaml F --metadata-field N --single-value U:V',
      'image_property',
      { ...site, property: 'N', single_value: 'U:V' },
    ],
    [
      'set_image_property --site-yaml F --metadata-field N --values-file V',
      'image_property',
      { ...site, property: 'N', values_file: 'V' },
    ],
    ['image_deployer --site-yaml F', 'image_deploy', site],
    ['image_deployer --site F', 'image_deploy', site],
    ['image_deployer --site=F --supports-yaml S', 'image_deploy', { ...site, supports_yaml: 'S' }],
    ['image_deployer --site F --supp S', 'image_deploy', { ...site, supports_yaml: 'S' }],
    [
      'ipa_test --site F --node-t T --init I --kern K --pu',
      'ipa_test',
      { ...site, node_type: 'T', initramfs_image: 'I', kernel_image: 'K', push: true },
    ],
    [
      'deploy --si F --su S --l ubuntu focal base',
      'image_deploy',
      { ...site, supports_yaml: 'S', latest: ['ubuntu', 'focal', 'base'] },
    ],
    ['deploy --site F --im I', 'image_deploy', { ...site, images: ['I'] }],
    [
      'set_image_property --site F --meta N --single U:V',
      'image_property',
      { ...site, property: 'N', single_value: 'U:V' },
    ],
  ])('%s', async (line, name, raw) => {
    const { operation, raw: given, dryRun } = await read(line);

    expect({ name: operation.name, given, dryRun }).toEqual({ name, given: raw, dryRun: false });
  });

  test.each([
    'deploy --site-yaml F --dry-run --debug',
    'image_deployer --site F --dry --deb',
    'set_image_property --site F --metadata-field N --single-value U:V --dry-run --debug',
    'clean --site-yaml F --dry-run --debug',
  ])('%s: a dry run that says every request', async (line) => {
    expect(await read(line)).toMatchObject({ dryRun: true, verbosity: 2 });
  });

  test.each(['clean --s F --d', 'deploy --site F --dry', 'set_image_property --site F --m N --v V --dr'])(
    '%s: a dry run',
    async (line) => {
      expect(await read(line)).toMatchObject({ dryRun: true, verbosity: 0, raw: site });
    },
  );

  test('--show-progress: what happens anyway', async () => {
    expect(await read('image_deployer --site-yaml F --show-progress')).toMatchObject({ showProgress: true });
    expect(await read('image_deployer --site-yaml F --show')).toMatchObject({ showProgress: true });
  });
});

describe('an abbreviation', () => {
  test.each([
    ['of two options is refused', 'deploy --i I', /--i may be --image or --ipa/],
    ['of a dry run and of debug is refused', 'image_deployer --d', /--d may be --dry-run or --debug/],
    ['of nothing is refused', 'deploy --sight F', /--sight is not an option of deploy/],
    ['of a newer option is refused', 'deploy --conc 3', /--conc is not an option of deploy/],
    ['of a newer command is refused', 'cache --site F', /--site is not an option of cache/],
  ])('%s', async (_, line, message) => {
    await expect(read(line)).rejects.toThrow(message);
  });
});

describe('a switch is', () => {
  test.each(['y', 'Y', 'yes', 'on', 'true', 'True', 't', '1'])('on by %s', async (word) => {
    expect((await read(`deploy --force=${word}`)).raw).toEqual({ force: true });
  });

  test.each(['n', 'no', 'off', 'false', 'F', '0'])('off by %s', async (word) => {
    expect((await read(`deploy --force=${word}`)).raw).toEqual({ force: false });
  });

  test('refused by anything else', async () => {
    await expect(read('deploy --force=perhaps')).rejects.toThrow(
      '--force: "perhaps" is not allowed; give yes or no, or --force alone',
    );
  });
});
