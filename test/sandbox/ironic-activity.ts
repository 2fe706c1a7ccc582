// What is under way on nodes of Ironic's double: transitions, changes of power, and locks. It goes
// on as requests look at the node.

import { timeOf } from './ironic-api.js';
import { finishInspection } from './ironic-inspection.js';
import { failureOf, isStable, isWait, withWaits } from './ironic-machine.js';
import type { IronicDouble } from './ironic.js';
import type { StoredNode } from './ironic-node.js';

interface Activity {
  /** Requests that are left until it is over. */
  looks: number;
  /** False once somebody has put the node elsewhere. */
  isStill(): boolean;
  /** Does what is to be done, and gives what follows. */
  finish(): Activity | undefined;
}

const activities = new WeakMap<StoredNode, Activity>();

/** Lets time pass for a node: each request that has to do with it is a look. */
export function look(double: IronicDouble, node: StoredNode): void {
  const activity = current(node);
  if (!activity || double.holds.some((held) => held.state === node.provision_state && isMeant(node, held.ident)))
    return;
  activity.looks -= 1;
  if (activity.looks <= 0) begin(double, node, activity.finish());
}

/** True while nothing else may be begun. */
export function isBusy(node: StoredNode): boolean {
  return current(node) !== undefined;
}

/** The conductor holds the node's lock for so many requests. */
export function lock(double: IronicDouble, node: StoredNode, { looks, host }: { looks: number; host: string }): void {
  if (isBusy(node))
    throw new Error(`node ${node.uuid} is ${node.provision_state} and cannot be locked besides: hold it there`);
  node.reservation = host;
  begin(double, node, {
    looks,
    isStill: () => node.reservation === host,
    finish: () => void (node.reservation = null),
  });
}

export interface Journey {
  readonly verb: string;
  /** The states that it leads through, the last one at rest. */
  readonly way: readonly string[];
  /** What goes wrong at its beginning. */
  readonly failure?: string | undefined;
}

/**
 * Sets a node out. A state to wait in is only gone through where nodes wait or are held in it, or
 * fail in it.
 */
export function travel(double: IronicDouble, node: StoredNode, { verb, way, failure }: Journey): void {
  const isWanted = (state: string): boolean =>
    (double.waits[state] ?? 0) > 0 ||
    double.holds.some((held) => held.state === state && isMeant(node, held.ident)) ||
    failureAt(double, node, state) !== undefined;
  const whole = withWaits(way, isWanted).filter((state) => state !== 'cleaning' || isCleaned(double, node));
  // What leads there at once is no work, and leaves the last error as it was.
  if (way.length > 1) node.last_error = null;
  begin(double, node, arrive(double, node, { way: whole, failure: failure ?? failureAt(double, node, verb) }));
}

function arrive(double: IronicDouble, node: StoredNode, { way, failure }: Omit<Journey, 'verb'>): Activity | undefined {
  const [state = '', ...rest] = way;
  const target = rest.at(-1);
  const isOver = target === undefined;
  settle(double, node, {
    state,
    target: isOver ? (isStable(state) ? null : (node.target_provision_state ?? null)) : target,
  });
  node.reservation = isOver || isWait(state) ? null : double.host;
  if (isOver) return undefined;
  const finish = (): Activity | undefined => {
    const lastError = failureAt(double, node, state) ?? failure;
    if (lastError !== undefined) return void fail(double, node, lastError);
    if (state === 'deleting') Object.assign(node, { instance_uuid: null, instance_info: {}, allocation_uuid: null });
    return arrive(double, node, { way: rest });
  };
  return { looks: double.waits[state] ?? double.looks, isStill: () => node.provision_state === state, finish };
}

function fail(double: IronicDouble, node: StoredNode, lastError: string): void {
  const state = failureOf(node.provision_state ?? '');
  settle(double, node, { state, target: isStable(state) ? null : (node.target_provision_state ?? null) });
  Object.assign(node, { reservation: null, last_error: lastError });
}

function settle(
  double: IronicDouble,
  node: StoredNode,
  { state, target }: { state: string; target: string | null },
): void {
  const now = timeOf(double.now());
  const before = node.provision_state ?? '';
  Object.assign(node, { provision_state: state, target_provision_state: target, provision_updated_at: now });
  if (state === 'inspecting') Object.assign(node, { inspection_started_at: now, inspection_finished_at: null });
  if (!['inspecting', 'inspect wait'].includes(before) || !['manageable', 'inspect failed'].includes(state)) return;
  node['inspection_started_at'] = null;
  if (state === 'manageable') finishInspection(double, node, now);
}

const powers: Readonly<Record<string, string>> = {
  rebooting: 'power on',
  'soft rebooting': 'power on',
  'soft power off': 'power off',
};

/** Changes the power, with the node locked meanwhile. */
export function changePower(double: IronicDouble, node: StoredNode, target: string): void {
  const aim = powers[target] ?? target;
  Object.assign(node, { target_power_state: aim, reservation: double.host, last_error: null });
  const finish = (): undefined => {
    const failure = failureAt(double, node, target);
    Object.assign(
      node,
      { target_power_state: null, reservation: null },
      failure === undefined ? { power_state: aim } : { last_error: failure },
    );
  };
  begin(double, node, { looks: double.looks, isStill: () => node.target_power_state === aim, finish });
}

function begin(double: IronicDouble, node: StoredNode, activity: Activity | undefined): void {
  if (activity) activities.set(node, activity);
  else activities.delete(node);
  if (activity?.looks === 0) look(double, node);
}

function current(node: StoredNode): Activity | undefined {
  const activity = activities.get(node);
  if (activity?.isStill() === false) activities.delete(node);
  return activities.get(node);
}

function isCleaned({ cleans }: IronicDouble, node: StoredNode): boolean {
  return node['automated_clean'] === true || (node['automated_clean'] !== false && cleans);
}

/** The error for a verb, a state or a change of power, of this node or of all. */
function failureAt({ fails }: IronicDouble, node: StoredNode, what: string): string | undefined {
  return fails[`${node.name}/${what}`] ?? fails[`${node.uuid}/${what}`] ?? fails[what];
}

export function isMeant(node: StoredNode, ident: string | undefined): boolean {
  return ident === undefined || ident === node.uuid || ident === node.name;
}
