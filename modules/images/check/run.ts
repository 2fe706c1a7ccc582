// What the parts of a check share. Each returns what it observed; what keeps it from looking is an
// observation too, and hides no other.
import type { Image } from '../../clients/glance/images.js';
import type { HttpClient } from '../../clients/http/client.js';
import type { WatchedClock } from '../../clients/keystone/clock.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { failureOfPart } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import type { DeployArguments } from '../deploy/run.js';
import { adviceOn } from '../policy/check-advice.js';
import type { CheckedRun, CheckedRuns, Observation } from '../policy/check-findings.js';
import type { siteCheckDeclaration } from './declaration.js';

export type CheckArguments = ArgumentsOf<(typeof siteCheckDeclaration)['fields']>;

export interface CheckRun {
  readonly args: CheckArguments;
  readonly context: Context;
  readonly runs: CheckedRuns;
  /** For the image stores. */
  readonly http: HttpClient;
}

/** A check that is logged in. */
export interface CheckedSite extends CheckRun {
  readonly cloud: Cloud;
  readonly clock: WatchedClock;
  /** Those of the site, as a clean-up lists them; undefined if they could not be read. */
  readonly images: readonly Image[] | undefined;
}

/** What is looked at, and the runs that fail if it cannot be. */
export interface CheckPart extends Pick<Observation, 'check' | 'subject'> {
  readonly fails: readonly CheckedRun[];
}

export type Looked<T> =
  | { readonly value: T; readonly failure?: undefined }
  | { readonly value?: undefined; readonly failure: Observation };

/** What `look` found, or why it could not. Throws only if the run is interrupted. */
export async function attempt<T>(
  { context }: Pick<CheckRun, 'context'>,
  part: CheckPart,
  look: () => T | Promise<T>,
): Promise<Looked<T>> {
  try {
    return { value: await look() };
  } catch (error) {
    context.signal.throwIfAborted();
    return { failure: failureObservation(error, part, context) };
  }
}

/** The observations of a part, or why there are none. */
export async function observe(
  run: Pick<CheckRun, 'context'>,
  part: CheckPart,
  look: () => readonly Observation[] | Promise<readonly Observation[]>,
): Promise<readonly Observation[]> {
  const { value, failure } = await attempt(run, part, look);
  return failure ? [failure] : value;
}

export function failureObservation(
  error: unknown,
  { check, subject, fails }: CheckPart,
  { log }: Pick<Context, 'log'>,
): Observation {
  const { code, reason } = failureOfPart(error, log);
  const advice = adviceOn(code);
  return {
    check,
    ...(subject === undefined ? {} : { subject }),
    text: reason,
    fault: { fails, code, ...(advice === undefined ? {} : { advice }) },
  };
}

/** The arguments of the deployment that the site would run. */
export function deployArguments(args: CheckArguments): DeployArguments {
  return { ...args, force: false, stall_timeout: args.timeout, attempts: 1 };
}
