// The catalogues that a site subscribes to: which stores they are in, and all the names that they
// contain.
import { withHome } from '../clients/files/paths.js';
import { readYamlMapping } from '../clients/files/yaml-file.js';
import type { HttpClient } from '../clients/http/client.js';
import { openReleasesStore } from '../clients/store/releases-store.js';
import { InputError } from '../core/errors.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import { withoutCredentials } from '../core/urls.js';
import { openHttp, type ConnectionArguments } from '../runtime/connect.js';
import type { storeFields } from './fields.js';
import { readImageLists } from './image-lists.js';
import { catalogueNames } from './policy/releases.js';
import { faultlessNames, parseSupports, type Supports } from './policy/supported-builds.js';
import type { CatalogueKind } from './policy/site-image.js';

type StoreArguments = ArgumentsOf<typeof storeFields>;

/**
 * Each kind once, in the order in which the site lists them. Throws INVALID_INPUT if it lists none.
 */
export function cataloguesOf({ catalog }: Pick<StoreArguments, 'catalog'>): CatalogueKind[] {
  if (catalog.length === 0)
    throw new InputError('catalog must not be empty; give releases, objects, list, or several of them', 'catalog');
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
  /** For the stores; by default one of its own. */
  readonly http?: HttpClient;
}

export interface CatalogueNames {
  /** All of them; undefined if one of the catalogues is not configured: which names have left is then unknown. */
  readonly all: ReadonlySet<string> | undefined;
  /** Those in the image lists, without the images that a list only knows (`enable: false`, no versions). */
  readonly listed: ReadonlySet<string>;
  /** Whether some of them came from a mirror, which may not have the newest yet. */
  readonly isMirrored: boolean;
}

/**
 * The names in the catalogues, including those with an unusable entry. `supported`: the names in
 * supports.yaml, which alone determines the names of the older store. Throws what keeps one of the
 * catalogues from being read.
 */
export async function readCatalogueNames(
  { args, context, http = openHttp(args, context) }: CatalogueSource,
  supported: ReadonlySet<string>,
): Promise<CatalogueNames> {
  const kinds = cataloguesOf(args);
  const lists = kinds.includes('list') ? await readImageLists(args, { context, http }) : undefined;
  const listed = new Set(lists?.images.filter(({ isEnabled }) => isEnabled).map(({ name }) => name));
  const known = [...supported, ...(lists?.names ?? [])];
  let isMirrored = false;
  if (!kinds.includes('releases')) return { all: new Set(known), listed, isMirrored };
  if (!args.object_store_url?.length) return { all: undefined, listed, isMirrored };
  const location = { urls: args.object_store_url, container: args.image_container, scope: args.scope };
  const onSwitch = (): void => void (isMirrored = true);
  const store = openReleasesStore(location, { http, signal: context.signal, onSwitch });
  const names = catalogueNames(await store.readCatalogue(), withoutCredentials(store.catalogueUrl));
  return { all: new Set([...known, ...names]), listed, isMirrored };
}

/**
 * The names in supports.yaml; none if the site does not subscribe to the older store. Throws
 * INVALID_INPUT if any of its entries is invalid.
 */
export async function readSupportedNames({ args, context }: CatalogueSource): Promise<ReadonlySet<string>> {
  return cataloguesOf(args).includes('objects') ? faultlessNames(await readSupports(args, context)) : new Set();
}
