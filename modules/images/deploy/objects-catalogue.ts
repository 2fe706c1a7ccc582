// The catalogue of the older central store: what supports.yaml lists, in the newest build that the store has of it.
import pLimit from 'p-limit';
import { withoutCredentials } from '../../core/urls.js';
import type { StoreObject } from '../../clients/store/object.js';
import { openObjectsStore, type ObjectsStore } from '../../clients/store/objects-store.js';
import { readHead, type ProbedObject } from '../../clients/store/reading.js';
import { hasCode, messageOf } from '../../core/errors.js';
import { markers } from '../policy/site-image.js';
import {
  chooseNamed,
  chooseNewest,
  isHalf,
  type ObjectSubscription,
  type StoreContent,
} from '../policy/build-choice.js';
import { parseBuild, type FaultyBuild, type StoredBuild } from '../policy/stored-builds.js';
import { isMeant, withOtherHalves, type SupportedBuild } from '../policy/supported-builds.js';
import type { Catalogue, Subscribed } from './catalogue.js';
import { assertFormat, headBytes, minDiskGib } from './format.js';
import type { Planning, Source } from './job.js';

/** HEADs to the store under way at once. */
const probesAtOnce = 8;

/** `supported`: what supports.yaml lists. `ids`: only these objects, newest or not. */
export async function openObjects(
  planning: Planning,
  supported: readonly SupportedBuild[],
  ids: readonly string[],
): Promise<Catalogue> {
  const { args, http } = planning;
  const store = openObjectsStore({ url: args.objects_store_url, container: args.objects_container }, http);
  const base = { kind: 'objects', sourcePrefix: withoutCredentials(store.objectsUrl) } as const;
  const subscribe = (read: ReadContent, subscriptions: readonly ObjectSubscription[]): Subscribed[] =>
    subscriptions.map((subscription) => withSource(subscription, read, planning));

  if (ids.length > 0) {
    const read = await readNamed(ids, store, planning);
    const subscriptions = chooseNamed(ids, supported, read, read.unreadable);
    return {
      ...base,
      names: subscriptions.map(({ name }) => name),
      subscribe: async (names) => ({
        subscribed: subscribe(
          read,
          subscriptions.filter(({ name }) => names.has(name)),
        ),
        failures: [],
        warnings: [],
      }),
    };
  }
  const meant = supported.filter(({ identity }) => isMeant(identity, args.latest, args.ipa));
  return {
    ...base,
    names: meant.map(({ name }) => name),
    subscribe: async (names) => {
      const wanted = withOtherHalves(
        meant.filter(({ name }) => names.has(name)),
        supported,
      );
      if (wanted.length === 0) return { subscribed: [], failures: [], warnings: [] };
      const read = await readContent(await store.listIds(), store, planning);
      const { subscriptions, failures } = chooseNewest(wanted, read);
      return {
        subscribed: subscribe(read, subscriptions),
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

/** The objects of these names; those of the other halves too, as far as one is a half of an agent. */
async function readNamed(ids: readonly string[], store: ObjectsStore, planning: Planning): Promise<ReadContent> {
  const named = await readContent(ids, store, planning);
  return named.builds.some(isHalf)
    ? readContent([...new Set([...ids, ...(await store.listIds())])], store, planning)
    : named;
}

/** A HEAD for each object, bounded; the failure of one is told and stops no other. */
async function readContent(ids: readonly string[], store: ObjectsStore, { context }: Planning): Promise<ReadContent> {
  const limit = pLimit(probesAtOnce);
  const builds: StoredBuild[] = [];
  const faulty: FaultyBuild[] = [];
  const objects = new Map<string, StoreObject>();
  const unreadable = new Map<string, string>();
  const [failures, warnings]: [string[], string[]] = [[], []];
  const take = (id: string, { object, headers }: ProbedObject): void => {
    const read = parseBuild(id, headers);
    if ('faulty' in read) faulty.push(read.faulty);
    if ('foreign' in read) context.log('debug', `object ${id} is left out: ${read.foreign}`);
    if (!('build' in read)) return;
    builds.push(read.build);
    objects.set(id, object);
  };
  const readOne = async (id: string): Promise<void> => {
    try {
      take(id, await store.probe(id));
    } catch (error) {
      context.signal.throwIfAborted();
      unreadable.set(id, messageOf(error));
      // Swift's lists are behind at times: what is gone is not the newest of anything.
      if (hasCode(error, 'STORE_OBJECT_MISSING')) warnings.push(`${messageOf(error)}, although it is listed`);
      else failures.push(`object ${id} could not be read: ${messageOf(error)}`);
    }
  };
  await Promise.all(ids.map((id) => limit(() => readOne(id))));
  return { builds, faulty, unread: failures.length, objects, unreadable, failures, warnings };
}

function withSource(subscription: ObjectSubscription, { objects }: ReadContent, planning: Planning): Subscribed {
  const { name, build } = subscription;
  const object = build && objects.get(build.id);
  return {
    ...subscription,
    ...(object
      ? { readSource: async () => ({ source: await readSource(name, { build, object }, planning), warnings: [] }) }
      : {}),
  };
}

async function readSource(
  name: string,
  { build, object: listed }: { build: StoredBuild; object: StoreObject },
  { args, http }: Planning,
): Promise<Source> {
  const { object, head } = await readHead(http, listed, headBytes);
  assertFormat(object, head, build.diskFormat);
  const isDisk = build.diskFormat === 'qcow2' || build.diskFormat === 'raw';
  return {
    object,
    diskFormat: build.diskFormat,
    minDiskGib: args.min_disk === 'auto' && isDisk ? minDiskGib(object, head, build.diskFormat) : undefined,
    properties: {
      ...build.properties,
      [markers.name]: name,
      [markers.source]: withoutCredentials(object.url),
      ...(object.sha256 ? { [markers.sha256]: object.sha256 } : {}),
    },
  };
}
