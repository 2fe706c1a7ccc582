// The key by which secrets are compared that Ironic masks.
import { readSmallFile } from '../clients/files/yaml-file.js';
import { withHome } from '../clients/files/paths.js';
import { InputError } from '../core/errors.js';
import type { Context } from '../core/operation.js';

interface KeyArguments {
  readonly update_secrets: 'on_create' | 'changed' | 'always';
  readonly secrets_key_file?: string | undefined;
  readonly secrets_key?: string | undefined;
}

const shortestKey = 32;

/** Undefined where secrets are not compared. Throws INVALID_INPUT where the key is missing, short or open to others. */
export async function readSecretsKey(
  { update_secrets: mode, secrets_key_file: file, secrets_key: given }: KeyArguments,
  context: Context,
): Promise<string | undefined> {
  if (mode !== 'changed') return undefined;
  if ((file === undefined) === (given === undefined))
    throw new InputError(
      'update_secrets: changed needs secrets_key_file or secrets_key, one of them',
      'update_secrets',
    );
  const key = (given ?? (await keyIn(withHome(file ?? '', context.environment)))).trim();
  context.learnSecrets?.([key]);
  if (key.length >= shortestKey) return key;
  throw new InputError(
    `${given === undefined ? 'secrets_key_file' : 'secrets_key'}: the key has ${key.length} characters; it must have at least ${shortestKey}, such as the output of "openssl rand -hex 32"`,
  );
}

async function keyIn(path: string): Promise<string> {
  const { text, mode } = await readSmallFile(path).catch((error: unknown) => {
    throw error instanceof InputError
      ? new InputError(`secrets_key_file: ${error.message}`, 'secrets_key_file')
      : error;
  });
  // Who has the key can try passwords against what every reader of the node sees.
  if ((mode & 0o007) !== 0)
    throw new InputError(
      `secrets_key_file: others may use ${path}: take their rights away by "chmod o= ${path}"`,
      'secrets_key_file',
    );
  return text;
}
