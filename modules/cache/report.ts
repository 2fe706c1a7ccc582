// What a run did, or in check mode would do, for programs and for people.
import { basename, dirname } from 'node:path';
import { countActions } from '../core/counts.js';
import type { Difference, Outcome } from '../core/operation.js';
import { formatMebibytes } from '../core/sizes.js';
import type { PruneResult } from './prune.js';
import {
  partNames,
  type CacheArguments,
  type CopyContent,
  type CopyResult,
  type FileResult,
  type SetResult,
} from './run.js';

export interface CacheReport {
  readonly files: readonly FileResult[];
  readonly sets: readonly SetResult[];
  readonly pruned: PruneResult;
}

export function cacheOutcome({ files, sets, pruned }: CacheReport, args: CacheArguments, checkMode: boolean): Outcome {
  const all: readonly (FileResult | SetResult)[] = [...files, ...sets];
  const removed = pruned.removed.length > 0 ? `${pruned.removed.length} pruned` : '';
  const summary = [countActions(all), removed].filter(Boolean).join(', ');
  return {
    changed: all.some(({ changed }) => changed) || pruned.removed.length > 0,
    message: `${checkMode ? 'planned: ' : ''}${summary}`,
    values: {
      files: files.map((file) => fileResult(file, args)),
      sets: sets.map((set) => setResult(set, args)),
      digests: resultDigests(files, sets),
      pruned: pruned.removed,
    },
    failures: all.filter(({ action }) => action === 'failed').map(({ path, detail }) => `${path}: ${detail}`),
    warnings: pruned.warnings,
    differences: [
      ...all.filter(({ changed }) => changed).map(resultDifference),
      ...pruned.removed.map(({ path, reason }) => ({ header: path, before: { reason }, after: {} })),
    ],
    table: {
      columns: ['COPY', 'ACTION', 'SIZE', 'LAST MODIFIED', 'REASON'],
      rows: [
        ...files.map(fileRow),
        ...sets.flatMap(setRows),
        ...pruned.removed.map(({ path, reason }) => [path, 'prune', '', '', reason]),
      ],
    },
  };
}

function resultDifference({ path, before, after }: FileResult | SetResult): Difference {
  return { header: path, before, after };
}

function contentResult(path: string, content: CopyContent | undefined): Record<string, unknown> {
  if (!content) return { path };
  const { bytes, digests, modifiedMs, etag } = content;
  return { path, bytes, digests, last_modified: dateText(modifiedMs), ...(etag === undefined ? {} : { etag }) };
}

function sourceResult({
  source,
  reason,
  detail,
}: Pick<CopyResult, 'source' | 'reason' | 'detail'>): Record<string, unknown> {
  return { ...(source === undefined ? {} : { source }), ...(reason === undefined ? {} : { reason }), detail };
}

function fileResult(done: FileResult, args: CacheArguments): Record<string, unknown> {
  const { path, content, action, changed } = done;
  const isUsable = content !== undefined && action !== 'failed';
  return {
    ...contentResult(path, content),
    ...sourceResult(done),
    action,
    changed,
    ...(done.code === undefined ? {} : { code: done.code }),
    ...(isUsable
      ? { instance_info: { image_source: referenceTo(path, dirname(path), args), ...checksumKeys(content, args) } }
      : {}),
  };
}

/**
 * In lower-case hex, because the agent compares the text, and without a prefix of the algorithm,
 * which it does not understand.
 */
function checksumKeys(
  { digests }: CopyContent,
  { checksum_algorithm: algorithm }: CacheArguments,
): Record<string, string> {
  const hashAlgorithm = algorithm === 'md5' ? 'sha256' : algorithm;
  const { md5 } = digests;
  return {
    image_os_hash_algo: hashAlgorithm,
    image_os_hash_value: digests[hashAlgorithm] ?? '',
    ...(md5 === undefined ? {} : { image_checksum: md5 }),
  };
}

function setResult(done: SetResult, args: CacheArguments): Record<string, unknown> {
  const { name, path, version, action, changed, kernel, ramdisk, detail } = done;
  const isUsable = action !== 'failed' && kernel?.content !== undefined && ramdisk?.content !== undefined;
  const part = (of: CopyResult | undefined): Record<string, unknown> | undefined =>
    of && { ...contentResult(of.path, of.content), ...sourceResult(of) };
  const reference = (file: string): string => referenceTo(`${path}/${file}`, dirname(path), args);
  return {
    name,
    path,
    ...(version === undefined ? {} : { version }),
    action,
    changed,
    ...(done.code === undefined ? {} : { code: done.code }),
    detail,
    ...(kernel ? { kernel: part(kernel) } : {}),
    ...(ramdisk ? { ramdisk: part(ramdisk) } : {}),
    ...(isUsable
      ? {
          driver_info: { deploy_kernel: reference('kernel'), deploy_ramdisk: reference('ramdisk') },
          instance_info: { kernel: reference('kernel'), ramdisk: reference('ramdisk') },
        }
      : {}),
  };
}

/** The reference for Ironic. It does not decode percent signs in file URLs, so ours have none. */
function referenceTo(
  path: string,
  folder: string,
  { path_prefix: pathPrefix, url_prefix: urlPrefix }: Pick<CacheArguments, 'path_prefix' | 'url_prefix'>,
): string {
  if (urlPrefix !== undefined)
    return mapPath(path, folder, urlPrefix, (rest) => rest.split('/').map(encodeURIComponent).join('/'));
  return `file://${pathPrefix === undefined ? path : mapPath(path, folder, pathPrefix, (rest) => rest)}`;
}

/** `prefix` replaces the folder, or is `FOLDER=PREFIX`; a path outside FOLDER is not changed. */
function mapPath(path: string, folder: string, prefix: string, encode: (rest: string) => string): string {
  const [, given, replacement = prefix] = /^(\/[^=]*)=(.*)$/.exec(prefix) ?? [];
  const base = (given ?? folder).replace(/\/+$/, '');
  if (!path.startsWith(`${base}/`)) return path;
  return `${replacement.replace(/\/+$/, '')}/${encode(path.slice(base.length + 1))}`;
}

function resultDigests(files: readonly FileResult[], sets: readonly SetResult[]): Record<string, string> {
  const ofFiles = files.map(
    ({ source, path, content }) => [source ?? basename(path), content?.digests.sha256] as const,
  );
  const ofSets = sets.flatMap((set) =>
    partNames.map((part) => [`${set.name}/${part}`, set[part]?.content?.digests.sha256] as const),
  );
  return Object.fromEntries(
    [...ofFiles, ...ofSets].flatMap(([name, digest]) => (digest === undefined ? [] : [[name, digest]])),
  );
}

function fileRow({ path, action, content, reason, detail }: FileResult): string[] {
  return [
    path,
    action,
    sizeText(content),
    content ? dateText(content.modifiedMs) : '',
    reason === undefined ? detail : `${reason}: ${detail}`,
  ];
}

function setRows({ path, action, detail, kernel, ramdisk }: SetResult): string[][] {
  if (action === 'failed' || !kernel || !ramdisk) return [[path, action, '', '', detail]];
  return [kernel, ramdisk].map((part) => [
    part.path,
    action,
    sizeText(part.content),
    part.content ? dateText(part.content.modifiedMs) : '',
    `${part.reason}: ${part.detail}`,
  ]);
}

function sizeText(content: CopyContent | undefined): string {
  return content ? formatMebibytes(content.bytes) : '';
}

/** The part of a content that the diff shows. */
export function contentDifference({ bytes, digests, modifiedMs }: CopyContent): Readonly<Record<string, unknown>> {
  return { bytes, sha256: digests.sha256, last_modified: dateText(modifiedMs) };
}

function dateText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.000Z$/, 'Z');
}
