// The catalogue of the present central store: names and their releases.
import { withoutCredentials } from '../../core/urls.js';
import { openReleasesStore, type ReleasesStore } from '../../clients/store/releases-store.js';
import { InputError } from '../../core/errors.js';
import { markers, releaseProperty } from '../policy/site-image.js';
import { parseCatalogue, parseManifest, subscriptionOf, type CatalogueEntry } from '../policy/releases.js';
import type { Catalogue, Sourced, Subscribed } from './catalogue.js';
import { assertFormat, headBytes, minDiskGib } from './format.js';
import type { DeployArguments, Planning } from './job.js';

export async function openReleases({ args, http }: Planning): Promise<Catalogue> {
  const store = openReleasesStore({ url: urlOf(args), container: args.image_container, scope: args.scope }, http);
  const entries = parseCatalogue(await store.readCatalogue(), withoutCredentials(store.catalogueUrl));
  return {
    kind: 'releases',
    sourcePrefix: withoutCredentials(store.versionsUrl),
    names: entries.map(({ name }) => name),
    subscribe: async (names) => ({
      subscribed: entries
        .filter(({ name }) => names.has(name))
        .map((entry): Subscribed => ({ ...subscriptionOf(entry), readSource: () => readSource(entry, store, args) })),
      failures: [],
      warnings: [],
    }),
  };
}

/** Throws INVALID_INPUT where the site names no store. */
export function urlOf({ object_store_url: url }: Pick<DeployArguments, 'object_store_url'>): string {
  if (url === undefined)
    throw new InputError(
      'object_store_url is required, here or in site.yaml, since catalog has releases',
      'object_store_url',
    );
  return url;
}

async function readSource(
  { name, release }: CatalogueEntry,
  store: ReleasesStore,
  args: DeployArguments,
): Promise<Sourced> {
  const { properties, ignored, meaningful } = parseManifest(
    await store.readManifest(name, release),
    withoutCredentials(store.manifestUrl(name, release)),
    args.allowed_properties,
  );
  const { object, head } = await store.readHead(
    await store.probe(store.imageUrl(name, release, args.image_type)),
    headBytes,
  );
  assertFormat(object, head, args.image_type);
  const source = {
    object,
    diskFormat: args.image_type,
    minDiskGib: args.min_disk === 'auto' ? minDiskGib(object, head, args.image_type) : undefined,
    properties: {
      ...properties,
      [releaseProperty]: release,
      [markers.name]: name,
      [markers.source]: withoutCredentials(object.url),
      ...(object.sha256 ? { [markers.sha256]: object.sha256 } : {}),
    },
  };
  const leftOut = (keys: readonly string[], why: string): string[] =>
    keys.length > 0
      ? [`${name}: the manifest's ${keys.join(', ')} ${why} and ${keys.length > 1 ? 'were' : 'was'} left out`]
      : [];
  const warnings = [
    ...leftOut(ignored, 'cannot be set by a manifest'),
    ...leftOut(
      meaningful,
      'cannot be set by a manifest, since Glance, Nova or Cinder act on it (see allowed_properties),',
    ),
  ];
  return { source, warnings };
}
