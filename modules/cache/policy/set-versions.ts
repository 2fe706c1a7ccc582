// The versions of a set: their names and order, and what a run does with a set.
import { isOwnershipChanged, type OwnershipChange } from './ownership.js';

/** The time at which the version was created, so that names sort by age. */
const versionName = /^\d{8}T\d{6}Z(-\d+)?$/;

export function isVersionName(name: string): boolean {
  return versionName.test(name);
}

/** The names of versions among these, oldest first. */
export function sortVersions(names: readonly string[]): string[] {
  const key = (name: string): string =>
    name.replace(/Z(?:-(\d+))?$/, (_, count: string | undefined) => `Z${(count ?? '1').padStart(6, '0')}`);
  return names.filter(isVersionName).sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

/** The name of a version that is created now. */
export function newVersionName(now: Date, existing: readonly string[]): string {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  for (let count = 1; ; count++) {
    const name = count === 1 ? stamp : `${stamp}-${count}`;
    if (!existing.includes(name)) return name;
  }
}

export interface FoundSet {
  /** The version that the link leads to. */
  readonly linked: string | undefined;
  /** The newest complete version, or else the linked one. */
  readonly current: string | undefined;
  /** Whether one of the two files is not fresh. */
  readonly isStale: boolean;
  readonly ownership: Readonly<Record<string, OwnershipChange>>;
}

export interface SetPlan {
  readonly action: 'fetch' | 'adjust' | 'fresh';
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

/**
 * What is done with a set. A version that a killed run completed but did not link is switched to
 * without fetching.
 */
export function planSet({ linked, current, isStale, ownership }: FoundSet): SetPlan {
  if (isStale || current === undefined || linked !== current)
    return { action: 'fetch', before: { version: linked }, after: { version: isStale ? 'a new one' : current } };
  const changed = Object.entries(ownership).filter(([, change]) => isOwnershipChanged(change));
  if (changed.length === 0) return { action: 'fresh', before: {}, after: {} };
  return {
    action: 'adjust',
    before: Object.fromEntries(changed.map(([name, { before }]) => [name, before])),
    after: Object.fromEntries(changed.map(([name, { after }]) => [name, after])),
  };
}
