// The catalogue of the older central store: what supports.yaml lists, in the newest build that the
// store has.
import pLimit from 'p-limit';
import type { StoreObject } from '../../clients/store/object.js';
import { openObjectsStore, type ObjectsStore } from '../../clients/store/objects-store.js';
import { readHead, type ProbedObject } from '../../clients/store/reading.js';
import { hasCode, messageOf } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import {
  chooseNamed,
  chooseNewest,
  isHalf,
  type ObjectSubscription,
  type StoreContent,
} from '../policy/build-choice.js';
import { headBytes } from '../policy/disk-formats.js';
import { assertContent, assertTrustedChecksums } from '../policy/disk-inspection.js';
import { describeContent } from '../policy/new-image.js';
import { parseBuild, type ReadBuild, type StoredBuild } from '../policy/stored-builds.js';
import { isMeant, withOtherHalves, type SupportedBuild } from '../policy/supported-builds.js';
import { pinnedMissing, type Catalogue, type CatalogueImage, type ImageSource, type StoreAccess } from './run.js';

/** How many HEAD requests to the store run at once. */
const concurrentProbes = 8;

/** `supported`: what supports.yaml lists. `ids`: only these objects, newest or not. */
export async function openObjects(
  access: StoreAccess,
  supported: readonly SupportedBuild[],
  ids: readonly string[],
): Promise<Catalogue> {
  const { args, http } = access;
  const store = openObjectsStore({ url: args.objects_store_url, container: args.objects_container }, http);
  const base = { kind: 'objects', sourcePrefixes: [withoutCredentials(store.objectsUrl)] } as const;
  return ids.length > 0
    ? { ...base, ...(await openNamed(access, store, supported, ids)) }
    : { ...base, ...openNewest(access, store, supported) };
}

async function openNamed(
  access: StoreAccess,
  store: ObjectsStore,
  supported: readonly SupportedBuild[],
  ids: readonly string[],
): Promise<Pick<Catalogue, 'names' | 'subscribe'>> {
  const read = await readNamed(ids, store, access);
  const subscriptions = chooseNamed(ids, supported, read, read.unreadable, access.args.pins);
  return {
    names: subscriptions.map(({ name }) => name),
    subscribe: async (names) => ({
      images: subscriptions.filter(({ name }) => names.has(name)).map((each) => withSource(each, read, access)),
      failures: [],
      warnings: [],
    }),
  };
}

function openNewest(
  access: StoreAccess,
  store: ObjectsStore,
  supported: readonly SupportedBuild[],
): Pick<Catalogue, 'names' | 'subscribe'> {
  const { args } = access;
  const meant = supported.filter(({ identity }) => isMeant(identity, args.latest, args.ipa));
  return {
    names: meant.map(({ name }) => name),
    subscribe: async (names) => {
      const chosen = meant.filter(({ name }) => names.has(name));
      const subscribed = withOtherHalves(chosen, supported);
      if (subscribed.length === 0) return { images: [], failures: [], warnings: [] };
      const read = await readContent(await store.listIds(), store, access);
      const { subscriptions, failures } = chooseNewest(subscribed, read, args.pins);
      return {
        images: subscriptions.map((each) => withSource(each, read, access)),
        failures: [...read.failures, ...failures],
        warnings: read.warnings,
      };
    },
  };
}

interface ReadContent extends StoreContent {
  readonly objects: ReadonlyMap<string, StoreObject>;
  /** Why an object could not be read, by its id. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The objects with these ids and, if one of them is half of an agent, all objects, because any may
 * be the other half.
 */
async function readNamed(ids: readonly string[], store: ObjectsStore, access: StoreAccess): Promise<ReadContent> {
  const named = await readContent(ids, store, access);
  return named.builds.some(isHalf)
    ? readContent([...new Set([...ids, ...(await store.listIds())])], store, access)
    : named;
}

/** What a HEAD of one object showed. */
type ReadObject =
  | { readonly id: string; readonly object: StoreObject; readonly read: ReadBuild }
  | { readonly id: string; readonly error: unknown };

/** A HEAD for each object, bounded; the failure of one is reported and does not stop the others. */
async function readContent(
  ids: readonly string[],
  store: ObjectsStore,
  { context }: StoreAccess,
): Promise<ReadContent> {
  const limit = pLimit(concurrentProbes);
  const readOne = async (id: string): Promise<ReadObject> => {
    try {
      const { object, headers }: ProbedObject = await store.probe(id);
      return { id, object, read: parseBuild(id, headers) };
    } catch (error) {
      context.signal.throwIfAborted();
      return { id, error };
    }
  };
  const all = await Promise.all(ids.map((id) => limit(() => readOne(id))));
  for (const each of all)
    if ('read' in each && 'foreign' in each.read)
      context.log('debug', `object ${each.id} is left out: ${each.read.foreign}`);
  const builds = all.flatMap((each) => ('read' in each && 'build' in each.read ? [each] : []));
  const errors = all.flatMap((each) => ('error' in each ? [{ ...each, text: messageOf(each.error) }] : []));
  // Swift's lists lag behind at times: an object that is gone is not the newest of anything.
  const isGone = ({ error }: { readonly error: unknown }): boolean => hasCode(error, 'STORE_OBJECT_MISSING');
  const failed = errors.filter((each) => !isGone(each));
  return {
    builds: builds.flatMap(({ read }) => ('build' in read ? [read.build] : [])),
    faulty: all.flatMap((each) => ('read' in each && 'faulty' in each.read ? [each.read.faulty] : [])),
    unread: failed.length,
    objects: new Map(builds.map(({ id, object }) => [id, object])),
    unreadable: new Map(errors.map(({ id, text }) => [id, text])),
    failures: failed.map(({ id, text }) => `object ${id} could not be read: ${text}`),
    warnings: errors.filter(isGone).map(({ text }) => `${text}, although it is listed`),
  };
}

function withSource(subscription: ObjectSubscription, { objects }: ReadContent, access: StoreAccess): CatalogueImage {
  const { name, build } = subscription;
  const object = build && objects.get(build.id);
  if (!object && subscription.pin)
    return { ...subscription, readSource: async () => Promise.reject(pinnedMissing(name, subscription.release)) };
  if (!object) return subscription;
  return {
    ...subscription,
    readSource: async () => ({ source: await readSource(name, build, object, access), warnings: [] }),
  };
}

async function readSource(
  name: string,
  build: StoredBuild,
  listed: StoreObject,
  { args, http }: StoreAccess,
): Promise<ImageSource> {
  const { object, head } = await readHead(http, listed, headBytes);
  assertTrustedChecksums(object);
  assertContent(object, { head }, build.diskFormat);
  const { diskFormat, properties } = build;
  return { object, ...describeContent(object, head, { name, diskFormat, properties, minDisk: args.min_disk }) };
}
