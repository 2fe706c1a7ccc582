// By which method the data of an image reach Glance, and what can be compared before Glance imports them.
import { optionText } from '../../core/option-text.js';
import {
  planVerification,
  type Comparison,
  type ReportedImage,
  type TransferredData,
  type VerifiableSource,
} from './verification.js';

/** How the data of an image reach Glance. */
export type ImportMethod = 'stream' | 'web-download' | 'glance-direct';

/**
 * The method for an image of this format. Kernels and ramdisks are never staged: what a Glance does to images on
 * import, it does to disks, and its conversion fails on anything else.
 */
export function methodFor(requested: ImportMethod, diskFormat: string): ImportMethod {
  return requested === 'glance-direct' && (diskFormat === 'aki' || diskFormat === 'ari') ? 'stream' : requested;
}

/** Why Glance cannot be asked for an import; undefined if it offers the method. */
export function notOffered(method: ImportMethod, offered: readonly string[]): string | undefined {
  if (method === 'stream' || offered.includes(method)) return undefined;
  const list = offered.length > 0 ? offered.join(', ') : 'none';
  return `${optionText('import_method', method)} is not offered by this Glance; it offers: ${list}`;
}

/**
 * What can be compared of data that are staged and not yet imported: Glance reports their size, and the digests of what
 * was read are compared with those that are published.
 */
export function compareStaged(
  { id, created_at, size }: Pick<ReportedImage, 'id' | 'created_at' | 'size'>,
  source: VerifiableSource,
  data: TransferredData,
): Comparison[] {
  const reported = { id, created_at, ...(size === undefined ? {} : { size }) };
  return planVerification(reported, source, data, () => true).flatMap((step) =>
    step.kind === 'compare' ? [step] : [],
  );
}

/**
 * The value of the marker for data that were staged completely: one digest of them, a published one
 * if there is any.
 */
export function stagedMark({ read, sent }: TransferredData, { object }: VerifiableSource): string {
  const { sha256, md5, published = [] } = object;
  const expected = [
    ...(sha256 ? ['sha256'] : []),
    ...published.map(({ algorithm }) => algorithm),
    ...(md5 ? ['md5'] : []),
  ];
  const algorithms = [...expected, ...read.keys()].filter((algorithm) => read.has(algorithm));
  const digests = algorithms.length > 0 ? read : sent;
  const algorithm = algorithms[0] ?? [...sent.keys()][0] ?? '';
  return `${algorithm}:${digests.get(algorithm) ?? ''}`;
}

/** What the marker says of staged data; undefined if no run has noted it. */
export function readStagedMark(mark: string | undefined, bytes: number | undefined): TransferredData | undefined {
  const [, algorithm, digest] = /^([\w-]+):([0-9a-f]+)$/.exec(mark ?? '') ?? [];
  if (!algorithm || !digest || bytes === undefined) return undefined;
  return { bytes, read: new Map([[algorithm, digest]]), sent: new Map() };
}
