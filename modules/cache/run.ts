// What the steps of a run share: its arguments as jobs, and what came of each.
import type { HttpClient } from '../clients/http/client.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import type { Checksum } from '../images/policy/checksums.js';
import type { imageCacheDeclaration } from './declaration.js';
import type { FreshnessReason } from './policy/freshness.js';
import type { FileOwnership } from './policy/ownership.js';

export type CacheArguments = ArgumentsOf<(typeof imageCacheDeclaration)['fields']>;

export interface CacheRun {
  readonly args: CacheArguments;
  readonly context: Context;
  /** Follows redirects, and sends each host only its own credentials and headers. */
  readonly http: HttpClient;
  /** Logs in on the first call: only images from Glance need it. */
  cloud(): Promise<Cloud>;
  /** At most `concurrency` at a time. */
  limited<T>(work: () => Promise<T>): Promise<T>;
}

interface GlanceReference {
  readonly kind: 'glance';
  readonly nameOrId: string;
}

/** Where a file comes from. */
export type Origin =
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string; readonly url: string }
  | GlanceReference;

/** A checksum that is given, or is to be read from a checksum file. */
export type RequestedChecksum =
  | { readonly kind: 'checksum'; readonly checksum: Checksum }
  | {
      readonly kind: 'url';
      readonly origin: Exclude<Origin, GlanceReference>;
      readonly algorithm?: string | undefined;
    };

export interface RequestedFile {
  /** Names it in messages: the path of the copy, or such as `ipa/kernel`. */
  readonly label: string;
  readonly origin: Origin;
  readonly checksum?: RequestedChecksum | undefined;
}

export interface FileJob {
  readonly label: string;
  /** As it was given. */
  readonly dest: string;
  /** Undefined if `state` is `absent`. */
  readonly file: RequestedFile | undefined;
  readonly ownership: FileOwnership;
}

export const partNames = ['kernel', 'ramdisk'] as const;
export type PartName = (typeof partNames)[number];
/** Something of each of the two files of a set. */
export type SetParts<T> = Readonly<Record<PartName, T>>;

export interface SetJob {
  readonly label: string;
  readonly name: string;
  /** The folder of the link. */
  readonly folder: string;
  /** Undefined if `state` is `absent`. */
  readonly files: SetParts<RequestedFile> | undefined;
  readonly ownership: FileOwnership;
}

/** A job whose folder is open. */
export type OpenedJob<Job> = Job & {
  /** The folder of `dest`, or of the link, by its descriptor. */
  readonly openFolder: string;
};

export interface CacheJobs {
  readonly files: readonly FileJob[];
  readonly sets: readonly SetJob[];
}

/** A copy as it is now, or in check mode as it was found. */
export interface CopyContent {
  readonly bytes: number;
  readonly digests: Readonly<Record<string, string>>;
  readonly modifiedMs: number;
  readonly etag?: string | undefined;
}

export interface CopyResult {
  readonly path: string;
  /** The reason as a sentence. */
  readonly detail: string;
  readonly source?: string | undefined;
  readonly reason?: FreshnessReason | undefined;
  readonly content?: CopyContent | undefined;
}

export interface JobResult {
  readonly path: string;
  readonly detail: string;
  readonly action: 'fresh' | 'fetch' | 'adjust' | 'remove' | 'absent' | 'failed';
  /** The stable code of a failure. */
  readonly code?: string;
  readonly changed: boolean;
  /** What differs, for the diff. */
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

export type FileResult = JobResult & CopyResult;

export interface SetResult extends JobResult {
  readonly name: string;
  readonly version?: string | undefined;
  readonly kernel?: CopyResult | undefined;
  readonly ramdisk?: CopyResult | undefined;
}
