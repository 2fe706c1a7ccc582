// image_cache: looks at every copy and its source, fetches what is not fresh, and puts it in its place at once.
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import pLimit from 'p-limit';
import validate from '#validators/image_cache';
import { lockFile, type FileLock } from '../clients/files/lock.js';
import { withFolders, type Folders } from '../clients/files/folders.js';
import { shownPath } from '../clients/files/paths.js';
import { followRedirects } from '../clients/http/redirects.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { failureOfPart, hasCode, InputError, messageOf } from '../core/errors.js';
import type { Context, Operation, Outcome } from '../core/operation.js';
import { openCloud, openHttp } from '../runtime/connect.js';
import { declaration } from './declaration.js';
import { headersForHosts } from './host-headers.js';
import { readJobs } from './jobs.js';
import { pruneFolder, type Pruned } from './prune.js';
import { nowhere, openOwnPlace } from './record.js';
import { outcomeOf } from './report.js';
import type { FileDone, SetDone } from './result.js';
import type { CacheArguments, FileJob, Jobs, Placed, Run, SetJob } from './run.js';
import { syncFile } from './sync-file.js';
import { syncSet } from './sync-set.js';

export const imageCache: Operation<(typeof declaration)['fields']> = { ...declaration, validate, run: cacheImages };

async function cacheImages(args: CacheArguments, context: Context): Promise<Outcome> {
  const jobs = await readJobs(args, context);
  const run = startRun(args, context);
  return withFolders(async (folders) => carryOut(await placeJobs(jobs, run, folders), run));
}

interface PlacedJobs {
  readonly files: readonly Placed<FileJob>[];
  readonly sets: readonly Placed<SetJob>[];
  /** All folders that have copies, each once, in the order of their paths: two runs that want the same locks must not wait for each other. */
  readonly places: readonly string[];
}

async function carryOut(jobs: PlacedJobs, run: Run): Promise<Outcome> {
  const { args, context } = run;
  const locks = context.checkMode ? [] : await lockAll(jobs.places, run);
  try {
    const [files, sets] = await settled([
      settled(
        jobs.files.map((job) =>
          run.limited(() => guarded(job, run, { work: () => syncFile(job, run), failed: failedFile })),
        ),
      ),
      settled(jobs.sets.map((job) => guarded(job, run, { work: () => syncSet(job, run), failed: failedSet }))),
    ] as const);
    context.signal.throwIfAborted();
    return outcomeOf({ files, sets, pruned: await pruneAll(jobs, run) }, args, context.checkMode);
  } finally {
    for (const lock of locks) await lock.release();
  }
}

function startRun(args: CacheArguments, context: Context): Run {
  const limit = pLimit(args.concurrency);
  let cloud: Promise<Cloud> | undefined;
  return {
    args,
    context,
    http: followRedirects(
      openHttp(args, context, args.tls_minimum_version === '1.3' ? 'TLSv1.3' : 'TLSv1.2'),
      headersForHosts(args.hosts ?? []),
    ),
    cloud: () => (cloud ??= openCloud(args, context)),
    limited: (work) => limit(work),
  };
}

/** Opens the folders of all jobs, each once, whatever it is called. */
async function placeJobs({ files, sets }: Jobs, { context, args }: Run, folders: Folders): Promise<PlacedJobs> {
  const create = args.state === 'present' && !context.checkMode;
  const byPath = new Map<string, string>();
  const byIdentity = new Map<string, string>();
  for (const folder of new Set([...files.map(({ dest }) => dirname(dest)), ...sets.map((job) => job.folder)])) {
    const place = await folders
      .open(folder, { create })
      .catch((error: unknown) => refuse(error, `the folder ${folder} cannot be ${create ? 'made' : 'opened'}`));
    if (place === undefined) continue;
    const { dev, ino } = await fs.stat(place, { bigint: true });
    if (!byIdentity.has(`${dev} ${ino}`)) byIdentity.set(`${dev} ${ino}`, place);
    byPath.set(folder, byIdentity.get(`${dev} ${ino}`) ?? place);
  }
  const placeOf = (folder: string): string => byPath.get(folder) ?? nowhere;
  return {
    files: files.map((job) => ({ ...job, place: placeOf(dirname(job.dest)) })),
    sets: sets.map((job) => ({ ...job, place: placeOf(job.folder) })),
    places: [...byIdentity.values()].sort((one, other) => (shownPath(one) < shownPath(other) ? -1 : 1)),
  };
}

function refuse(error: unknown, what: string): never {
  if (hasCode(error, 'UNSAFE_PATH')) throw error;
  throw new InputError(`dest: ${what} (${shownPath(messageOf(error))})`, 'dest');
}

async function lockAll(places: readonly string[], { args, context }: Run): Promise<FileLock[]> {
  const locks: FileLock[] = [];
  try {
    for (const place of places) {
      await withFolders(async (folders) => {
        const own = await openOwnPlace(folders, place, [], true).catch((error: unknown) =>
          refuse(error, `nothing can be written into ${shownPath(place)}`),
        );
        locks.push(await lockFile(join(own, 'lock'), { waitSeconds: args.lock_timeout, signal: context.signal }));
      });
    }
    return locks;
  } catch (error) {
    for (const lock of locks) await lock.release();
    throw error;
  }
}

/** Waits for all to end, and only then throws what one of them has thrown. */
async function settled<const T extends readonly Promise<unknown>[]>(
  works: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(works);
  return Promise.all(works);
}

/** The failure of one does not stop the others. */
async function guarded<J, D>(
  job: J,
  { context }: Run,
  { work, failed }: { work: () => Promise<D>; failed: (job: J, why: Why) => D },
): Promise<D> {
  try {
    return await work();
  } catch (error) {
    const { code, reason } = failureOfPart(error, context.log);
    return failed(job, { detail: shownPath(reason), code });
  }
}

/** Why a job failed, for people and for programs. */
type Why = Pick<FileDone, 'detail' | 'code'>;

const nothingChanged = { action: 'failed', changed: false, before: {}, after: {} } as const;

function failedFile({ dest }: FileJob, why: Why): FileDone {
  return { ...nothingChanged, path: dest, ...why };
}

function failedSet(job: SetJob, why: Why): SetDone {
  return { ...nothingChanged, name: job.name, path: join(job.folder, job.name), ...why };
}

async function pruneAll({ files, places }: PlacedJobs, run: Run): Promise<Pruned> {
  const current = new Set(files.flatMap(({ dest, place, wanted }) => (wanted ? [join(place, basename(dest))] : [])));
  const pruned: Pruned[] = [];
  for (const folder of places) pruned.push(await pruneFolder(folder, current, run).catch(asWarning));
  return { removed: pruned.flatMap(({ removed }) => removed), warnings: pruned.flatMap(({ warnings }) => warnings) };
}

/** What was fetched is not lost over something that cannot be looked through. */
function asWarning(error: unknown): Pruned {
  if (hasCode(error, 'UNSAFE_PATH')) return { removed: [], warnings: [messageOf(error)] };
  throw error;
}
