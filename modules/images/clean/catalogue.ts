// The names that the site's catalogues have: whatever else is in production has left them.
import { withoutCredentials } from '../../core/urls.js';
import { openReleasesStore } from '../../clients/store/releases-store.js';
import { InputError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import { parseCatalogue } from '../policy/releases.js';
import { cataloguesOf, readSupports } from '../catalogues.js';
import { openHttp, type ConnectionArguments } from '../../runtime/connect.js';
import type { catalogueFields } from './declaration.js';

export interface CatalogueSource {
  readonly args: ArgumentsOf<typeof catalogueFields> & ConnectionArguments;
  readonly context: Context;
}

/**
 * Every name that the catalogues have, those too whose entry cannot be used. Undefined where one of them is not known at all: then
 * nobody knows which names have left. `supported`: what supports.yaml says, by which alone the names of the older store are known.
 */
export async function readCatalogue(
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
  parseCatalogue(document, withoutCredentials(store.catalogueUrl));
  return new Set([...supported, ...Object.keys(document as object)]);
}

/** The names of supports.yaml; none where the older store is not subscribed to. Throws INVALID_INPUT for a file with a fault: the name of that image would count as one that has left. */
export async function readSupportedNames({ args, context }: CatalogueSource): Promise<ReadonlySet<string>> {
  if (!cataloguesOf(args).includes('objects')) return new Set();
  const { builds, names } = await readSupports(args, context);
  const fault = builds.find((build) => build.fault !== undefined)?.fault;
  if (fault !== undefined)
    throw new InputError(
      `supports_yaml: ${fault}; until it is mended nobody knows which names are deprecated`,
      'supports_yaml',
    );
  return names;
}
