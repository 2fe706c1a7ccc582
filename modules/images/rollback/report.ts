// What a run of image_rollback did, or would do, for programs and for people.
import { countActions } from '../../core/counts.js';
import type { Difference, Outcome } from '../../core/operation.js';
import type { ArchivedImage } from '../deploy/archive.js';
import { holdLabel } from '../policy/holds.js';
import { editedValues } from '../policy/image-edits.js';
import { pinOf } from '../policy/pinned-builds.js';
import type { RollbackStep } from '../policy/rollback.js';
import { releaseLabel } from '../policy/site-image.js';
import type { RollbackArguments } from './operation.js';

/** What happened, or would happen, to one name. */
export interface RollbackResult {
  readonly step: RollbackStep;
  readonly action: RollbackStep['action'] | 'failed';
  readonly reason: string;
  readonly archived?: ArchivedImage | undefined;
  readonly changed: boolean;
}

export function plannedStep(step: RollbackStep, archived?: ArchivedImage): RollbackResult {
  return { step, action: step.action, reason: step.reason, archived, changed: step.action !== 'up_to_date' };
}

/** `changed`: whether something of it remains. */
export function failedStep(step: RollbackStep, reason: string, changed: boolean): RollbackResult {
  return { step, action: 'failed', reason, changed };
}

export function rollbackOutcome(
  results: readonly RollbackResult[],
  args: RollbackArguments,
  { checkMode, denied }: { readonly checkMode: boolean; readonly denied: readonly string[] },
): Outcome {
  return {
    changed: results.some(({ changed }) => changed),
    message: `${checkMode ? 'planned: ' : ''}${countActions(results)}`,
    values: { images: results.map(valuesOf) },
    failures: results.filter(({ action }) => action === 'failed').map(({ step, reason }) => `${step.name}: ${reason}`),
    warnings: [...denied, ...results.flatMap((result) => pinWarning(result, args))],
    differences: results.filter(({ changed }) => changed).flatMap(differencesOf),
    table: {
      columns: ['IMAGE', 'RELEASE', 'ACTION', 'ID', 'REASON'],
      rows: results.map((result) => [
        result.step.name,
        releaseLabel(result.step.image),
        result.action,
        result.step.image.id,
        detailOf(result),
      ]),
    },
  };
}

function valuesOf({ step, action, reason, archived }: RollbackResult): Readonly<Record<string, unknown>> {
  const hold = holdAfter(step);
  return {
    name: step.name,
    action,
    reason,
    id: step.image.id,
    release: releaseLabel(step.image),
    ...(archived ? { archived_id: archived.id, archived_name: archived.name } : {}),
    ...(archived?.isHidden ? { archived_hidden: true } : {}),
    ...(hold && hold.releases.length > 0 ? { held_releases: hold.releases, held_since: hold.since } : {}),
  };
}

function holdAfter({ action, hold }: RollbackStep): RollbackStep['hold'] {
  return action === 'release' ? undefined : hold;
}

function detailOf({ step, reason, archived, action }: RollbackResult): string {
  const hold = action === 'failed' ? undefined : holdAfter(step);
  const hidden = archived?.isHidden ? ', hidden' : '';
  const moved = archived ? `; the previous image is now ${archived.name}${hidden}` : '';
  const held = hold && hold.releases.length > 0 ? `; held: ${hold.releases.join(', ')}` : '';
  return `${reason}${moved}${held}`;
}

/** A pin to another release contradicts the rollback. */
function pinWarning({ step, action }: RollbackResult, { pins = {} }: RollbackArguments): string[] {
  const pin = pinOf(step.name, pins);
  if (pin === undefined || action === 'release' || action === 'failed' || pin === holdLabel(step.image)) return [];
  const consequence = step.hold?.releases.includes(pin)
    ? 'which is held now; correct pins'
    : 'so the next deployment brings that release in; correct pins';
  return [`${step.name}: pins keeps it at ${pin}, ${consequence}`];
}

function differencesOf({ step }: RollbackResult): Difference[] {
  const { name, image, edits, replaced } = step;
  const back = edits.length > 0 ? [{ header: `image ${name} (${image.id})`, ...editedValues(image, edits) }] : [];
  return [
    ...back,
    ...replaced.map((each) => ({
      header: `image ${name} (${each.id})`,
      before: { name: each.name, state: 'current' },
      after: { state: 'archived' },
    })),
  ];
}
