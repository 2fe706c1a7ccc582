// Inspections on the double of Ironic: what they find, and what is kept of it
// (ironic/drivers/modules/inspect_utils.py, inspector/hooks/).

import type { Answer } from './http-double.js';
import { refusal } from './ironic-api.js';
import type { StoredNode, Values } from './ironic-node.js';
import type { IronicDouble } from './ironic.js';

export interface Finding {
  /** What is written over the properties of the node. */
  readonly properties?: Values;
  /** The addresses for which ports are created. */
  readonly ports?: readonly string[];
  /** What is kept, and returned as the inventory of the node. */
  readonly inventory?: Values;
}

const inventories = new WeakMap<StoredNode, Values>();

/** A port that exists, on whichever node, stays as it is. */
export function finishInspection(double: IronicDouble, node: StoredNode, now: string): void {
  const { properties = {}, ports = [], inventory } = double.finds[node.name ?? ''] ?? double.finds[node.uuid] ?? {};
  Object.assign(node, { inspection_finished_at: now, properties: { ...node.properties, ...properties } });
  if (inventory) inventories.set(node, inventory);
  for (const address of ports.map((found) => found.toLowerCase()))
    if (!double.ports.some((port) => port.address === address)) double.seedPort({ node_uuid: node.uuid, address });
}

/** `GET inventory`. */
export function inventoryOf(node: StoredNode): Answer {
  const inventory = inventories.get(node);
  if (!inventory) throw refusal(404, `Node inventory record for node ${node.uuid} could not be found.`);
  return { status: 200, body: inventory };
}
