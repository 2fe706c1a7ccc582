// What a run of image_deploy did, or would do, for programs and for people.
import { countActions } from '../../core/counts.js';
import type { Difference, Outcome } from '../../core/operation.js';
import { formatBytes } from '../../core/sizes.js';
import type { ImageResult } from '../policy/deploy-results.js';
import { editedValues } from '../policy/image-edits.js';
import type { UnmarkedPutBack } from '../policy/put-backs.js';
import { releaseLabel } from '../policy/site-image.js';
import type { PreparedDeployment } from './plan.js';

const changing: ReadonlySet<string> = new Set(['deploy', 'resume', 'delete']);
const failing: ReadonlySet<string> = new Set(['failed', 'conflict']);

export function deployOutcome(results: readonly ImageResult[], plan: PreparedDeployment, checkMode: boolean): Outcome {
  const failed = results.filter(({ action }) => failing.has(action)).map(({ name, reason }) => `${name}: ${reason}`);
  return {
    changed: results.some(isChange) || plan.putBacks.length > 0,
    message: summarise(results, checkMode),
    values: { images: results },
    failures: [...plan.failures, ...failed],
    warnings: plan.warnings,
    differences: [
      ...plan.putBacks.map(putBackDifference),
      ...results.filter(({ action }) => changing.has(action)).map((result) => differenceOf(result, plan)),
    ],
    table: {
      columns: ['IMAGE', 'RELEASE', 'ACTION', 'SIZE', 'TIME', 'REASON'],
      rows: results.map((result) => [
        result.name,
        result.release,
        result.action,
        result.bytes === undefined ? '' : formatBytes(result.bytes),
        result.seconds === undefined ? '' : `${result.seconds} s`,
        detailOf(result),
      ]),
    },
  };
}

/** The marks that a rollback still lacked. */
function putBackDifference({ name, image, edits }: UnmarkedPutBack): Difference {
  return { header: `image ${name} (${image.id})`, ...editedValues(image, edits) };
}

/** A failed transfer may have left an image behind. */
function isChange({ action, seconds, archived_id: archivedId }: ImageResult): boolean {
  return changing.has(action) || archivedId !== undefined || (action === 'failed' && seconds !== undefined);
}

function summarise(results: readonly ImageResult[], checkMode: boolean): string {
  if (results.length === 0) return 'no images selected';
  return `${checkMode ? 'planned: ' : ''}${countActions(results)}`;
}

function detailOf(result: ImageResult): string {
  const verified = result.verified_by ? `; verified by ${result.verified_by.join(', ')}` : '';
  const archived = result.archived_name ? `; the previous image is now ${result.archived_name}` : '';
  return `${result.reason}${verified}${archived}`;
}

function differenceOf(result: ImageResult, plan: PreparedDeployment): Difference {
  const header = `image ${result.name}`;
  if (result.action === 'delete')
    return { header, before: { id: result.id, state: 'incoming', release: result.release }, after: {} };
  const production = plan.jobs.find(({ planned }) => planned.name === result.name)?.planned.production;
  const before = production ? { id: production.id, release: releaseLabel(production) } : {};
  return { header, before, after: { id: result.id ?? '(new)', release: result.release, visibility: 'public' } };
}
