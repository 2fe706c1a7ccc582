// What a roll-out does with each node of a type, and when it has failed.
import { hasSettings, presentSettings, type ImageSettings } from './image-settings.js';
import type { Architecture } from './ipa-images.js';
import { mismatchOf, type ChoosableNode } from './node-choice.js';
import { isEditable, inUseReason } from '../../nodes/policy/node-states.js';

/** What is to become of nodes that are in use: left out, waited for, or changed under their users, which counts from their next deployment on. */
export type InUse = 'skip' | 'wait' | 'update';

export interface RolloutStep {
  readonly action: 'update' | 'unchanged' | 'skip' | 'wait';
  readonly reason: string;
}

export interface RolloutWish {
  readonly wanted: ImageSettings;
  readonly inUse: InUse;
  readonly architecture: Architecture | undefined;
}

/** `wait`: it cannot be changed now, and later it can. */
export function stepFor(node: ChoosableNode, { wanted, inUse, architecture }: RolloutWish): RolloutStep {
  const mismatch = mismatchOf(node, architecture);
  if (mismatch) return { action: 'skip', reason: mismatch };
  if (presentSettings(node.driver_info, Object.keys(wanted)) === undefined) {
    return { action: 'skip', reason: 'Ironic masks one of its images, so that the former value could not be put back' };
  }
  if (hasSettings(node.driver_info, wanted)) return { action: 'unchanged', reason: 'it has these images already' };
  const occupation = inUseReason(node);
  if (occupation && inUse !== 'update') return { action: inUse, reason: occupation };
  if (!isEditable(node)) return { action: 'wait', reason: `it is ${node.provision_state}` };
  return {
    action: 'update',
    reason: occupation
      ? `${occupation}; the images count from its next deployment on`
      : `it is ${node.provision_state}`,
  };
}

/** Parts of at most `size` elements, in order. */
export function batchesOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Whether so many failed nodes end the roll-out. */
export function isFailure(failed: number, maxFailures: number): boolean {
  return failed > maxFailures;
}
