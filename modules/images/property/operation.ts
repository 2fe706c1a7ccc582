// image_property: find every image that is named, tell all faults together, then change only what differs.
import pLimit from 'p-limit';
import validate from '#validators/image_property';
import type { ImageChange } from '../../clients/glance/images.js';
import { statusOf } from '../../clients/http/errors.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { InputError, messageOf } from '../../core/errors.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { differencesBetween, changeObstacle, quote, type PropertyDifference } from '../policy/image-properties.js';
import { changeImage } from '../site-images.js';
import { openCloud } from '../../runtime/connect.js';
import { imagePropertyDeclaration } from './declaration.js';
import { findTargets, type Target } from './targets.js';
import { readRequests, type PropertyArguments } from './wishes.js';

export const imageProperty: Operation<(typeof imagePropertyDeclaration)['fields']> = {
  ...imagePropertyDeclaration,
  validate,
  run: changeProperties,
};

interface PropertyResult {
  readonly id: string;
  readonly name: string;
  readonly action: 'up_to_date' | 'change' | 'failed';
  readonly reason: string;
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
}

/** A result, and whether the image is or may be another than before. */
interface Done {
  readonly result: PropertyResult;
  readonly changed: boolean;
}

async function changeProperties(args: PropertyArguments, context: Context): Promise<Outcome> {
  const { requests, faults } = await readRequests(args, context);
  const cloud = await openCloud(args, context);
  const found = await findTargets(requests, cloud, args.concurrency);
  const all = [...faults, ...found.faults];
  if (all.length > 0) throw new InputError(`nothing was changed: ${all.join('; ')}`);
  const planned = found.targets.map(planChange);
  if (context.checkMode)
    return {
      ...outcomeOf(
        planned.map(({ result }) => ({ result, changed: result.action === 'change' })),
        true,
      ),
      warnings: found.warnings,
    };
  const limit = pLimit(args.concurrency);
  const done = await Promise.all(planned.map((plan) => limit(() => carryOut(plan, cloud, context))));
  return { ...outcomeOf(done, false), warnings: found.warnings };
}

interface Plan {
  readonly differences: readonly PropertyDifference[];
  readonly result: PropertyResult;
}

function planChange({ image, wishes }: Target): Plan {
  const differences = differencesBetween(image.properties, wishes);
  const hindrance = differences.length > 0 ? changeObstacle(image.status) : undefined;
  const side = (which: 'before' | 'after'): Record<string, string> =>
    Object.fromEntries(differences.flatMap(({ name, [which]: value }) => (value === undefined ? [] : [[name, value]])));
  const [action, reason] = hindrance
    ? (['failed', hindrance] as const)
    : differences.length > 0
      ? (['change', differences.map(describe).join(', ')] as const)
      : (['up_to_date', 'nothing differs'] as const);
  return {
    differences,
    result: { id: image.id, name: image.name, action, reason, before: side('before'), after: side('after') },
  };
}

function describe({ name, before, after }: PropertyDifference): string {
  if (after === undefined) return `${name}: removed, was ${quote(before ?? '')}`;
  return before === undefined
    ? `${name}: set to ${quote(after)}`
    : `${name}: set to ${quote(after)}, was ${quote(before)}`;
}

/** Never throws: a failure is this image's result, and the others go on. */
async function carryOut({ differences, result }: Plan, cloud: Cloud, context: Context): Promise<Done> {
  if (result.action !== 'change') return { result, changed: false };
  try {
    await changeImage(cloud, result.id, differences.map(stepFor), { signal: context.signal });
    context.log('info', `image ${result.id}: ${result.reason}`);
    return { result, changed: true };
  } catch (error) {
    // Glance makes all changes of a request or none; where it did not refuse, part of them may have lasted.
    const refused = (statusOf(error) ?? 500) < 500;
    return { result: { ...result, action: 'failed', reason: messageOf(error) }, changed: !refused };
  }
}

function stepFor({ name, after }: PropertyDifference): ImageChange {
  return after === undefined ? { op: 'remove', attribute: name } : { op: 'add', attribute: name, value: after };
}

function outcomeOf(done: readonly Done[], checkMode: boolean): Outcome {
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
  if (results.length === 0) return 'no images named';
  const counts = new Map<string, number>();
  for (const { action } of results) counts.set(action, (counts.get(action) ?? 0) + 1);
  const parts = [...counts].map(([action, count]) => `${count} ${action}`);
  return `${checkMode ? 'planned: ' : ''}${parts.join(', ')}`;
}
