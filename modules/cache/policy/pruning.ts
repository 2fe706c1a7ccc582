// What a cache gives up: old versions of its sets, files that nobody asks for any more, and the oldest where it is too large.

/** One file of the cache, or one version of a set. */
export interface CacheEntry {
  readonly path: string;
  readonly bytes: number;
  /** When it was last fetched, looked at or read, in milliseconds since 1970. */
  readonly lastUsedMs: number;
  /** Somebody has a hard link to it: Ironic, for a node that boots from it. */
  readonly isLinked: boolean;
  /** It is what this run was asked for, or what the link of its set leads to. */
  readonly isCurrent: boolean;
  /** The set of which it is a version. */
  readonly set?: string;
}

export interface PruningLimits {
  /** How many versions of a set stay beside the current one. */
  readonly keep: number;
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly nowMs: number;
}

export interface Pruning {
  readonly remove: readonly { readonly entry: CacheEntry; readonly reason: string }[];
  /** Bytes above the limit that may not be given up; 0 where the limit holds. */
  readonly excessBytes: number;
}

/** Decides. What is current or linked stays, whatever the limits say. */
export function planPruning(entries: readonly CacheEntry[], limits: PruningLimits): Pruning {
  const reasons = new Map<CacheEntry, string>();
  const mayGo = (entry: CacheEntry): boolean => !entry.isCurrent && !entry.isLinked && !reasons.has(entry);
  for (const entry of surplusVersions(entries, limits.keep))
    if (mayGo(entry)) reasons.set(entry, `keep is ${limits.keep}`);
  const { maxAgeMs, maxBytes, nowMs } = limits;
  if (maxAgeMs !== undefined) {
    for (const entry of entries)
      if (mayGo(entry) && nowMs - entry.lastUsedMs > maxAgeMs) reasons.set(entry, 'not used for longer than max_age');
  }
  let left = totalBytes(entries.filter((entry) => !reasons.has(entry)));
  if (maxBytes !== undefined) {
    for (const entry of oldestFirst(entries)) {
      if (left <= maxBytes) break;
      if (!mayGo(entry)) continue;
      reasons.set(entry, 'the cache is larger than max_size');
      left -= entry.bytes;
    }
  }
  const remove = [...reasons].map(([entry, reason]) => ({ entry, reason }));
  return { remove, excessBytes: maxBytes === undefined ? 0 : Math.max(left - maxBytes, 0) };
}

/** The versions of each set beyond the newest `keep` that are not current. */
function surplusVersions(entries: readonly CacheEntry[], keep: number): CacheEntry[] {
  const sets = new Set(entries.flatMap(({ set }) => (set === undefined ? [] : [set])));
  return [...sets].flatMap((set) =>
    oldestFirst(entries.filter((entry) => entry.set === set && !entry.isCurrent))
      .reverse()
      .slice(keep),
  );
}

function oldestFirst(entries: readonly CacheEntry[]): CacheEntry[] {
  return [...entries].sort((one, other) => one.lastUsedMs - other.lastUsedMs || (one.path < other.path ? -1 : 1));
}

function totalBytes(entries: readonly CacheEntry[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0);
}
