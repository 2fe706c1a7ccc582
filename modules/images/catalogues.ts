// The central stores that a site subscribes to: which of them, and what supports.yaml lists of the older one.
import { readYamlMapping } from '../clients/files/yaml-file.js';
import { withHome } from '../clients/files/paths.js';
import { InputError } from '../core/errors.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import { parseSupports, type Supports } from './policy/supported-builds.js';
import type { storeFields } from './fields.js';

type StoreArguments = ArgumentsOf<typeof storeFields>;
export type CatalogueKind = StoreArguments['catalog'][number];

/** Each kind once, in the order in which the site names them. Throws INVALID_INPUT where it names none. */
export function cataloguesOf({ catalog }: Pick<StoreArguments, 'catalog'>): CatalogueKind[] {
  if (catalog.length === 0)
    throw new InputError('catalog: [] is not allowed; it must have releases, objects, or both', 'catalog');
  return [...new Set(catalog)];
}

/** Throws INVALID_INPUT where the file cannot be read, or is of another shape. */
export async function readSupports(
  { supports_yaml }: Pick<StoreArguments, 'supports_yaml'>,
  context: Pick<Context, 'environment' | 'signal'>,
): Promise<Supports> {
  const path = withHome(supports_yaml, context.environment);
  const { values } = await readYamlMapping(path, context.signal).catch((error: unknown) => {
    throw error instanceof InputError ? new InputError(`supports_yaml: ${error.message}`, 'supports_yaml') : error;
  });
  return parseSupports(values, path);
}
