// What a deployment would do, image by image, as far as its plan tells.
import type { Image } from '../../clients/glance/images.js';
import { groupPairs, type ImageResult } from '../policy/deploy-results.js';
import { planGroup } from './deploy-group.js';
import { plannedReconciliation } from './reconcile.js';
import type { DeployJob, DeployRun } from './run.js';
import { withPlannedCopies } from './stores.js';

/** The results of the images; `more`: those of others. Copies are planned for all of them. */
export function expectedResults(
  jobs: readonly DeployJob[],
  images: readonly Image[],
  run: DeployRun,
  more: readonly ImageResult[] = [],
): readonly ImageResult[] {
  const planned = groupPairs(jobs).flatMap((group) =>
    planGroup(group).flatMap((result, index) => (group[index] ? plannedReconciliation(group[index], result) : [])),
  );
  return withPlannedCopies({ results: [...planned, ...more], images, jobs }, run);
}
