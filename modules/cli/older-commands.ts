// The commands of the older Chameleon tools, as their argparse read them: an option may be cut off as long as it is the only one that begins so.
import { UsageError } from './usage-error.js';

/** What each of them takes, beside `--help` (ChameleonCloud/abracadabra site_tools, ChameleonCloud/hammers-v2 src/hammers). */
const olderOptions: Readonly<Record<string, readonly string[]>> = {
  deploy: ['site-yaml', 'supports-yaml', 'image', 'latest', 'ipa', 'dry-run', 'debug', 'show-progress'],
  image_deployer: ['site-yaml', 'supports-yaml', 'dry-run', 'debug', 'show-progress'],
  clean: ['site-yaml', 'dry-run', 'debug'],
  ipa_test: ['site-yaml', 'node-type', 'initramfs-image', 'kernel-image', 'push', 'debug'],
  set_image_property: ['site-yaml', 'metadata-field', 'single-value', 'values-file', 'dry-run', 'debug'],
};

/** Each option of an older command that was cut off, spelt out: `image_deployer --site F` is `--site-yaml F`. Throws UsageError where two begin so. */
export function spellOut(argv: readonly string[], isKnown: (command: string, option: string) => boolean): string[] {
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
