// Runs one operation on raw arguments. Both front ends call this and nothing else to get something done.
import { coerce, type RawArguments } from '../core/coercion.js';
import { secretsIn } from '../core/masking.js';
import type { AnyOperation, Context, Outcome } from '../core/operation.js';
import { assertValid, withDefaults } from '../core/validation.js';
import { mergeSiteYaml } from './site-yaml.js';

/** A context that is also told which texts must never be shown, as soon as they are known. */
export interface ExecutionContext extends Context {
  learnSecrets(secrets: readonly string[]): void;
}

/** Spells, completes and checks the arguments, then runs the operation. Throws INVALID_INPUT before anything is touched. */
export async function execute(operation: AnyOperation, raw: RawArguments, context: ExecutionContext): Promise<Outcome> {
  const { fields, name, validate } = operation;
  context.learnSecrets(secretsIn(fields, raw));
  const merged = await mergeSiteYaml(fields, coerce(fields, raw), context);
  const values = withDefaults(fields, coerce(fields, merged.values));
  context.learnSecrets(secretsIn(fields, values));
  assertValid(values, { name, fields, validate, origins: merged.origins });
  const outcome = await operation.run(values as never, context);
  return { ...outcome, warnings: [...merged.warnings, ...outcome.warnings] };
}
