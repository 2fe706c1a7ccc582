// What may be published: names that a site can deploy and archive, manifests that it accepts, and
// files in a format that a store has.
import { InputError, OperationError } from '../../core/errors.js';
import { isWrittenNumber } from '../../core/written-numbers.js';
import { productionNameOf } from './archive-names.js';
import { parseBuildTimestamp } from './dates.js';
import { formatsIn, type ContentSample } from './disk-formats.js';
import { contentFault } from './disk-inspection.js';
import { catalogueNamePattern, parseManifest, releasePattern } from './releases.js';

interface PublishedNames {
  readonly name: string;
  readonly release: string;
}

/**
 * Throws INVALID_INPUT for a name that a site could not deploy, or would mistake for another.
 * `prefix`: that of images that are being uploaded.
 */
export function assertPublicationNames({ name, release }: PublishedNames, prefix: string): void {
  if (!catalogueNamePattern.test(name))
    throw new InputError(
      `name: ${JSON.stringify(name)} is not allowed; use letters, digits, spaces and . _ + -`,
      'name',
    );
  const production = productionNameOf(name, prefix);
  if (production !== name)
    throw new InputError(
      `name: ${JSON.stringify(name)} is what a site calls an image ${production} that is being uploaded or was ` +
        'archived; choose another name',
      'name',
    );
  if (!releasePattern.test(release))
    throw new InputError(
      `release: ${JSON.stringify(release)} is not allowed; use letters, digits and . _ -, such as 20250422-v1`,
      'release',
    );
}

export interface RequestedManifest {
  readonly properties: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/**
 * The manifest with all values as texts. Throws INVALID_INPUT for keys and values that every
 * deployer ignores, and for a `build-timestamp` that none can read.
 */
export function requestedManifest(manifest: Readonly<Record<string, unknown>>): RequestedManifest {
  const values = Object.fromEntries(
    Object.entries(manifest).map(([key, value]) => [key, isNumberOrText(value) ? String(value) : value]),
  );
  // What a site may allow is only warned about.
  const { ignored, meaningful } = parseManifest(values, 'manifest');
  if (ignored.length > 0)
    throw new InputError(
      `manifest: ${ignored.join(', ')} cannot be in a manifest: a key must not be an attribute of Glance or ` +
        'reserved, and a value must be one line of text, a number, true or false',
      'manifest',
    );
  const properties = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
  const { 'build-timestamp': timestamp } = properties;
  if (timestamp !== undefined && parseBuildTimestamp(timestamp) === undefined)
    throw new InputError(
      `manifest: build-timestamp ${JSON.stringify(timestamp)} is neither YYYY-MM-DD HH:MM:SS in UTC nor POSIX seconds`,
      'manifest',
    );
  const warnings =
    meaningful.length > 0
      ? [`sites leave ${meaningful.join(', ')} of the manifest out, unless their allowed_properties names it`]
      : [];
  return { properties, warnings };
}

/** A number that keeps its spelling is an object. */
function isNumberOrText(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value) || isWrittenNumber(value);
}

/** The time as the builders write it, in UTC. */
export function buildTimestampOf(moment: Date): string {
  return moment.toISOString().replace('T', ' ').replace('Z', '000');
}

/**
 * The format of an image file by its content. A name that ends in a format must be right. Throws
 * FORMAT_MISMATCH or FORMAT_UNSAFE for what no deployer would take.
 */
export function publishedFormat(path: string, sample: ContentSample & { readonly bytes: number }): 'qcow2' | 'raw' {
  const ending = /\.(qcow2|raw)$/i.exec(path)?.[1]?.toLowerCase();
  const isQcow2 = ending === undefined ? formatsIn(sample).includes('qcow2') : ending === 'qcow2';
  const format = isQcow2 ? 'qcow2' : 'raw';
  const fault = contentFault(sample, format);
  if (fault) throw new OperationError(fault.code, `${path} ${fault.why}`, { path });
  return format;
}

export interface ByteRange {
  readonly from: number;
  /** The byte after the last one. */
  readonly to: number;
}

/** Swift's default limit for a static large object. */
const mostSegments = 1000;

/** The parts in which an image of this size is uploaded: one, or segments. */
export function segmentRanges(bytes: number, segmentBytes: number): ByteRange[] {
  const length = Math.max(segmentBytes, Math.ceil(bytes / mostSegments));
  return Array.from({ length: Math.max(1, Math.ceil(bytes / length)) }, (_, index) => ({
    from: index * length,
    to: Math.min(bytes, (index + 1) * length),
  }));
}
