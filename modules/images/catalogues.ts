// The catalogues that a site subscribes to: which stores they are in, and all the names that they
// contain.
import { withHome } from '../clients/files/paths.js';
import { readYamlMapping } from '../clients/files/yaml-file.js';

import { openReleasesStore } from '../clients/store/releases-store.js';
import { InputError } from '../core/errors.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import { withoutCredentials } from '../core/urls.js';
import { openHttp, type ConnectionArguments } from '../runtime/connect.js';
import type { storeFields } from './fields.js';
import { catalogueNames } from './policy/releases.js';
import { faultlessNames, parseSupports, type Supports } from './policy/supported-builds.js';
import type { CatalogueKind } from './policy/site-image.js';

type StoreArguments = ArgumentsOf<typeof storeFields>;

/**
 * Each kind once, in the order in which the site lists them. Throws INVALID_INPUT if it lists none.
 */
export function cataloguesOf({ catalog }: Pick<StoreArguments, 'catalog'>): CatalogueKind[] {
  if (catalog.length === 0)
    throw new InputError('catalog must not be empty; list releases, objects, or both', 'catalog');
  return [...new Set(catalog)];
}

/** Throws INVALID_INPUT if the file cannot be read or has the wrong structure. */
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

export interface CatalogueSource {
  readonly args: StoreArguments & ConnectionArguments;
  readonly context: Context;
}

/**
 * All names in the catalogues, including those with an unusable entry. Undefined if one of the
 * catalogues is not configured: which names have left is then unknown. `supported`: the names in
 * supports.yaml, which alone determines the names of the older store.
 */
export async function readCatalogueNames(
  { args, context }: CatalogueSource,
  supported: ReadonlySet<string>,
): Promise<ReadonlySet<string> | undefined> {
  if (!cataloguesOf(args).includes('releases')) return supported;
  if (args.object_store_url === undefined) return undefined;
  const store = openReleasesStore(
    { url: args.object_store_url, container: args.image_container, scope: args.scope },
    openHttp(args, context),
  );
  const document = await store.readCatalogue();
  return new Set([...supported, ...catalogueNames(document, withoutCredentials(store.catalogueUrl))]);
}

/**
 * The names in supports.yaml; none if the site does not subscribe to the older store. Throws
 * INVALID_INPUT if any of its entries is invalid.
 */
export async function readSupportedNames({ args, context }: CatalogueSource): Promise<ReadonlySet<string>> {
  return cataloguesOf(args).includes('objects') ? faultlessNames(await readSupports(args, context)) : new Set();
}
