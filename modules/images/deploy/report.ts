// What a run of image_deploy did, or would do, for programs and for people.
import { countActions } from '../../core/counts.js';
import type { Difference, Outcome } from '../../core/operation.js';
import { formatBytes } from '../../core/sizes.js';
import { deploySentence, type ClosingFacts } from '../policy/closing-sentence.js';
import type { ImageResult } from '../policy/deploy-results.js';
import { editedValues } from '../policy/image-edits.js';
import type { AttributeChange } from '../policy/reconciliation.js';
import type { UnmarkedPutBack } from '../policy/put-backs.js';
import { measuredDeployment } from '../policy/deploy-measurements.js';
import { releaseLabel } from '../policy/site-image.js';
import type { PreparedDeployment } from './plan.js';

const changing: ReadonlySet<string> = new Set(['deploy', 'resume', 'update', 'copy', 'delete']);
const failing: ReadonlySet<string> = new Set(['failed', 'conflict']);

export function deployOutcome(
  results: readonly ImageResult[],
  plan: PreparedDeployment,
  { siteName, checkMode }: Pick<ClosingFacts, 'siteName' | 'checkMode'>,
): Outcome {
  const failed = results.filter(({ action }) => failing.has(action));
  const failures = [...plan.failures, ...failed.map(({ name, reason }) => `${name}: ${reason}`)];
  return {
    changed: results.some(isChange) || plan.putBacks.length > 0,
    message: summarise(results, checkMode),
    summary: deploySentence(results, { failures, siteName, checkMode }),
    values: { images: results.map(shownResult) },
    failures,
    warnings: plan.warnings,
    differences: [
      ...plan.putBacks.map(putBackDifference),
      ...results.filter(isShownAsDifference).map((result) => differenceOf(result, plan)),
      ...results.filter(({ copied_to: copied }) => copied).map(copyDifference),
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
    measurements: {
      failureCodes: [...plan.failures.map(() => undefined), ...failed.map(failureCodeOf)],
      ...measuredDeployment(results, plan),
    },
  };
}

function shownResult({ promoted: _image, code: _code, ...result }: ImageResult): ImageResult {
  return result;
}

const conflict = { code: 'NAME_CONFLICT' } as const;

function failureCodeOf({ action, code }: ImageResult): string | undefined {
  return action === 'conflict' ? conflict.code : code;
}

/** The marks that a rollback still lacked. */
function putBackDifference({ name, image, edits }: UnmarkedPutBack): Difference {
  return { header: `image ${name} (${image.id})`, ...editedValues(image, edits) };
}

/** The stores of Glance with the data of an image. */
function copyDifference({ name, id = '(new)', stores = [], copied_to: copied = [] }: ImageResult): Difference {
  const before = stores.filter((store) => !copied.includes(store));
  return { header: `stores of image ${name} (${id})`, before: { stores: before }, after: { stores } };
}

/** A failed transfer may have left an image behind. */
function isChange(result: ImageResult): boolean {
  const { action, seconds, changes = [], archived_id: archivedId, copied_to: copied } = result;
  return (
    changing.has(action) ||
    changes.length > 0 ||
    archivedId !== undefined ||
    copied !== undefined ||
    (action === 'failed' && seconds !== undefined)
  );
}

function isShownAsDifference({ action, changes = [] }: ImageResult): boolean {
  return (changing.has(action) && action !== 'copy') || changes.length > 0;
}

function summarise(results: readonly ImageResult[], checkMode: boolean): string {
  if (results.length === 0) return 'no images selected';
  return `${checkMode ? 'planned: ' : ''}${countActions(results)}`;
}

function detailOf(result: ImageResult): string {
  const converted = result.converted ? `; converted by Glance ${result.converted}` : '';
  const verified = result.verified_by ? `; verified by ${result.verified_by.join(', ')}` : '';
  const hidden = result.archived_hidden ? ', hidden' : '';
  const archived = result.archived_name ? `; the previous image is now ${result.archived_name}${hidden}` : '';
  const copied = result.copied_to ? `; copied to ${result.copied_to.join(', ')}` : '';
  return `${result.reason}${converted}${verified}${archived}${copied}`;
}

function differenceOf(result: ImageResult, plan: PreparedDeployment): Difference {
  const header = `image ${result.name}`;
  if (result.action === 'delete')
    return { header, before: { id: result.id, state: 'incoming', release: result.release }, after: {} };
  if (result.changes) return { header: `${header} (${result.id})`, ...valuesOf(result.changes) };
  const job = plan.jobs.find(({ planned }) => planned.name === result.name);
  const production = job?.planned.production;
  const before = production ? { id: production.id, release: releaseLabel(production) } : {};
  const visibility = job?.desired.wanted.visibility ?? 'public';
  return { header, before, after: { id: result.id ?? '(new)', release: result.release, visibility } };
}

function valuesOf(changes: readonly AttributeChange[]): Pick<Difference, 'before' | 'after'> {
  const values = (key: 'before' | 'after') => Object.fromEntries(changes.map((change) => [change.name, change[key]]));
  return { before: values('before'), after: values('after') };
}
