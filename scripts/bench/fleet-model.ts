// How many sites ask the central store at the same time, depending on the spread of their timers: a
// model without I/O and without randomness of its own.

export interface Fleet {
  readonly sites: number;
  /** How far apart the runs may begin, in seconds. */
  readonly spreadSeconds: number;
  /** What a site brings in, and the requests with which it does so. */
  readonly bytes: number;
  readonly requests: number;
  /** Of the store's line, and of that of a site, in bytes a second. */
  readonly storeRate: number;
  readonly siteRate: number;
}

export interface Night {
  /** The most runs that were in progress at the same time. */
  readonly sitesAtOnce: number;
  /** If every run sends all its requests in the second in which it begins. */
  readonly requestsInBusiestSecond: number;
  /** Of the store's line, from 0 to 1, in the busiest moment. */
  readonly peakLoad: number;
  readonly longestRunSeconds: number;
  /** From the first beginning to the last end. */
  readonly totalSeconds: number;
}

/**
 * One night: each run begins anywhere within the spread, and the runs in progress share the
 * store's line evenly. `random` gives numbers from 0 up to, not including, 1.
 */
export function simulateNight(fleet: Fleet, random: () => number): Night {
  const unsorted = Array.from({ length: fleet.sites }, () => random() * fleet.spreadSeconds);
  const starts = unsorted.sort((one, other) => one - other);
  const runs = transfer(starts, fleet);
  return {
    sitesAtOnce: runs.atOnce,
    requestsInBusiestSecond: mostWithinOneSecond(starts) * fleet.requests,
    peakLoad: Math.min(1, (runs.atOnce * fleet.siteRate) / fleet.storeRate),
    longestRunSeconds: Math.max(...runs.ends.map((end, index) => end - (starts[index] ?? 0))),
    totalSeconds: (runs.ends.at(-1) ?? 0) - (starts[0] ?? 0),
  };
}

/**
 * All bring in as many bytes at the same rate, so whoever begins first is done first: it is enough
 * to follow what a run that never ends would have got.
 */
function transfer(
  starts: readonly number[],
  { bytes, storeRate, siteRate }: Fleet,
): { readonly ends: readonly number[]; readonly atOnce: number } {
  const goals: number[] = [];
  const ends: number[] = [];
  let [now, got, atOnce] = [0, 0, 0];
  while (ends.length < starts.length) {
    const active = goals.length - ends.length;
    const rate = active === 0 ? 0 : Math.min(siteRate, storeRate / active);
    const nextStart = starts[goals.length] ?? Number.POSITIVE_INFINITY;
    const nextEnd = active === 0 ? Number.POSITIVE_INFINITY : now + ((goals[ends.length] ?? 0) - got) / rate;
    const next = Math.min(nextStart, nextEnd);
    got += (next - now) * rate;
    now = next;
    if (nextStart <= nextEnd) goals.push(got + bytes);
    else ends.push(now);
    atOnce = Math.max(atOnce, goals.length - ends.length);
  }
  return { ends, atOnce };
}

function mostWithinOneSecond(starts: readonly number[]): number {
  let [first, most] = [0, 0];
  for (const [index, start] of starts.entries()) {
    while ((starts[first] ?? 0) < start - 1) first++;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** Numbers that look random and are the same in each run (mulberry32). */
export function repeatableRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
