// image_property: find all images, report all faults together, then change only what differs.
import pLimit from 'p-limit';
import validate from '#validators/image_property';
import type { Image, ImageChange } from '../../clients/glance/images.js';
import { statusOf } from '../../clients/http/errors.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { countActions } from '../../core/counts.js';
import { InputError, messageOf } from '../../core/errors.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { permissionWarnings, type PermissionUse } from '../../core/rights.js';
import { explainRefusal } from '../permissions.js';
import { imagePermissions } from '../policy/image-permissions.js';
import { planPropertyChange, type PropertyChange, type PropertyDifference } from '../policy/image-properties.js';
import type { PropertyTarget } from '../policy/property-requests.js';
import { changeImage } from '../site-images.js';
import { openCloud } from '../../runtime/connect.js';
import { imagePropertyDeclaration } from './declaration.js';
import { findTargets, readRequests, type PropertyArguments } from './targets.js';

export const imageProperty: Operation<(typeof imagePropertyDeclaration)['fields']> = {
  ...imagePropertyDeclaration,
  validate,
  run: changeProperties,
};

interface PropertyResult {
  readonly id: string;
  readonly name: string;
  readonly action: PropertyChange['action'];
  readonly reason: string;
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
}

/** A result, and whether the image has changed or may have changed. */
interface AppliedChange {
  readonly result: PropertyResult;
  readonly changed: boolean;
}

async function changeProperties(args: PropertyArguments, context: Context): Promise<Outcome> {
  const { requests, faults } = await readRequests(args, context);
  const cloud = await openCloud(args, context);
  const found = await findTargets(requests, cloud, args.concurrency);
  const all = [...faults, ...found.faults];
  if (all.length > 0) throw new InputError(`nothing was changed: ${all.join('; ')}`);
  const planned = found.targets.map(planTarget);
  if (context.checkMode)
    return {
      ...propertyOutcome(
        planned.map(({ result }) => ({ result, changed: result.action === 'change' })),
        true,
      ),
      warnings: [...found.warnings, ...permissionWarnings(planned.flatMap(usesOf(cloud)), await cloud.rights('image'))],
    };
  const limit = pLimit(args.concurrency);
  const done = await Promise.all(planned.map((plan) => limit(() => applyChange(plan, cloud, context))));
  return { ...propertyOutcome(done, false), warnings: found.warnings };
}

interface PlannedChange {
  readonly image: Image;
  readonly differences: readonly PropertyDifference[];
  readonly result: PropertyResult;
}

function planTarget({ image, desired }: PropertyTarget<Image>): PlannedChange {
  const { differences, action, reason } = planPropertyChange(image, desired);
  const values = (side: 'before' | 'after'): Record<string, string> =>
    Object.fromEntries(
      differences.flatMap(({ name, [side]: value }) => (value === undefined ? [] : [[name, value] as const])),
    );
  return {
    image,
    differences,
    result: { id: image.id, name: image.name, action, reason, before: values('before'), after: values('after') },
  };
}

/** An image of another project requires more. */
function usesOf({ projectId }: Cloud): (planned: PlannedChange) => PermissionUse[] {
  const { change, changeForeign } = imagePermissions;
  return ({ image, result }) =>
    result.action === 'change'
      ? [{ permission: image.owner === projectId ? change : changeForeign, subject: labelOf(result) }]
      : [];
}

/** Never throws: a failure is the result of this image, and the others are still changed. */
async function applyChange(
  { differences, result }: PlannedChange,
  cloud: Cloud,
  context: Context,
): Promise<AppliedChange> {
  if (result.action !== 'change') return { result, changed: false };
  try {
    await changeImage(cloud, result.id, differences.map(imageChange), { signal: context.signal });
    context.log('info', `image ${result.id}: ${result.reason}`);
    return { result, changed: true };
  } catch (error) {
    // Glance applies all changes of a request or none; unless it refused them, part of them may
    // have persisted.
    const refused = (statusOf(error) ?? 500) < 500;
    const reason = messageOf(await explainRefusal(error, cloud));
    return { result: { ...result, action: 'failed', reason }, changed: !refused };
  }
}

function imageChange({ name, after }: PropertyDifference): ImageChange {
  return after === undefined ? { op: 'remove', attribute: name } : { op: 'add', attribute: name, value: after };
}

function propertyOutcome(done: readonly AppliedChange[], checkMode: boolean): Outcome {
  const results = done.map(({ result }) => result);
  return {
    changed: done.some(({ changed }) => changed),
    message: summarise(results, checkMode),
    values: { images: results },
    failures: results
      .filter(({ action }) => action === 'failed')
      .map((result) => `${labelOf(result)}: ${result.reason}`),
    warnings: [],
    differences: done
      .filter(({ changed }) => changed)
      .map(({ result }) => ({ header: `image ${labelOf(result)}`, before: result.before, after: result.after })),
    table: {
      columns: ['IMAGE', 'ACTION', 'ID', 'REASON'],
      rows: results.map(({ name, action, id, reason }) => [name, action, id, reason]),
    },
  };
}

function labelOf({ name, id }: PropertyResult): string {
  return name === '' ? id : `${name} (${id})`;
}

function summarise(results: readonly PropertyResult[], checkMode: boolean): string {
  if (results.length === 0) return 'no images given';
  return `${checkMode ? 'planned: ' : ''}${countActions(results)}`;
}
