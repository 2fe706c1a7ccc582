// yargs takes `--force=yes` for false, and `--no-anything` for a switch. Here both are spelt out before it reads them.
import { booleanSpelt } from '../core/coercion.js';
import type { Flag } from './flags.js';
import { UsageError } from './usage-error.js';

/** Every switch as `--name=true` or `--name=false`; the rest as it was. */
export function spellSwitches(argv: readonly string[], flags: readonly Flag[]): string[] {
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
  const given = booleanSpelt(value);
  if (given !== undefined) return given;
  throw new UsageError(`--${name}: ${JSON.stringify(value)} is not allowed; it is yes or no, or --${name} alone`);
}
