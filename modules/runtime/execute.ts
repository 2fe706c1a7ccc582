// Runs one operation with raw arguments, and keeps the secrets that become known. Both front ends
// work through this file alone.
import { coerce, type RawArguments } from '../core/coercion.js';
import { secretsIn } from '../core/masking.js';
import type { AnyOperation, Context, Environment, Outcome } from '../core/operation.js';
import { redact } from '../core/redaction.js';
import { secretsInUrls } from '../core/urls.js';
import { assertValid, withDefaults } from '../core/validation.js';
import type { Reader } from '../core/option-text.js';
import { wordingFor } from './wording.js';
import { mergeSiteYaml } from './site-yaml.js';

/** A context that also learns which texts must never be shown, as soon as they are known. */
export interface ExecutionContext extends Context {
  /** Who reads the messages; Ansible unless given. */
  readonly reader?: Reader;
  learnSecrets(secrets: readonly string[]): void;
}

/**
 * Converts, completes and validates the arguments, then runs the operation. Throws INVALID_INPUT
 * before anything is changed.
 */
export async function execute(operation: AnyOperation, raw: RawArguments, context: ExecutionContext): Promise<Outcome> {
  const wording = wordingFor(context.reader ?? 'ansible', Object.keys(operation.fields), context.environment);
  try {
    return wording.outcome(await run(operation, raw, wording.context(context)));
  } catch (error) {
    throw wording.error(error);
  }
}

async function run(operation: AnyOperation, raw: RawArguments, context: ExecutionContext): Promise<Outcome> {
  const { fields, name, validate } = operation;
  context.learnSecrets(secretsIn(fields, raw));
  const merged = await mergeSiteYaml(fields, coerce(fields, raw), context);
  const values = withDefaults(fields, coerce(fields, merged.values));
  context.learnSecrets(secretsIn(fields, values));
  assertValid(values, { name, fields, validate, origins: merged.origins });
  const outcome = await operation.run(values as never, context);
  return { ...outcome, warnings: [...merged.warnings, ...outcome.warnings] };
}

export interface KnownSecrets {
  learn(secrets: readonly string[]): void;
  /** Longest first, so that none hides a part of another. */
  list(): readonly string[];
  redact(text: string): string;
}

const secretVariable = /^OS_\w*(PASSWORD|PASSCODE|SECRET|TOKEN)$/;
const proxyVariable = /^(https?|all)_proxy$/i;

/**
 * Starts with the environment variables whose names mark them as secret, and with the passwords of
 * proxies.
 */
export function knownSecrets(environment: Environment): KnownSecrets {
  const known = new Set<string>();
  let sorted: readonly string[] = [];
  const learn = (secrets: readonly string[]): void => {
    const before = known.size;
    for (const secret of secrets) if (secret !== '') known.add(secret);
    if (known.size > before) sorted = [...known].sort((one, other) => other.length - one.length);
  };
  learn(
    Object.entries(environment).flatMap(([name, value = '']) => {
      if (secretVariable.test(name)) return [value, value.trim()];
      return proxyVariable.test(name) ? secretsInUrls(value.includes('://') ? value : `http://${value}`) : [];
    }),
  );
  return { learn, list: () => sorted, redact: (text) => redact(text, sorted) };
}
