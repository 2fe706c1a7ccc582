// The worker of Doni's double that brings hardware to Ironic: doni/worker/manager.py runs
// doni/driver/worker/ironic.py.

import type { DoniDouble, StoredHardware } from './doni.js';
import type { StoredNode } from './ironic.js';

type Values = Readonly<Record<string, string>>;

export interface StoredWorker {
  /** PENDING, IN_PROGRESS, STEADY or ERROR. */
  state: string;
  details: Values;
  /** The properties before the latest change. */
  before: Values | undefined;
  /** The copy of the properties that the run under way has. */
  taken: Values;
}

const keys = {
  deploy_kernel: 'baremetal_deploy_kernel_image',
  deploy_ramdisk: 'baremetal_deploy_ramdisk_image',
} as const;

/** `_process_task`, in two steps, as others may look between them. */
export function runWorker(double: DoniDouble, hardware: StoredHardware, nodes: readonly StoredNode[]): void {
  const { worker } = hardware;
  if (worker.state === 'PENDING') {
    worker.state = 'IN_PROGRESS';
    worker.taken = double.isLate && worker.before !== undefined ? worker.before : hardware.properties;
    double.isLate = false;
    return;
  }
  if (worker.state !== 'IN_PROGRESS') return;
  const node = nodes.find(({ uuid }) => uuid === hardware.uuid);
  const wait =
    double.defersFor ?? (node !== undefined && fieldOf(node, 'maintenance') === true ? maintenance : undefined);
  if (wait !== undefined) {
    worker.state = 'PENDING';
    worker.details = {
      ...worker.details,
      defer_reason: wait,
      defer_count: String(Number(worker.details['defer_count'] ?? 0) + 1),
    };
    return;
  }
  // The real one creates a node that is missing; here it stays so.
  const failure = double.failsWith ?? (node === undefined ? undefined : update(node, worker.taken));
  worker.state = failure === undefined ? 'STEADY' : 'ERROR';
  worker.details = failure === undefined ? {} : { ...worker.details, last_error: failure };
}

const maintenance = 'Node is in maintenance mode. Please take the node out of maintenance to apply this update.';

/**
 * `_do_node_update`: what Doni does not have is removed; the node goes to `manageable` first and to
 * `available` in the end.
 */
function update(node: StoredNode, properties: Values): string | undefined {
  const wanted: Record<string, unknown> = { ...node.driver_info };
  for (const [key, property] of Object.entries(keys)) {
    if (properties[property] === undefined) delete wanted[key];
    else wanted[key] = properties[property];
  }
  if (isAlike(wanted, node.driver_info)) return undefined;
  const state = fieldOf(node, 'provision_state');
  if (typeof state === 'string' && !['available', 'manageable', 'enroll'].includes(state)) {
    return (
      `Ironic responded with HTTP 400: The requested action "manage" can not be performed on node "${node.uuid}" ` +
      `while it is in state "${state}".`
    );
  }
  node.driver_info = wanted;
  if (typeof state === 'string') Object.assign(node, { provision_state: 'available' });
  return undefined;
}

function isAlike(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(keys).every((key) => one[key] === other[key]);
}

/** What the double of Ironic may tell of a node beside its images. */
function fieldOf(node: StoredNode, key: string): unknown {
  return (node as unknown as Readonly<Record<string, unknown>>)[key];
}
