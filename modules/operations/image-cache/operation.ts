// image_cache: looks at every copy and its source, fetches what is not fresh, and puts it in its place at once.
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import validate from '#validators/image_cache';
import { lockFile, type FileLock } from '../../clients/files/lock.js';
import { statOf } from '../../clients/files/durable.js';
import { followRedirects } from '../../clients/http/redirects.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { failureOfPart, InputError, messageOf } from '../../core/errors.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { openCloud, openHttp } from '../connect.js';
import { declaration } from './declaration.js';
import { headersForHosts } from './host-headers.js';
import { readJobs } from './jobs.js';
import { pruneFolder, type Pruned } from './prune.js';
import { makeFolder, ownFolder } from './record.js';
import { outcomeOf } from './report.js';
import type { FileDone, SetDone } from './result.js';
import type { CacheArguments, FileJob, Jobs, Run, SetJob } from './run.js';
import { syncFile } from './sync-file.js';
import { syncSet } from './sync-set.js';
import { setPlaces } from './versions.js';

export const imageCache: Operation<(typeof declaration)['fields']> = { ...declaration, validate, run: cacheImages };

async function cacheImages(args: CacheArguments, context: Context): Promise<Outcome> {
  const jobs = await readJobs(args, context);
  const run = startRun(args, context);
  const folders = await foldersOf(jobs, run);
  const locks = context.checkMode ? [] : await lockAll(folders, run);
  try {
    const [files, sets] = await settled([
      settled(jobs.files.map((job) => run.limited(() => guarded(job, run, { work: () => syncFile(job, run), failed: failedFile })))),
      settled(jobs.sets.map((job) => guarded(job, run, { work: () => syncSet(job, run), failed: failedSet }))),
    ] as const);
    context.signal.throwIfAborted();
    return outcomeOf({ files, sets, pruned: await pruneAll(folders, jobs, run) }, args, context.checkMode);
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
    http: followRedirects(openHttp(args, context, args.tls_minimum_version === '1.3' ? 'TLSv1.3' : 'TLSv1.2'), headersForHosts(args.hosts ?? [])),
    cloud: () => (cloud ??= openCloud(args, context)),
    limited: (work) => limit(work),
  };
}

/** The real paths of all folders that have copies, each once, in order: two runs that want the same locks must not wait for each other. */
async function foldersOf({ files, sets }: Jobs, { context, args }: Run): Promise<string[]> {
  const given = new Set([...files.map(({ dest }) => dirname(dest)), ...sets.map(({ folder }) => folder)]);
  const real: string[] = [];
  for (const folder of given) {
    if (args.state === 'present' && !context.checkMode) await prepare(folder);
    if ((await statOf(folder)) !== undefined) real.push(await fs.realpath(folder));
  }
  return [...new Set(real)].sort();
}

async function prepare(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new InputError(`dest: the folder ${folder} cannot be made (${messageOf(error)})`, 'dest');
  });
}

async function lockAll(folders: readonly string[], { args, context }: Run): Promise<FileLock[]> {
  const locks: FileLock[] = [];
  try {
    for (const folder of folders) {
      await makeFolder(join(folder, ownFolder)).catch((error: unknown) => {
        throw new InputError(`dest: nothing can be written into ${folder} (${messageOf(error)})`, 'dest');
      });
      locks.push(await lockFile(join(folder, ownFolder, 'lock'), { waitSeconds: args.lock_timeout, signal: context.signal }));
    }
    return locks;
  } catch (error) {
    for (const lock of locks) await lock.release();
    throw error;
  }
}

/** Waits for all to end, and only then throws what one of them has thrown. */
async function settled<const T extends readonly Promise<unknown>[]>(works: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(works);
  return Promise.all(works);
}

/** The failure of one does not stop the others. */
async function guarded<J, D>(job: J, { context }: Run, { work, failed }: { work: () => Promise<D>; failed: (job: J, why: Why) => D }): Promise<D> {
  try {
    return await work();
  } catch (error) {
    const { code, reason } = failureOfPart(error, context.log);
    return failed(job, { detail: reason, code });
  }
}

/** Why a job failed, for people and for programs. */
type Why = Pick<FileDone, 'detail' | 'code'>;

const nothingChanged = { action: 'failed', changed: false, before: {}, after: {} } as const;

function failedFile({ dest }: FileJob, why: Why): FileDone {
  return { ...nothingChanged, path: dest, ...why };
}

function failedSet(job: SetJob, why: Why): SetDone {
  return { ...nothingChanged, name: job.name, path: setPlaces(job).link, ...why };
}

async function pruneAll(folders: readonly string[], jobs: Jobs, run: Run): Promise<Pruned> {
  const current = new Set<string>();
  for (const { dest, wanted } of jobs.files) if (wanted) current.add(join(await fs.realpath(dirname(dest)).catch(() => dirname(dest)), dest.slice(dest.lastIndexOf('/') + 1)));
  const pruned: Pruned[] = [];
  for (const folder of folders) pruned.push(await pruneFolder(folder, current, run));
  return { removed: pruned.flatMap(({ removed }) => removed), warnings: pruned.flatMap(({ warnings }) => warnings) };
}
