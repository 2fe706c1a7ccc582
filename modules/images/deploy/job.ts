// What the steps of a deployment share.
import type { HttpClient } from '../../clients/http/client.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import type { StoreObject } from '../../clients/store/object.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import type { PlannedImage, Subscription } from '../policy/deployment.js';
import type { RecoverySituation } from '../policy/recovery.js';
import type { imageDeployDeclaration } from './declaration.js';

export type DeployArguments = ArgumentsOf<(typeof imageDeployDeclaration)['fields']>;

/** By which digests a Glance tells what it has stored. */
export interface GlanceDigests {
  /** Whether it tells MD5, as `checksum`. It does not where MD5 is forbidden. */
  readonly md5: boolean;
  /** The algorithm of `os_hash_value`, by its hashlib name. */
  readonly algorithm?: string;
}

/** What reading the stores takes. */
export interface Planning {
  readonly args: DeployArguments;
  readonly context: Context;
  readonly http: HttpClient;
}

/** The site, the stores and the rules of one run. */
export interface Run extends Planning {
  readonly cloud: Cloud;
  readonly recovery: RecoverySituation;
  /** Names that images of our project have; archive names are added as they are given. */
  readonly takenNames: Set<string>;
  /** Told at the end of the run, beside what the plan has to say. */
  readonly warnings: string[];
  /** What this Glance tells of its images, as the newest one shows; undefined on an empty site. */
  readonly glanceDigests: GlanceDigests | undefined;
}

/** Where the data of an image come from, and what is to be written beside them. */
export interface Source {
  readonly object: StoreObject;
  /** As Glance calls it. */
  readonly diskFormat: string;
  /** All properties of the new image but the markers that depend on its id. */
  readonly properties: Readonly<Record<string, string>>;
  readonly minDiskGib: number | undefined;
}

/** A planned image with all that carrying it out needs. */
export interface Job {
  readonly planned: PlannedImage;
  /** Whether an image of the site was made of the release that is planned. */
  readonly isBuiltFrom: Subscription['isBuiltFrom'];
  /** Absent where nothing is to be transferred. */
  readonly source?: Source;
  readonly warnings: readonly string[];
}

/** One image to transfer, and all that it takes. */
export interface Work {
  readonly job: Job;
  readonly source: Source;
  readonly run: Run;
}

export interface ImageResult {
  readonly name: string;
  readonly release: string;
  readonly action: PlannedImage['action'] | 'delete';
  readonly reason: string;
  readonly id?: string;
  readonly archived_id?: string;
  readonly archived_name?: string;
  readonly bytes?: number;
  readonly seconds?: number;
  readonly verified_by?: readonly string[];
}
