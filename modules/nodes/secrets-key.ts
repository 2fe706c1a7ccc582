// Reads the key of the HMACs by which masked secrets are compared.
import { optionText } from '../core/option-text.js';
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

/**
 * Undefined if secrets are not compared. Throws INVALID_INPUT if the key is missing, too short or
 * accessible to others.
 */
export async function readSecretsKey(
  { update_secrets: mode, secrets_key_file: file, secrets_key: given }: KeyArguments,
  context: Context,
): Promise<string | undefined> {
  if (mode !== 'changed') return undefined;
  if ((file === undefined) === (given === undefined))
    throw new InputError(
      `${optionText('update_secrets', 'changed')} requires either ${optionText('secrets_key_file')} or secrets_key`,
      'update_secrets',
    );
  const key = (given ?? (await keyIn(withHome(file ?? '', context.environment)))).trim();
  context.learnSecrets?.([key]);
  if (key.length >= shortestKey) return key;
  throw new InputError(
    `${given === undefined ? 'secrets_key_file' : 'secrets_key'}: the key has ${key.length} characters; ` +
      `it must have at least ${shortestKey}, such as the output of "openssl rand -hex 32"`,
  );
}

async function keyIn(path: string): Promise<string> {
  const { text, mode } = await readSmallFile(path).catch((error: unknown) => {
    throw error instanceof InputError
      ? new InputError(`secrets_key_file: ${error.message}`, 'secrets_key_file')
      : error;
  });
  // Whoever has the key can try passwords against the HMACs, which every reader of the node sees.
  if ((mode & 0o007) !== 0)
    throw new InputError(
      `secrets_key_file: other users can access ${path}: run "chmod o= ${path}"`,
      'secrets_key_file',
    );
  return text;
}
