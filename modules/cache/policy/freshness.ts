// Whether a cached copy still stands for its source, and why: the rule of the Bare Metal service, and a stricter one.

export type FreshnessRule = 'last_modified' | 'strict';

/** What the source says of itself now. */
export interface Remote {
  /** Names the source: a URL, or `glance:<id>`. */
  readonly source: string;
  /** Milliseconds since 1970; undefined where absent or of no known format. */
  readonly modifiedMs?: number | undefined;
  readonly etag?: string | undefined;
  readonly bytes?: number | undefined;
  /** The server forbids to keep it: `Cache-Control: no-store`. */
  readonly noStore?: boolean | undefined;
  /** What bears this name never changes: an image of Glance. */
  readonly isImmutable?: boolean | undefined;
}

/** The copy at hand. */
export interface Copy {
  /** Its mtime, which this cache sets to the source's Last-Modified. */
  readonly modifiedMs: number;
  readonly bytes: number;
  /** Where it came from; undefined where somebody else put it there. */
  readonly source?: string | undefined;
  /** The ETag that it came with. */
  readonly etag?: string | undefined;
  /** Why it is not what was fetched, or not what the checksum says; undefined where it is. */
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
  /** The reason as a sentence, with the values that decided. */
  readonly detail: string;
}

/**
 * Decides. By `last_modified`, as the enrolment guide of the Bare Metal service says and its cache does (_delete_master_path_if_stale of
 * ironic/drivers/modules/image_cache.py): newer than the copy is fetched, equal or older is fresh, absent or unreadable is fetched every time.
 * `strict` also fetches when it is older, or when ETag or size differ, and takes an equal strong ETag for proof where there is no date.
 */
export function decideFreshness(
  copy: Copy | undefined,
  remote: Remote,
  { rule, force }: { rule: FreshnessRule; force: boolean },
): Freshness {
  if (!copy) return toFetch('absent', 'there is no copy');
  if (force) return toFetch('forced', 'force was given');
  if (copy.source !== undefined && copy.source !== remote.source)
    return toFetch('other-source', `the copy is of ${copy.source}`);
  if (copy.fault !== undefined) return toFetch('checksum', copy.fault);
  if (remote.isImmutable) {
    return copy.source === undefined
      ? toFetch('other-source', 'nothing says what the copy is of')
      : fresh('fresh', 'what bears this id never changes');
  }
  if (remote.noStore) return toFetch('no-store', 'the server forbids to keep it (Cache-Control: no-store)');
  const byEtag = rule === 'strict' ? decideByEtag(copy, remote) : undefined;
  if (byEtag?.fetch) return byEtag;
  if (remote.modifiedMs === undefined)
    return byEtag ?? toFetch('no-last-modified', 'the server does not say when it was modified');
  const dates = `modified at ${dateOf(remote.modifiedMs)}, the copy at ${dateOf(copy.modifiedMs)}`;
  if (remote.modifiedMs > copy.modifiedMs) return toFetch('newer', dates);
  if (rule === 'strict') {
    if (remote.modifiedMs < copy.modifiedMs) return toFetch('older', `it was rolled back: ${dates}`);
    if (remote.bytes !== undefined && remote.bytes !== copy.bytes)
      return toFetch('size', `it has ${remote.bytes} bytes, the copy ${copy.bytes}`);
  }
  return fresh('fresh', dates);
}

/** Undefined where the ETags tell nothing: one is missing, or both are weak and equal. */
function decideByEtag(copy: Copy, remote: Remote): Freshness | undefined {
  if (copy.etag === undefined || remote.etag === undefined) return undefined;
  if (copy.etag !== remote.etag) return toFetch('by-etag', `its ETag is ${remote.etag}, the copy's ${copy.etag}`);
  return remote.etag.startsWith('W/') ? undefined : fresh('by-etag', `its ETag is still ${remote.etag}`);
}

/** Whether two answers are of the same file: by ETag where both have one, else by date; and by size where both tell it. */
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
