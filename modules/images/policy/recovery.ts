// What to do with an image that a run has started and not finished: one table over status, age and
// markers.
import { isBrokenImport, isInMotion, isReceiving, isStaged, markers, type SiteImage } from './site-image.js';

export interface RecoverySituation {
  readonly now: Date;
  /** An upload older than this counts as abandoned. */
  readonly uploadTimeoutSeconds: number;
  /** The lock that this run holds: any earlier holder has ended. */
  readonly lock: string;
}

/**
 * `resume`: continue from its status. `in_progress`: another run is working on it. `delete`: of no
 * use. `leave`: not for this run to decide, or not yet.
 */
export type LeftoverVerdict = 'resume' | 'in_progress' | 'delete' | 'leave';

/** A run may pause this long between two steps while it waits for a Glance that is down. */
const pauseSeconds = 600;

/** `isWanted`: the catalogue still has this release of this name. */
export function decideLeftover(
  image: SiteImage,
  isWanted: boolean,
  situation: RecoverySituation,
): { verdict: LeftoverVerdict; reason: string } {
  // Until a run has noted what it staged, only that run knows whether these are all the data.
  const isUnfinished = isStaged(image) && !image.properties[markers.staged];
  const inMotion = isInMotion(image) || isUnfinished;
  // No run deactivates an image, so somebody else did on purpose.
  if (image.status === 'deactivated') return { verdict: 'leave', reason: 'somebody has deactivated it' };
  if (!isReceiving(image) && image.status !== 'queued' && image.status !== 'active') {
    return { verdict: 'delete', reason: `left by an earlier run with status ${image.status}` };
  }
  const idleSeconds = (situation.now.getTime() - Date.parse(image.updated_at)) / 1000;
  const since = `${image.status} since ${image.updated_at}`;
  if (inMotion && idleSeconds >= situation.uploadTimeoutSeconds)
    return { verdict: 'delete', reason: `abandoned upload: ${since}` };

  const isOver = image.properties[markers.lock] === situation.lock || (!inMotion && idleSeconds >= pauseSeconds);
  if (!isOver) return { verdict: isWanted ? 'in_progress' : 'leave', reason: `another run is working on it: ${since}` };
  if (isBrokenImport(image)) return { verdict: 'delete', reason: `Glance has failed to import its data: ${since}` };
  if (!isWanted)
    return { verdict: 'delete', reason: 'left by an earlier run, and its release is no longer in the catalogue' };
  if (image.status === 'active')
    return { verdict: 'resume', reason: 'uploaded by an earlier run and not yet promoted' };
  return { verdict: 'resume', reason: `an earlier run was interrupted during the upload: ${since}` };
}
