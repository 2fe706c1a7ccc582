// What the steps of a cleaning share.
import type { WatchedClock } from '../../clients/keystone/clock.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import type { PlannedRetention, RetentionAction } from '../policy/retention.js';
import type { imageCleanDeclaration } from './declaration.js';

export type CleanArguments = ArgumentsOf<(typeof imageCleanDeclaration)['fields']>;

export interface Run {
  readonly args: CleanArguments;
  readonly context: Context;
  readonly cloud: Cloud;
  /** What the cloud's services say of the time. */
  readonly clock: WatchedClock;
  /** Names of projects by their ids, read when they are first needed; empty where Keystone does not tell. */
  projectNames(): Promise<ReadonlyMap<string, string>>;
}

/** What came of one planned image. */
export interface Done {
  readonly planned: PlannedRetention;
  readonly action: RetentionAction | 'failed';
  readonly reason: string;
}
