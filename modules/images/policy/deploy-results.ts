// The results of a deployment, image by image. A kernel and its initramfs go into production
// together or not at all.
import type { Leftover, PlannedImage } from './deployment.js';
import { holdOf } from './holds.js';
import type { AttributeChange } from './reconciliation.js';
import { markers, releaseLabel, type SiteImage } from './site-image.js';

export interface ImageResult {
  readonly name: string;
  readonly release: string;
  /**
   * `update`: of an image that is up to date, attributes or properties differed. `copy`: stores of
   * Glance lacked it.
   */
  readonly action: PlannedImage['action'] | 'delete' | 'update' | 'copy';
  readonly reason: string;
  readonly held_since?: string;
  readonly id?: string;
  readonly archived_id?: string;
  readonly archived_name?: string;
  readonly archived_hidden?: boolean;
  readonly changes?: readonly AttributeChange[];
  readonly bytes?: number;
  readonly seconds?: number;
  readonly mirror?: string;
  readonly verified_by?: readonly string[];
  readonly converted?: string;
  readonly stores?: readonly string[];
  readonly copied_to?: readonly string[];
  /** The error code of a failure, if there is one. */
  readonly code?: string | undefined;
  /** The image that this run has put into production. */
  readonly promoted?: SiteImage;
}

/** The result before anything is done. */
export function plannedResult(planned: PlannedImage, bytes: number | undefined): ImageResult {
  const { name, release, action, reason, code } = planned;
  const id = action === 'deploy' || action === 'failed' ? undefined : (planned.incoming?.id ?? planned.production?.id);
  const since = planned.heldSince === undefined ? {} : { held_since: planned.heldSince };
  const known = { ...(id ? { id } : {}), ...(bytes === undefined ? {} : { bytes }), ...(code ? { code } : {}) };
  return { name, release, action, reason, ...since, ...known };
}

export function leftoverResult({ image, reason }: Leftover): ImageResult {
  return {
    name: image.properties[markers.name] ?? image.name,
    release: releaseLabel(image),
    action: 'delete',
    reason,
    id: image.id,
  };
}

/** The images that are deployed as one: a kernel with its initramfs, any other image by itself. */
export function groupPairs<J extends { readonly planned: PlannedImage }>(jobs: readonly J[]): J[][] {
  const byName = new Map(jobs.map((job) => [job.planned.name, job]));
  const grouped = new Set<J>();
  return jobs.flatMap((job) => {
    if (grouped.has(job)) return [];
    const other = job.planned.pairedWith === undefined ? undefined : byName.get(job.planned.pairedWith);
    const group = other ? [job, other] : [job];
    for (const each of group) grouped.add(each);
    return [group];
  });
}

/** True for an image that the run works on. */
export function isWork({ action }: Pick<ImageResult, 'action'>): boolean {
  return action === 'deploy' || action === 'resume';
}

/** True for an image that is as it should be. */
function isSettled({ action }: ImageResult): boolean {
  return action === 'up_to_date' || action === 'held';
}

/** True for a result that keeps the other half of a pair out of production. */
export function isBlocking({ action }: Pick<ImageResult, 'action'>): boolean {
  return action === 'failed' || action === 'in_progress';
}

/**
 * The final results of a group if there is nothing to do, or if one half keeps the other from being
 * started; else undefined.
 */
export function settledResults(group: readonly ImageResult[]): readonly ImageResult[] | undefined {
  const obstacle = group.find((result) => !isWork(result) && !isSettled(result));
  if (obstacle) return group.map((result) => (isWork(result) ? blockedResult(result, obstacle) : result));
  return group.some(isWork) ? undefined : group;
}

/**
 * The final results of a group of which one half could not be prepared. `prepared`: the results up
 * to that one.
 */
export function blockedResults(
  group: readonly ImageResult[],
  prepared: readonly ImageResult[],
): readonly ImageResult[] {
  const obstacle = prepared.find(isBlocking);
  if (!obstacle) return prepared;
  return group.map((planned, index) => {
    const result = prepared[index] ?? planned;
    return result === obstacle ? obstacle : blockedResult(result, obstacle);
  });
}

function blockedResult(result: ImageResult, obstacle: ImageResult): ImageResult {
  if (obstacle.action === 'in_progress')
    return {
      ...result,
      action: 'in_progress',
      reason: `it goes into production together with ${obstacle.name}, which another run is deploying`,
    };
  return {
    ...result,
    action: 'failed',
    code: obstacle.code,
    reason: `it goes into production only together with ${obstacle.name}, which is not ready: ${obstacle.reason}`,
  };
}

/** Why an image that was promoted has been archived again. */
export function overtakenReason(newer: SiteImage): string {
  const release = releaseLabel(newer) || 'unknown';
  const hold = holdOf(newer);
  return hold
    ? `another run has put ${newer.id} (release ${release}) back at the same time and holds this release since ` +
        `${hold.since}, so this image has been archived`
    : `another run has promoted the newer image ${newer.id} (release ${release}) at the same time, so this one has ` +
        'been archived';
}
