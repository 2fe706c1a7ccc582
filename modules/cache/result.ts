// What came of each thing that was asked for.
import type { FreshnessReason } from './policy/freshness.js';

export type Action = 'fresh' | 'fetch' | 'adjust' | 'remove' | 'absent' | 'failed';

/** A copy as it is now, or in check mode was before. */
export interface Content {
  readonly bytes: number;
  readonly digests: Readonly<Record<string, string>>;
  readonly modifiedMs: number;
  readonly etag?: string | undefined;
}

interface Facts {
  readonly path: string;
  readonly detail: string;
  readonly source?: string | undefined;
  readonly reason?: FreshnessReason | undefined;
  readonly content?: Content | undefined;
}

export interface Done extends Facts {
  readonly action: Action;
  /** The stable code of a failure. */
  readonly code?: string;
  readonly changed: boolean;
  /** What differs, for the diff. */
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

export type FileDone = Done;

/** A set: of its two files only what was found and why. */
export interface SetDone extends Omit<Done, 'source' | 'reason' | 'content'> {
  readonly name: string;
  readonly version?: string | undefined;
  readonly kernel?: Facts | undefined;
  readonly ramdisk?: Facts | undefined;
}

/** Of a content, what the diff shows. */
export function shownOf({ bytes, digests, modifiedMs }: Content): Readonly<Record<string, unknown>> {
  return { bytes, sha256: digests.sha256, last_modified: dateText(modifiedMs) };
}

export function dateText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.000Z$/, 'Z');
}
