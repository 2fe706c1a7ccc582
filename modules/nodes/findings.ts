// Reads what the inspection of a node has found.
import { getInventory } from '../clients/ironic/inventory.js';
import { messageOf } from '../core/errors.js';
import type { DesiredNode } from './policy/desired-node.js';
import { findingsOf } from './policy/inspection-findings.js';
import type { NodeProgress } from './policy/node-result.js';
import { inspectedAt } from './policy/provision-states.js';
import type { ExistingNode, NodeRun } from './run.js';

/**
 * Nothing if no inspection is requested, or none has finished. That the inventory cannot be read
 * fails no node, since it changes nothing.
 */
export async function readFindings(
  { ironic, settings, context }: NodeRun,
  desired: DesiredNode,
  existing: ExistingNode | undefined,
): Promise<Pick<NodeProgress, 'inspection' | 'warnings'>> {
  const finishedAt = existing && inspectedAt(existing.node);
  if (!existing || !desired.inspect || finishedAt === undefined) return { inspection: undefined, warnings: [] };
  const { node, ports } = existing;
  const warnings: string[] = [];
  const inventory = await getInventory(ironic, node.uuid).catch((error: unknown) => {
    context.signal.throwIfAborted();
    warnings.push(`what the inspection found could not be read: ${messageOf(error)}`);
    return undefined;
  });
  const inspected = { finishedAt, properties: node.properties, ports, inventory };
  return { inspection: findingsOf(inspected, desired, settings.purge), warnings };
}
