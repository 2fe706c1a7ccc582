// What to do with an image that some run began and did not finish: one table over status, age and
// markers.
import { isInMotion, markers, type SiteImage } from './site-image.js';

export interface RecoverySituation {
  readonly now: Date;
  /** An upload older than this is abandoned. */
  readonly uploadTimeoutSeconds: number;
  /** The lock that this run holds: whoever held it before is over. */
  readonly lock: string;
}

/**
 * `resume`: go on from the status it has. `in_progress`: a run elsewhere is at it. `delete`: of no
 * use to anybody. `leave`: not ours to judge, or not yet.
 */
export type Verdict = 'resume' | 'in_progress' | 'delete' | 'leave';

/** Between two of its steps a run may pause this long, backing off from a Glance that is down. */
const pauseSeconds = 600;

/** `wanted`: the catalogue still asks for this release of this name. */
export function decideLeftover(
  image: SiteImage,
  wanted: boolean,
  situation: RecoverySituation,
): { verdict: Verdict; reason: string } {
  const inMotion = isInMotion(image);
  // No run deactivates an image: somebody has set it aside.
  if (image.status === 'deactivated') return { verdict: 'leave', reason: 'somebody has deactivated it' };
  if (!inMotion && image.status !== 'queued' && image.status !== 'active') {
    return { verdict: 'delete', reason: `an earlier run left it in status ${image.status}` };
  }
  const idleSeconds = (situation.now.getTime() - Date.parse(image.updated_at)) / 1000;
  const since = `${image.status} since ${image.updated_at}`;
  if (inMotion && idleSeconds >= situation.uploadTimeoutSeconds)
    return { verdict: 'delete', reason: `an upload was abandoned: ${since}` };

  const isOver = image.properties[markers.lock] === situation.lock || (!inMotion && idleSeconds >= pauseSeconds);
  if (!isOver) return { verdict: wanted ? 'in_progress' : 'leave', reason: `a run elsewhere is at it: ${since}` };
  if (!wanted) return { verdict: 'delete', reason: 'an earlier run left it, and its release is not wanted any more' };
  if (image.status === 'active')
    return { verdict: 'resume', reason: 'an earlier run brought it in and did not promote it' };
  return { verdict: 'resume', reason: `an earlier run was broken off during the upload: ${since}` };
}
