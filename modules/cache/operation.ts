// image_cache: looks at every copy and its source, fetches what is not fresh, and replaces it in
// one step.
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
import { permissionWarnings } from '../core/rights.js';
import { imagePermissions } from '../images/policy/image-permissions.js';
import { openCloud, openHttp } from '../runtime/connect.js';
import { imageCacheDeclaration } from './declaration.js';
import { headersForHosts } from './http-source.js';
import { readJobs } from './jobs.js';
import { pruneFolder, type PruneResult } from './prune.js';
import { missingFolder, openCacheFolder } from './record.js';
import { cacheOutcome } from './report.js';
import type {
  CacheArguments,
  CacheJobs,
  CacheRun,
  CopyResult,
  FileJob,
  FileResult,
  OpenedJob,
  SetJob,
  SetResult,
} from './run.js';
import { syncFile } from './sync-file.js';
import { syncSet } from './sync-set.js';

export const imageCache: Operation<(typeof imageCacheDeclaration)['fields']> = {
  ...imageCacheDeclaration,
  validate,
  run: cacheImages,
};

async function cacheImages(args: CacheArguments, context: Context): Promise<Outcome> {
  const jobs = await readJobs(args, context);
  const run = startCacheRun(args, context);
  return withFolders(async (folders) => carryOut(await openJobs(jobs, run, folders), run));
}

interface OpenedJobs {
  readonly files: readonly OpenedJob<FileJob>[];
  readonly sets: readonly OpenedJob<SetJob>[];
  /**
   * All folders with copies, each once, sorted by path: two runs that need the same locks must not
   * wait for each other.
   */
  readonly openFolders: readonly string[];
}

async function carryOut(jobs: OpenedJobs, run: CacheRun): Promise<Outcome> {
  const { args, context } = run;
  const locks = context.checkMode ? [] : await lockAll(jobs.openFolders, run);
  try {
    const [files, sets] = await allSettled([
      allSettled(
        jobs.files.map((job) =>
          run.limited(() => guarded(job, run, { work: () => syncFile(job, run), failed: failedFile })),
        ),
      ),
      allSettled(jobs.sets.map((job) => guarded(job, run, { work: () => syncSet(job, run), failed: failedSet }))),
    ] as const);
    context.signal.throwIfAborted();
    const outcome = cacheOutcome({ files, sets, pruned: await pruneAll(jobs, run) }, args, context.checkMode);
    const denied = context.checkMode ? await deniedDownloads([...files, ...sets], run) : [];
    return { ...outcome, warnings: [...outcome.warnings, ...denied] };
  } finally {
    for (const lock of locks) await lock.release();
  }
}

/** What the login lacks for the images that would be fetched from Glance. */
async function deniedDownloads(results: readonly (FileResult | SetResult)[], run: CacheRun): Promise<string[]> {
  const fromGlance = (copy: CopyResult | undefined): boolean => copy?.source?.startsWith('glance:') ?? false;
  const uses = results
    .filter(({ action }) => action === 'fetch')
    .filter((result) =>
      'name' in result ? fromGlance(result.kernel) || fromGlance(result.ramdisk) : fromGlance(result),
    )
    .map(({ path }) => ({ permission: imagePermissions.download, subject: path }));
  return uses.length > 0 ? permissionWarnings(uses, await (await run.cloud()).rights('image')) : [];
}

function startCacheRun(args: CacheArguments, context: Context): CacheRun {
  const limit = pLimit(args.concurrency);
  let cloud: Promise<Cloud> | undefined;
  return {
    args,
    context,
    http: followRedirects(
      openHttp(args, context, { tlsMinimumVersion: args.tls_minimum_version === '1.3' ? 'TLSv1.3' : 'TLSv1.2' }),
      headersForHosts(args.hosts ?? []),
    ),
    cloud: () => (cloud ??= openCloud(args, context)),
    limited: (work) => limit(work),
  };
}

/** Opens the folders of all jobs, each once, even if it has several names. */
async function openJobs(
  { files, sets }: CacheJobs,
  { context, args }: CacheRun,
  folders: Folders,
): Promise<OpenedJobs> {
  const create = args.state === 'present' && !context.checkMode;
  const byPath = new Map<string, string>();
  const byIdentity = new Map<string, string>();
  for (const folder of new Set([...files.map(({ dest }) => dirname(dest)), ...sets.map((job) => job.folder)])) {
    const openFolder = await folders
      .open(folder, { create })
      .catch((error: unknown) => refuse(error, `the folder ${folder} cannot be ${create ? 'created' : 'opened'}`));
    if (openFolder === undefined) continue;
    const { dev, ino } = await fs.stat(openFolder, { bigint: true });
    if (!byIdentity.has(`${dev} ${ino}`)) byIdentity.set(`${dev} ${ino}`, openFolder);
    byPath.set(folder, byIdentity.get(`${dev} ${ino}`) ?? openFolder);
  }
  const openFolderOf = (folder: string): string => byPath.get(folder) ?? missingFolder;
  return {
    files: files.map((job) => ({ ...job, openFolder: openFolderOf(dirname(job.dest)) })),
    sets: sets.map((job) => ({ ...job, openFolder: openFolderOf(job.folder) })),
    openFolders: [...byIdentity.values()].sort((one, other) => (shownPath(one) < shownPath(other) ? -1 : 1)),
  };
}

function refuse(error: unknown, what: string): never {
  if (hasCode(error, 'UNSAFE_PATH')) throw error;
  throw new InputError(`dest: ${what} (${shownPath(messageOf(error))})`, 'dest');
}

async function lockAll(openFolders: readonly string[], { args, context }: CacheRun): Promise<FileLock[]> {
  const locks: FileLock[] = [];
  try {
    for (const openFolder of openFolders) {
      await withFolders(async (folders) => {
        const own = await openCacheFolder(folders, openFolder, [], true).catch((error: unknown) =>
          refuse(error, `${shownPath(openFolder)} is not writable`),
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

/** Waits for all even if one fails, so that nothing is in progress when the failure is thrown. */
async function allSettled<const T extends readonly Promise<unknown>[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** A failed job does not stop the others. */
async function guarded<J, D>(
  job: J,
  { context }: CacheRun,
  { work, failed }: { work: () => Promise<D>; failed: (job: J, why: FailureReason) => D },
): Promise<D> {
  try {
    return await work();
  } catch (error) {
    const { code, reason } = failureOfPart(error, context.log);
    return failed(job, { detail: shownPath(reason), code });
  }
}

type FailureReason = Pick<FileResult, 'detail' | 'code'>;

const nothingChanged = { action: 'failed', changed: false, before: {}, after: {} } as const;

function failedFile({ dest }: FileJob, why: FailureReason): FileResult {
  return { ...nothingChanged, path: dest, ...why };
}

function failedSet(job: SetJob, why: FailureReason): SetResult {
  return { ...nothingChanged, name: job.name, path: join(job.folder, job.name), ...why };
}

async function pruneAll({ files, openFolders }: OpenedJobs, run: CacheRun): Promise<PruneResult> {
  const current = new Set(
    files.flatMap(({ dest, openFolder, file }) => (file ? [join(openFolder, basename(dest))] : [])),
  );
  const pruned: PruneResult[] = [];
  for (const folder of openFolders) pruned.push(await pruneFolder(folder, current, run).catch(asWarning));
  return { removed: pruned.flatMap(({ removed }) => removed), warnings: pruned.flatMap(({ warnings }) => warnings) };
}

/** A folder that cannot be examined does not make the fetched files fail. */
function asWarning(error: unknown): PruneResult {
  if (hasCode(error, 'UNSAFE_PATH')) return { removed: [], warnings: [messageOf(error)] };
  throw error;
}
