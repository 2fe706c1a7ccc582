// Prepares the command line for yargs: expands the abbreviated options of the older commands, and
// normalizes switches.
import { parseBoolean } from '../core/coercion.js';
import type { Flag } from './flags.js';
import { UsageError } from './exit-codes.js';

/**
 * Every switch as `--name=true` or `--name=false`, since yargs reads `--force=yes` as false and any
 * `--no-…` as a switch.
 */
export function normalizeSwitches(argv: readonly string[], flags: readonly Flag[]): string[] {
  const switches = new Set(
    flags.filter((flag) => flag.kind === 'switch').flatMap((flag) => [flag.name, ...flag.aliases]),
  );
  return argv.map((word) => {
    const [, name, value] = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) return word;
    if (switches.has(name)) return value === undefined ? word : `--${name}=${valueOf(name, value)}`;
    const negated = name.startsWith('no-') ? name.slice('no-'.length) : '';
    return switches.has(negated) && value === undefined ? `--${negated}=false` : word;
  });
}

function valueOf(name: string, value: string): boolean {
  const given = parseBoolean(value);
  if (given !== undefined) return given;
  throw new UsageError(`--${name}: ${JSON.stringify(value)} is not allowed; give yes or no, or --${name} alone`);
}

/**
 * The options that the older Chameleon tools had besides `--help`: what is unambiguous depends on
 * them (ChameleonCloud/abracadabra site_tools, ChameleonCloud/hammers-v2 src/hammers). `--dry-run`
 * of `deploy` is newer, and documented with them.
 */
const olderOptions: Readonly<Record<string, readonly string[]>> = {
  deploy: ['site-yaml', 'supports-yaml', 'image', 'latest', 'ipa', 'dry-run'],
  image_deployer: ['site-yaml', 'supports-yaml', 'dry-run', 'debug', 'show-progress'],
  clean: ['site-yaml', 'dry-run'],
  ipa_test: ['site-yaml', 'node-type', 'initramfs-image', 'kernel-image', 'push'],
  set_image_property: ['site-yaml', 'metadata-field', 'single-value', 'values-file', 'dry-run', 'debug'],
};

/**
 * Expands the options of an older command as argparse did: `image_deployer --site F` is
 * `--site-yaml F`. Throws UsageError if two options begin like that.
 */
export function expandAbbreviations(
  argv: readonly string[],
  isKnown: (command: string, option: string) => boolean,
): string[] {
  const command = argv.find((word) => Object.hasOwn(olderOptions, word));
  const options = command === undefined ? undefined : olderOptions[command];
  if (command === undefined || options === undefined) return [...argv];
  return argv.map((word) => {
    const [, name, rest = ''] = /^--([a-z][a-z-]*)(=.*)?$/s.exec(word) ?? [];
    if (name === undefined || isKnown(command, name)) return word;
    const meant = options.filter((option) => option.startsWith(name));
    if (meant.length > 1)
      throw new UsageError(
        `--${name} may be ${meant.map((option) => `--${option}`).join(' or ')}: spell it out`,
        command,
      );
    return meant[0] === undefined ? word : `--${meant[0]}${rest}`;
  });
}
