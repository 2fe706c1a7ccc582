// What a run did, or would do, for programs and for people.
import { basename, dirname } from 'node:path';
import type { Difference, Outcome } from '../core/operation.js';
import type { Pruned } from './prune.js';
import { dateText, type Content, type Done, type FileDone, type SetDone } from './result.js';
import { partNames, type CacheArguments } from './run.js';

export interface Report {
  readonly files: readonly FileDone[];
  readonly sets: readonly SetDone[];
  readonly pruned: Pruned;
}

export function outcomeOf({ files, sets, pruned }: Report, args: CacheArguments, checkMode: boolean): Outcome {
  const all: readonly (FileDone | SetDone)[] = [...files, ...sets];
  const counts = new Map<string, number>();
  for (const { action } of all) counts.set(action, (counts.get(action) ?? 0) + 1);
  const parts = [...counts].map(([action, count]) => `${count} ${action}`);
  if (pruned.removed.length > 0) parts.push(`${pruned.removed.length} pruned`);
  return {
    changed: all.some(({ changed }) => changed) || pruned.removed.length > 0,
    message: `${checkMode ? 'planned: ' : ''}${parts.join(', ')}`,
    values: {
      files: files.map((file) => fileResult(file, args)),
      sets: sets.map((set) => setResult(set, args)),
      digests: digestsOf(files, sets),
      pruned: pruned.removed,
    },
    failures: all.filter(({ action }) => action === 'failed').map(({ path, detail }) => `${path}: ${detail}`),
    warnings: pruned.warnings,
    differences: [
      ...all.filter(({ changed }) => changed).map(differenceOf),
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

function differenceOf({ path, before, after }: Done | SetDone): Difference {
  return { header: path, before, after };
}

function contentResult(path: string, content: Content | undefined): Record<string, unknown> {
  if (!content) return { path };
  const { bytes, digests, modifiedMs, etag } = content;
  return { path, bytes, digests, last_modified: dateText(modifiedMs), ...(etag === undefined ? {} : { etag }) };
}

function sourceResult({ source, reason, detail }: Pick<Done, 'source' | 'reason' | 'detail'>): Record<string, unknown> {
  return { ...(source === undefined ? {} : { source }), ...(reason === undefined ? {} : { reason }), detail };
}

function fileResult(done: FileDone, args: CacheArguments): Record<string, unknown> {
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

/** Lower-case hex, since the agent compares letter by letter, and never with the algorithm before it, which it does not understand. */
function checksumKeys({ digests }: Content, { checksum_algorithm: algorithm }: CacheArguments): Record<string, string> {
  const hashAlgorithm = algorithm === 'md5' ? 'sha256' : algorithm;
  const { md5 } = digests;
  return {
    image_os_hash_algo: hashAlgorithm,
    image_os_hash_value: digests[hashAlgorithm] ?? '',
    ...(md5 === undefined ? {} : { image_checksum: md5 }),
  };
}

function setResult(done: SetDone, args: CacheArguments): Record<string, unknown> {
  const { name, path, version, action, changed, kernel, ramdisk, detail } = done;
  const isUsable = action !== 'failed' && kernel?.content !== undefined && ramdisk?.content !== undefined;
  const part = (of: SetDone['kernel']): Record<string, unknown> | undefined =>
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

/** What Ironic is to be told. It does not decode percent signs in file URLs, so there are none in ours. */
export function referenceTo(
  path: string,
  folder: string,
  { path_prefix: pathPrefix, url_prefix: urlPrefix }: Pick<CacheArguments, 'path_prefix' | 'url_prefix'>,
): string {
  if (urlPrefix !== undefined)
    return moved(path, folder, urlPrefix, (rest) => rest.split('/').map(encodeURIComponent).join('/'));
  return `file://${pathPrefix === undefined ? path : moved(path, folder, pathPrefix, (rest) => rest)}`;
}

/** `prefix` is what stands for the folder, or `FOLDER=PREFIX`; a path that is not below FOLDER stays. */
function moved(path: string, folder: string, prefix: string, spell: (rest: string) => string): string {
  const [, given, replacement = prefix] = /^(\/[^=]*)=(.*)$/.exec(prefix) ?? [];
  const base = (given ?? folder).replace(/\/+$/, '');
  if (!path.startsWith(`${base}/`)) return path;
  return `${replacement.replace(/\/+$/, '')}/${spell(path.slice(base.length + 1))}`;
}

function digestsOf(files: readonly FileDone[], sets: readonly SetDone[]): Record<string, string> {
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

function fileRow({ path, action, content, reason, detail }: FileDone): string[] {
  return [
    path,
    action,
    sizeText(content),
    content ? dateText(content.modifiedMs) : '',
    reason === undefined ? detail : `${reason}: ${detail}`,
  ];
}

function setRows({ path, action, detail, kernel, ramdisk }: SetDone): string[][] {
  if (action === 'failed' || !kernel || !ramdisk) return [[path, action, '', '', detail]];
  return [kernel, ramdisk].map((part) => [
    part.path,
    action,
    sizeText(part.content),
    part.content ? dateText(part.content.modifiedMs) : '',
    `${part.reason}: ${part.detail}`,
  ]);
}

function sizeText(content: Content | undefined): string {
  return content ? `${(content.bytes / 2 ** 20).toFixed(1)} MiB` : '';
}
