// What a run of image_publish did, or would do, for programs and for people.
import { countActions } from '../../core/counts.js';
import type { Outcome } from '../../core/operation.js';
import { formatBytes } from '../../core/sizes.js';
import type { Publication, PublicationStep } from '../policy/publication.js';
import type { ImageFile } from './image-file.js';
import type { PublicationTarget } from './target.js';

export interface PublishReport {
  readonly publication: Publication;
  readonly image: ImageFile;
  readonly target: PublicationTarget;
  readonly steps: readonly PublicationStep[];
  readonly warnings: readonly string[];
}

export function publishOutcome(report: PublishReport, checkMode: boolean): Outcome {
  const { publication, image, target, steps, warnings } = report;
  const { name, release, diskFormat, bytes } = publication;
  const { sha256, md5 } = image.whole;
  const written = steps.filter(({ action }) => action === 'write');
  return {
    changed: written.length > 0,
    message: `${checkMode ? 'planned: ' : ''}${countActions(steps)}`,
    values: {
      ...{ name, release, location: target.location, disk_format: diskFormat, bytes, sha256 },
      ...(md5 === undefined ? {} : { md5 }),
      files: steps.map(({ path, action, reason }) => ({ path, action, reason })),
    },
    failures: [],
    warnings,
    differences: written.map(({ path, before, after }) => ({ header: `${path} in ${target.location}`, before, after })),
    table: {
      columns: ['FILE', 'ACTION', 'SIZE', 'REASON'],
      rows: steps.map(({ part, path, action, reason }) => [
        path,
        action,
        part === 'image' ? formatBytes(bytes) : '',
        reason,
      ]),
    },
  };
}
