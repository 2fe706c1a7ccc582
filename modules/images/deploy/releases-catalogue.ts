// The catalogue of the present central store: names and their releases.
import { optionText } from '../../core/option-text.js';
import { openReleasesStore, type ReleasesStore } from '../../clients/store/releases-store.js';
import type { SourceSwitch } from '../../clients/store/source.js';
import { hasCode, InputError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { assertContent, assertTrustedChecksums } from '../policy/disk-inspection.js';
import { headBytes } from '../policy/disk-formats.js';
import { describeContent } from '../policy/new-image.js';
import {
  manifestWarnings,
  objectionToMirrored,
  parseCatalogue,
  parseManifest,
  pinnedEntry,
  subscriptionOf,
  type CatalogueEntry,
} from '../policy/releases.js';
import { pinOf } from '../policy/pinned-builds.js';
import { releaseProperty } from '../policy/site-image.js';
import {
  mirrorAccess,
  pinnedMissing,
  switchMessage,
  type Catalogue,
  type CatalogueImage,
  type DeployArguments,
  type ImageSource,
  type StoreAccess,
} from './run.js';

export async function openReleases(access: StoreAccess): Promise<Catalogue> {
  const { args } = access;
  const switches: SourceSwitch[] = [];
  const mirrors = mirrorAccess(access, 'releases');
  const onSwitch = (switched: SourceSwitch): void => {
    switches.push(switched);
    mirrors.onSwitch?.(switched);
  };
  const store = openReleasesStore(
    { urls: storeUrls(args), container: args.image_container, scope: args.scope },
    { ...mirrors, onSwitch },
  );
  const listed = parseCatalogue(await store.readCatalogue(), withoutCredentials(store.catalogueUrl));
  const isFromMirror = switches.length > 0;
  const warnings = switches.map((switched) => switchMessage('the catalogue', switched));
  const entries = listed.map((entry) => {
    const pin = pinOf(entry.name, args.pins ?? {});
    return pin === undefined ? entry : pinnedEntry(entry, pin);
  });
  return {
    kind: 'releases',
    sourcePrefixes: [withoutCredentials(store.versionsUrl)],
    names: entries.map(({ name }) => name),
    subscribe: async (names) => ({
      images: entries
        .filter(({ name }) => names.has(name))
        .map(
          (entry): CatalogueImage => ({
            ...subscriptionOf(entry),
            changedAt: store.catalogueChangedAt(),
            ...(isFromMirror ? { objectionTo: (image) => objectionToMirrored(entry, image) } : {}),
            readSource: () => readEntry(entry, store, args),
          }),
        ),
      failures: [],
      warnings,
    }),
  };
}

/** Throws INVALID_INPUT if the site configures no store. */
export function storeUrls({ object_store_url: urls }: Pick<DeployArguments, 'object_store_url'>): readonly string[] {
  if (!urls?.length)
    throw new InputError(
      `${optionText('object_store_url')} is required, here or in site.yaml, because ` +
        `${optionText('catalog')} includes releases`,
      'object_store_url',
    );
  return urls;
}

/** Throws PINNED_RELEASE_MISSING if the store no longer has the release that the site pins. */
async function readEntry(entry: CatalogueEntry, store: ReleasesStore, args: DeployArguments) {
  try {
    return await readSource(entry, store, args);
  } catch (error) {
    throw entry.pin && hasCode(error, 'STORE_OBJECT_MISSING') ? pinnedMissing(entry.name, entry.release, error) : error;
  }
}

async function readSource(
  { name, release }: CatalogueEntry,
  store: ReleasesStore,
  args: DeployArguments,
): Promise<{ readonly source: ImageSource; readonly warnings: readonly string[] }> {
  const manifest = parseManifest(
    await store.readManifest(name, release),
    withoutCredentials(store.manifestUrl(name, release)),
    args.allowed_properties,
  );
  const url = store.imageUrl(name, release, args.image_type);
  const { object, head } = await store.readBeginning(url, headBytes);
  assertTrustedChecksums(object);
  assertContent(object, { head }, args.image_type);
  const content = describeContent(object, head, {
    name,
    diskFormat: args.image_type,
    properties: { ...manifest.properties, [releaseProperty]: release },
    minDisk: args.min_disk,
  });
  return {
    source: { object, mirrors: store.mirrorsOf(url), ...content },
    warnings: manifestWarnings(name, manifest),
  };
}
