// Whether a cached copy is fresh, and why: by the rule of the Bare Metal service, or by a stricter
// one.
import type { Checksum } from '../../images/policy/checksums.js';

type FreshnessRule = 'last_modified' | 'strict';

/** The present state of the source. */
export interface Remote {
  /** Identifies the source: a URL, or `glance:<id>`. */
  readonly source: string;
  /** Milliseconds since 1970; undefined if it is missing or in an unknown format. */
  readonly modifiedMs?: number | undefined;
  readonly etag?: string | undefined;
  readonly bytes?: number | undefined;
  /** The server forbids caching: `Cache-Control: no-store`. */
  readonly noStore?: boolean | undefined;
  /** The source never changes: an image in Glance. */
  readonly isImmutable?: boolean | undefined;
}

/** The present copy. */
export interface Copy {
  /** Its mtime, which this cache sets to the source's Last-Modified. */
  readonly modifiedMs: number;
  readonly bytes: number;
  /** Where it came from; undefined if the cache did not put it there. */
  readonly source?: string | undefined;
  /** The ETag with which it was fetched. */
  readonly etag?: string | undefined;
  /** Why it is not what was fetched, or not what the checksum requires; undefined if it is. */
  readonly fault?: string | undefined;
}

export type FreshnessReason =
  | ('absent' | 'forced' | 'other-source' | 'checksum' | 'no-store' | 'no-last-modified' | 'newer')
  /** Only with `strict`. */
  | ('older' | 'by-etag' | 'size')
  | 'fresh';

export interface Freshness {
  readonly fetch: boolean;
  readonly reason: FreshnessReason;
  /** The reason as a sentence, with the decisive values. */
  readonly detail: string;
}

/** A file that was verified, by its digests (SHA-256 always) and size. */
interface VerifiedFile {
  readonly digests: Readonly<Record<string, string>>;
  readonly bytes: number;
}

interface CopyEvidence {
  /** What was fetched, by the record. */
  readonly recorded: VerifiedFile | undefined;
  readonly checksum: Checksum | undefined;
  /** False if another user may have put the copy there. */
  readonly isTrusted: boolean;
}

/** Why a copy is not what was fetched, or not what the checksum requires; undefined if it is. */
export function copyFault(
  { digests, bytes }: VerifiedFile,
  { recorded, checksum, isTrusted }: CopyEvidence,
): string | undefined {
  const found = checksum && digests[checksum.algorithm];
  if (checksum && found !== checksum.digest) return `its ${checksum.algorithm} is ${found}, not ${checksum.digest}`;
  if (recorded && recorded.digests.sha256 !== digests.sha256)
    return recorded.bytes === bytes
      ? 'its content is not what was fetched'
      : `it has ${bytes} bytes, but ${recorded.bytes} were fetched`;
  return isTrusted ? undefined : 'this cache did not put it there, and other users may write to its folder';
}

/**
 * With `last_modified`, as the cache of the Bare Metal service does (_delete_master_path_if_stale
 * of ironic/drivers/modules/image_cache.py): a source that is newer than the copy is fetched, equal
 * or older is fresh, and without a readable date it is always fetched. `strict` also fetches if the
 * source is older, or if ETag or size differ, and accepts an equal strong ETag as proof if there is
 * no date.
 */
export function decideFreshness(
  copy: Copy | undefined,
  remote: Remote,
  { rule, force }: { rule: FreshnessRule; force: boolean },
): Freshness {
  if (!copy) return toFetch('absent', 'there is no copy');
  if (force) return toFetch('forced', 'force is set');
  if (copy.source !== undefined && copy.source !== remote.source)
    return toFetch('other-source', `the copy is from ${copy.source}`);
  if (copy.fault !== undefined) return toFetch('checksum', copy.fault);
  if (remote.isImmutable) {
    return copy.source === undefined
      ? toFetch('other-source', 'the source of the copy is unknown')
      : fresh('fresh', 'an image with this id never changes');
  }
  if (remote.noStore) return toFetch('no-store', 'the server forbids caching (Cache-Control: no-store)');
  const byEtag = rule === 'strict' ? decideByEtag(copy, remote) : undefined;
  if (byEtag?.fetch) return byEtag;
  if (remote.modifiedMs === undefined)
    return byEtag ?? toFetch('no-last-modified', 'the server does not report Last-Modified');
  const dates = `modified at ${dateOf(remote.modifiedMs)}, the copy at ${dateOf(copy.modifiedMs)}`;
  if (remote.modifiedMs > copy.modifiedMs) return toFetch('newer', dates);
  if (rule === 'strict') {
    if (remote.modifiedMs < copy.modifiedMs) return toFetch('older', `the source was rolled back: ${dates}`);
    if (remote.bytes !== undefined && remote.bytes !== copy.bytes)
      return toFetch('size', `the source has ${remote.bytes} bytes, the copy ${copy.bytes}`);
  }
  return fresh('fresh', dates);
}

/** Undefined if the ETags prove nothing: one is missing, or both are weak and equal. */
function decideByEtag(copy: Copy, remote: Remote): Freshness | undefined {
  if (copy.etag === undefined || remote.etag === undefined) return undefined;
  if (copy.etag !== remote.etag) return toFetch('by-etag', `the ETag is ${remote.etag}, that of the copy ${copy.etag}`);
  return remote.etag.startsWith('W/') ? undefined : fresh('by-etag', `the ETag is still ${remote.etag}`);
}

/**
 * The condition of a GET if HEAD is refused. A server that answers "not modified since" for an
 * older file hides that it was rolled back, which `strict` must detect.
 */
export function conditionFor({ etag, modifiedMs }: Copy, rule: FreshnessRule): Readonly<Record<string, string>> {
  if (rule === 'last_modified') return { 'If-Modified-Since': new Date(modifiedMs).toUTCString() };
  return etag === undefined ? {} : { 'If-None-Match': etag };
}

/**
 * Whether two answers are of the same file: by ETag if both have one, else by date; and by size if
 * both report it.
 */
export function isSameFile(one: RemoteFacts, other: RemoteFacts): boolean {
  if (one.bytes !== undefined && other.bytes !== undefined && one.bytes !== other.bytes) return false;
  if (one.etag !== undefined && other.etag !== undefined) return one.etag === other.etag;
  return one.modifiedMs === undefined || other.modifiedMs === undefined || one.modifiedMs === other.modifiedMs;
}

type RemoteFacts = Pick<Remote, 'bytes' | 'etag' | 'modifiedMs'>;

function dateOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : date.toISOString().replace(/\.000Z$/, 'Z');
}

function toFetch(reason: FreshnessReason, detail: string): Freshness {
  return { fetch: true, reason, detail };
}

function fresh(reason: FreshnessReason, detail: string): Freshness {
  return { fetch: false, reason, detail };
}
