// What a run of image_clean did, or would do, for programs and for people.
import { countWords, joinCounts } from '../../core/counts.js';
import type { Difference, Outcome } from '../../core/operation.js';
import { cleanSentence, type ClosingFacts } from '../policy/closing-sentence.js';
import type { CleanFailure, CleanResult } from './apply.js';
import type { CleanArguments } from './plan.js';

export interface CleanReport {
  readonly results: readonly CleanResult[];
  readonly sources: readonly string[];
  readonly absent: readonly string[];
  /** Failures of the run as a whole. */
  readonly failures: readonly CleanFailure[];
  /** How many deletions the limit refused. */
  readonly refusedDeletions: number;
  readonly warnings: readonly string[];
}

export function cleanOutcome(
  { sources, absent, warnings, ...report }: CleanReport,
  args: CleanArguments,
  { siteName, checkMode }: Pick<ClosingFacts, 'siteName' | 'checkMode'>,
): Outcome {
  const results = [...report.results].sort(byNameThenOldest);
  const failed = results.filter(({ action }) => action === 'failed');
  const changes = results.filter(({ action }) => action === 'hide' || action === 'delete');
  const failures = [
    ...report.failures.map(({ reason }) => reason),
    ...failed.map(({ planned, reason }) => `${planned.image.name} (${planned.image.id}): ${reason}`),
  ];
  const treated = results.map(({ planned: { image }, action }) => ({ name: image.name, action, bytes: image.size }));
  return {
    changed: changes.length > 0,
    message: summarise(results, absent, checkMode),
    summary: cleanSentence(treated, { failures, siteName, checkMode, ...remarkOn(absent) }),
    values: { images: results.map(valuesOf), sources, absent },
    failures,
    warnings,
    differences: changes.map((change) => differenceOf(change, args)),
    table: {
      columns: ['IMAGE', 'STATE', 'AGE', 'ACTION', 'REASON', 'ID'],
      rows: results.map(({ planned, action, reason }) => [
        planned.image.name,
        planned.state,
        ageOf(planned.ageMonths),
        action,
        reason,
        planned.image.id,
      ]),
    },
    measurements: {
      failureCodes: [...report.failures, ...failed].map(({ code }) => code),
      actions: results.map(({ action }) => action),
      refusedDeletions: report.refusedDeletions,
    },
  };
}

function summarise(results: readonly CleanResult[], absent: readonly string[], checkMode: boolean): string {
  const counts = joinCounts([...countWords(results.map(({ action }) => action))].sort());
  const counted = counts ? `${checkMode ? 'planned: ' : ''}${counts}` : 'no images to manage';
  const { remark } = remarkOn(absent);
  return remark === undefined ? counted : `${counted} (${remark})`;
}

function remarkOn(absent: readonly string[]): { readonly remark?: string } {
  return absent.length > 0 ? { remark: `services that this cloud does not have: ${absent.join(', ')}` } : {};
}

function valuesOf({ planned, action, reason }: CleanResult): Readonly<Record<string, unknown>> {
  const { image, productionName, state, ageMonths } = planned;
  return {
    id: image.id,
    name: image.name,
    ...(productionName === undefined ? {} : { production_name: productionName }),
    state,
    action,
    reason,
    ...(ageMonths === undefined ? {} : { age_months: ageMonths }),
    created_at: image.created_at,
    visibility: image.visibility,
    hidden: image.os_hidden,
  };
}

function differenceOf({ planned: { image }, action }: CleanResult, { hide_mode: mode }: CleanArguments): Difference {
  const header = `image ${image.name} (${image.id})`;
  if (action === 'delete')
    return { header, before: { id: image.id, name: image.name, visibility: image.visibility }, after: {} };
  return mode === 'private'
    ? { header, before: { visibility: image.visibility }, after: { visibility: 'private' } }
    : { header, before: { os_hidden: image.os_hidden }, after: { os_hidden: true } };
}

function ageOf(months: number | undefined): string {
  return months === undefined ? '' : `${months} mo`;
}

function byNameThenOldest({ planned: one }: CleanResult, { planned: other }: CleanResult): number {
  const [left, right] = [one.productionName ?? one.image.name, other.productionName ?? other.image.name];
  if (left !== right) return left < right ? -1 : 1;
  if (one.image.created_at !== other.image.created_at) return one.image.created_at < other.image.created_at ? -1 : 1;
  return one.image.id < other.image.id ? -1 : 1;
}
