// What monitoring learns of a deployment: what was done, and which images are in production now.
import type { MeasuredImage, Measurements } from '../../core/operation.js';
import { builtAt, listedRelease } from './build-times.js';
import type { ImageResult } from './deploy-results.js';
import type { PlannedImage } from './deployment.js';
import { releaseLabel, type SiteImage } from './site-image.js';

/** Of a plan that lacks images, since something could not be read, the images in production are not known. */
export function measuredDeployment(
  results: readonly ImageResult[],
  { jobs, isComplete }: { readonly jobs: readonly { readonly planned: PlannedImage }[]; readonly isComplete: boolean },
): Omit<Measurements, 'failureCodes'> {
  const planned = new Map(jobs.map((job) => [job.planned.name, job.planned]));
  return {
    actions: results.map(({ action }) => action),
    transferredBytes: results
      .filter(({ verified_by: verified }) => verified !== undefined)
      .reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    ...(isComplete && {
      production: [...planned.values()].flatMap(({ name, production, catalogueChangedAt }) => {
        const promoted = results.find((result) => result.name === name && result.promoted)?.promoted;
        const present = promoted ?? production;
        return present ? [measuredImage(name, present, catalogueChangedAt)] : [];
      }),
    }),
  };
}

function measuredImage(name: string, image: SiteImage, changedAt: number | undefined): MeasuredImage {
  const built = builtAt(image);
  return {
    name,
    release: listedRelease(image) || releaseLabel(image),
    ...(built === 0 ? {} : { builtAt: seconds(built) }),
    ...(changedAt === undefined ? {} : { catalogueChangedAt: seconds(changedAt) }),
    ...(image.size === undefined ? {} : { bytes: image.size }),
  };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
