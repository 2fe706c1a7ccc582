// What a cache removes: old versions of its sets, files that were not used for long, and the oldest
// if it is too large.

/** One file of the cache, or one version of a set. */
export interface CacheEntry {
  readonly path: string;
  readonly bytes: number;
  /** When it was last fetched, checked or read, in milliseconds since 1970. */
  readonly lastUsedMs: number;
  /** It has another hard link, such as Ironic's for a node that boots from it. */
  readonly isLinked: boolean;
  /** This run requested it, or the link of its set leads to it. */
  readonly isCurrent: boolean;
  /** The set that it is a version of. */
  readonly set?: string;
}

export interface PruningLimits {
  /** How many versions of a set to keep in addition to the current one. */
  readonly keep: number;
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly nowMs: number;
}

export interface PruningPlan {
  readonly remove: readonly { readonly entry: CacheEntry; readonly reason: string }[];
  /** Bytes above the limit that must not be removed; 0 if the limit is kept. */
  readonly excessBytes: number;
}

/** Current or linked entries stay, whatever the limits are. */
export function planPruning(entries: readonly CacheEntry[], limits: PruningLimits): PruningPlan {
  const reasons = new Map<CacheEntry, string>();
  const isRemovable = (entry: CacheEntry): boolean => !entry.isCurrent && !entry.isLinked && !reasons.has(entry);
  for (const entry of surplusVersions(entries, limits.keep))
    if (isRemovable(entry)) reasons.set(entry, `keep is ${limits.keep}`);
  const { maxAgeMs, maxBytes, nowMs } = limits;
  if (maxAgeMs !== undefined) {
    for (const entry of entries)
      if (isRemovable(entry) && nowMs - entry.lastUsedMs > maxAgeMs)
        reasons.set(entry, 'not used for longer than max_age');
  }
  let left = totalBytes(entries.filter((entry) => !reasons.has(entry)));
  if (maxBytes !== undefined) {
    for (const entry of oldestFirst(entries)) {
      if (left <= maxBytes) break;
      if (!isRemovable(entry)) continue;
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
