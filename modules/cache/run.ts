// What the steps of a run share.
import type { HttpClient } from '../clients/http/client.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import type { Checksum } from '../images/policy/checksums.js';
import type { declaration } from './declaration.js';

export type CacheArguments = ArgumentsOf<(typeof declaration)['fields']>;

export interface Run {
  readonly args: CacheArguments;
  readonly context: Context;
  /** Follows redirects, and sends each host its own login. */
  readonly http: HttpClient;
  /** Logs in when it is first asked for: only what comes from Glance needs it. */
  cloud(): Promise<Cloud>;
  /** At most `concurrency` at a time. */
  limited<T>(work: () => Promise<T>): Promise<T>;
}

/** Where an image of the Image service is known by. */
export interface GlanceReference {
  readonly kind: 'glance';
  readonly nameOrId: string;
}

/** An origin as the arguments give it, read and found good. */
export type Origin =
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string; readonly url: string }
  | GlanceReference;

/** A checksum as the arguments give it: known, or to be read from a file. */
export type WantedChecksum =
  | { readonly kind: 'checksum'; readonly checksum: Checksum }
  | {
      readonly kind: 'url';
      readonly origin: Exclude<Origin, GlanceReference>;
      readonly algorithm?: string | undefined;
    };

/** One file to have, wherever it goes. */
export interface Wanted {
  /** Names it in messages: the path of the copy, or such as `ipa/kernel`. */
  readonly label: string;
  readonly origin: Origin;
  readonly checksum?: WantedChecksum | undefined;
}

export interface Ownership {
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

export interface FileJob {
  readonly label: string;
  /** As it was given. */
  readonly dest: string;
  /** Undefined where it is to be absent. */
  readonly wanted: Wanted | undefined;
  readonly ownership: Ownership;
}

/** A job whose folder was opened. */
export type Placed<Job> = Job & {
  /** The folder of `dest` or of the link, by its descriptor. */
  readonly place: string;
};

export const partNames = ['kernel', 'ramdisk'] as const;
export type PartName = (typeof partNames)[number];

export interface SetJob {
  readonly label: string;
  readonly name: string;
  /** The folder of the link. */
  readonly folder: string;
  readonly wanted: Readonly<Record<PartName, Wanted>> | undefined;
  readonly ownership: Ownership;
}

export interface Jobs {
  readonly files: readonly FileJob[];
  readonly sets: readonly SetJob[];
}
