// The names that the site's catalogues have: whatever else is in production has left them.
import { withoutCredentials } from '../../clients/http/errors.js';
import { openReleasesStore } from '../../clients/store/releases-store.js';
import { InputError } from '../../core/errors.js';
import { parseCatalogue } from '../../policy/releases.js';
import { cataloguesOf, readSupports } from '../catalogues.js';
import { openHttp } from '../connect.js';
import type { CleanArguments, Run } from './run.js';

/**
 * Every name that the catalogues have, those too whose entry cannot be used. Undefined where one of them is not known at all: then
 * nobody knows which names have left. Of the older store it is supports.yaml that says which names there are.
 */
export async function readCatalogue(run: Pick<Run, 'args' | 'context'>): Promise<ReadonlySet<string> | undefined> {
  const kinds = cataloguesOf(run.args);
  const names = await Promise.all(kinds.map((kind) => (kind === 'releases' ? readReleases(run) : readSupported(run))));
  return names.includes(undefined) ? undefined : new Set(names.flatMap((some) => [...(some ?? [])]));
}

async function readReleases({ args, context }: { readonly args: CleanArguments; readonly context: Run['context'] }): Promise<ReadonlySet<string> | undefined> {
  if (args.object_store_url === undefined) return undefined;
  const store = openReleasesStore({ url: args.object_store_url, container: args.image_container, scope: args.scope }, openHttp(args, context));
  const document = await store.readCatalogue();
  parseCatalogue(document, withoutCredentials(store.catalogueUrl));
  return new Set(Object.keys(document as object));
}

/** Throws INVALID_INPUT for a file with a fault: the name of that image would count as one that has left. */
async function readSupported({ args, context }: Pick<Run, 'args' | 'context'>): Promise<ReadonlySet<string>> {
  const { builds, names } = await readSupports(args, context);
  const fault = builds.find((build) => build.fault !== undefined)?.fault;
  if (fault !== undefined) throw new InputError(`supports_yaml: ${fault}; until it is mended nobody knows which names are deprecated`, 'supports_yaml');
  return names;
}
