// A double of Doni's hardware and of its worker that keeps Ironic's nodes alike:
// github.com/ChameleonCloud/doni, doni/api/hardware.py.

import { randomUUID } from 'node:crypto';

import { runWorker } from './doni-worker.js';
import type { StoredWorker } from './doni-worker.js';
import { Refusal, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import type { StoredNode } from './ironic.js';
import { refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredHardware {
  readonly uuid: string;
  readonly name: string;
  properties: Readonly<Record<string, string>>;
  readonly worker: StoredWorker;
}

export interface DoniOptions extends ServiceOptions {
  /** Ironic's nodes, which the worker changes. */
  readonly nodes?: readonly StoredNode[];
}

export interface DoniDouble extends HttpDouble {
  readonly hardware: StoredHardware[];
  /**
   * `automatic`: each look at a hardware is followed by the worker's next step. `manual`: the test
   * calls `work`.
   */
  lifecycle: 'automatic' | 'manual';
  /** Ends the worker's runs with this error. */
  failsWith: string | undefined;
  /** Puts the worker's runs off for this reason, such as `Node is locked.` */
  defersFor: string | undefined;
  /**
   * The worker's next run takes the hardware as it was before its latest change, as the real one
   * may.
   */
  isLate: boolean;
  intervene: Intervention;
  seed(hardware: Partial<StoredHardware>): StoredHardware;
  /** The worker's next step for a hardware: PENDING, IN_PROGRESS, then the end of the run. */
  work(hardware: StoredHardware): void;
}

export async function startDoni(options: DoniOptions): Promise<DoniDouble> {
  const server = await startHttpDouble((call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    refuseStrangers(options, call);
    return handle(double, call);
  }, options.now);
  const double: DoniDouble = {
    ...server,
    hardware: [],
    lifecycle: 'automatic',
    failsWith: undefined,
    defersFor: undefined,
    isLate: false,
    intervene: () => undefined,
    seed: (given) => {
      const stored = {
        uuid: randomUUID(),
        name: 'rack1-01',
        properties: {},
        worker: { state: 'STEADY', details: {}, before: undefined, taken: {} },
        ...given,
      };
      double.hardware.push(stored);
      return stored;
    },
    work: (hardware) => runWorker(double, hardware, options.nodes ?? []),
  };
  return double;
}

/**
 * The routes of doni/api/hardware.py; Flask takes them with and without a slash at the end
 * (doni/flask.py).
 */
function handle(double: DoniDouble, call: Call): Answer | Promise<Answer> {
  const [, resource, uuid = '', action] = call.segments;
  if (resource !== 'hardware') throw refusal(404, 'Not Found');
  if (uuid === '') return listAll(double, call);
  if (!/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(uuid))
    throw refusal(400, `Expected UUID for hardware_uuid: ${uuid}`);
  const hardware = double.hardware.find((candidate) => candidate.uuid === uuid);
  if (hardware === undefined) throw refusal(404, `Hardware ${uuid} could not be found.`);
  if (action === 'sync' && call.method === 'POST') {
    markPending(hardware);
    return { status: 200, body: '' };
  }
  return call.method === 'PATCH' ? patch(hardware, call) : shown(double, hardware);
}

/** Without `all_projects` only the own project's; the double's hardware belongs to another. */
function listAll(double: DoniDouble, { query }: Call): Answer {
  const ours = query.has('all_projects') ? double.hardware : [];
  return { status: 200, body: { hardware: ours.map(rowOf), links: [] } };
}

function shown(double: DoniDouble, hardware: StoredHardware): Answer {
  const body = rowOf(hardware);
  if (double.lifecycle === 'automatic') double.work(hardware);
  return { status: 200, body };
}

/**
 * `update`: add, replace and remove of RFC 6902; what the properties' values are is not looked at.
 */
async function patch(hardware: StoredHardware, call: Call): Promise<Answer> {
  const operations = await call.json();
  if (!Array.isArray(operations)) throw refusal(400, 'Schema error for patch');
  const properties: Record<string, string> = { ...hardware.properties };
  for (const { op, path, value } of operations as { op: string; path: string; value?: string }[]) {
    if (!['add', 'replace', 'remove'].includes(op) || !/^(\/[\w-]+)+$/.test(path))
      throw refusal(400, 'Schema error for patch');
    const [, field, key = ''] = path.split('/');
    if (!updatable.includes(field ?? ''))
      throw refusal(400, `Cannot patch ${path}. Only the following can be updated: ${updatable.join(', ')}`);
    if (field !== 'properties') throw new Error('this double changes properties only');
    if (op !== 'add' && !(key in properties))
      throw refusal(400, `Couldn't apply patch '${op} ${path}'. Reason: can't ${op} a non-existent object '${key}'`);
    if (op === 'remove') delete properties[key];
    else properties[key] = String(value);
  }
  hardware.worker.before = hardware.properties;
  hardware.properties = properties;
  markPending(hardware);
  return { status: 200, body: rowOf(hardware) };
}

const updatable = ['name', 'hardware_type', 'properties', 'availability'];

/** `_mark_tasks_pending`: a run that is under way is left alone. */
function markPending({ worker }: StoredHardware): void {
  if (worker.state !== 'IN_PROGRESS') worker.state = 'PENDING';
}

/** `hardware_serializer`. */
function rowOf({ uuid, name, properties, worker }: StoredHardware): object {
  const workers = [
    { worker_type: 'blazar.physical_host', state: 'STEADY', state_details: {} },
    { worker_type: 'ironic', state: worker.state, state_details: worker.details },
  ];
  return { uuid, name, project_id: 'project-1', hardware_type: 'baremetal', properties, workers };
}

function refusal(status: number, error: string): Refusal {
  return new Refusal({ status, body: { error } });
}
