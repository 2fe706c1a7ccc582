// How messages name options. An operation does not know whether Ansible or a person at a shell has
// called it, so it marks what the two spell differently, and `execute` chooses.

/** Who reads a message. */
export type Reader = 'ansible' | 'command line';

// Noncharacters of Unicode, which no service sends and no text means.
const [begin, middle, end] = ['\ufdd0', '\ufdd1', '\ufdd2'];
const marked = new RegExp(`${begin}([^${begin}${end}]*)${middle}([^${begin}${end}]*)${end}`, 'g');

/** A text that reads differently in a playbook and on the command line. */
export function spelled(ansible: string, commandLine: string): string {
  return `${begin}${ansible}${middle}${commandLine}${end}`;
}

/** `max_deletes`, or `--max-deletes` on the command line; with a value, `deployer: ironic`, or `--deployer ironic`. */
export function optionText(name: string, value?: string | true): string {
  const flag = `--${name.replaceAll('_', '-')}`;
  if (value === undefined) return spelled(name, flag);
  return spelled(`${name}: ${value}`, value === true ? flag : `${flag} ${value}`);
}

/** The operation that goes back, with one of its options: `image_rollback with release`, or `rollback --release`. */
export function rollbackText(option?: string): string {
  return option === undefined
    ? spelled('image_rollback', 'rollback')
    : spelled(`image_rollback with ${option}`, `rollback --${option}`);
}

/** The text as this reader spells it. */
export function textFor(reader: Reader, text: string): string {
  return text.replace(marked, (_, ansible: string, commandLine: string) =>
    reader === 'ansible' ? ansible : commandLine,
  );
}

/**
 * The message of invalid input, whose sentences begin with the name of the option that they are
 * about, such as `lock_dir: …` or `images is required`.
 */
export function inputTextFor(reader: Reader, text: string, options: readonly string[]): string {
  const own = textFor(reader, text);
  if (reader === 'ansible') return own;
  return own.replace(
    /(^|; )([a-z_]+(?:, [a-z_]+)*)(?=(?:[.[][^ :]*)?(?:: | is required))/g,
    (beginning, before: string, names: string) =>
      names.split(', ').every((name) => options.includes(name))
        ? before + names.replace(/[a-z_]+/g, (name) => `--${name.replaceAll('_', '-')}`)
        : beginning,
  );
}
