// Doni's hardware (https://github.com/ChameleonCloud/doni), from which a site's Ironic nodes are made.
import { OperationError } from '../../core/errors.js';
import { isNotFound } from '../http/errors.js';
import type { HttpAnswer } from '../http/client.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

type Values = Readonly<Record<string, unknown>>;

export interface Hardware {
  /** That of the Ironic node too: the worker creates the node under it (`desired_state` in doni/driver/worker/ironic.py). */
  readonly uuid: string;
  readonly name: string;
  /** Ids of the images that Doni gives to the node as `deploy_kernel` and `deploy_ramdisk`. */
  readonly deployImages: readonly string[];
  /** The same one by one; undefined where Ironic's own default is used. */
  readonly deployKernel: string | undefined;
  readonly deployRamdisk: string | undefined;
  readonly nodeType: string;
  readonly workers: readonly Worker[];
}

/** One of those who bring a change to the other services, such as `ironic`. */
export interface Worker {
  readonly type: string;
  /** PENDING, IN_PROGRESS, STEADY or ERROR (doni/worker/__init__.py). */
  readonly state: string;
  /** Why it failed, or why it waits; empty where it tells nothing. */
  readonly reason: string;
}

export interface Sync {
  readonly state: 'done' | 'waiting' | 'failed';
  readonly reason: string;
}

/** Glance ids; undefined leaves it to Ironic's default. */
export interface DeployImages {
  readonly deployKernel: string | undefined;
  readonly deployRamdisk: string | undefined;
}

const properties = {
  deployKernel: 'baremetal_deploy_kernel_image',
  deployRamdisk: 'baremetal_deploy_ramdisk_image',
} as const;

/** The hardware of all projects. Doni gives all of it at once where no limit is asked for. */
export async function* listHardware(cloud: Cloud): AsyncGenerator<Hardware> {
  const path = '/v1/hardware/?all_projects=1';
  for await (const row of readPages(
    { service: 'inventory', path, key: 'hardware', id: 'uuid', next: (page) => nextOf(page.links) },
    cloud,
  ))
    yield parseHardware(row);
}

/** The hardware of this UUID; undefined where there is none. */
export async function getHardware(cloud: Cloud, uuid: string): Promise<Hardware | undefined> {
  try {
    return await hardwareIn(await cloud.request('inventory', { method: 'GET', path: pathOf(uuid) }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Sets the deploy images, or removes them; sends nothing where they are so already. The node follows when the worker has run: see `syncOf`.
 * `update` in doni/api/hardware.py takes whatever text is given, so the ids must be checked before.
 */
export async function updateHardware(cloud: Cloud, hardware: Hardware, images: DeployImages): Promise<Hardware> {
  const keys = Object.keys(properties) as (keyof DeployImages)[];
  const patch = keys
    .filter((key) => hardware[key] !== images[key])
    .map((key) => {
      const path = `/properties/${properties[key]}`;
      // `add` overwrites too.
      return images[key] === undefined ? { op: 'remove', path } : { op: 'add', path, value: images[key] };
    });
  if (patch.length === 0) return hardware;
  const headers = { 'Content-Type': 'application/json' };
  return hardwareIn(
    await cloud.request('inventory', {
      method: 'PATCH',
      path: pathOf(hardware.uuid),
      headers,
      body: JSON.stringify(patch),
    }),
  );
}

/**
 * Has all workers of a hardware run again. Needed where Ironic still has other images after `done`: the workers take their copy of the
 * hardware before they look what is to be done, so a change may come too late for the run that says it is done (`process_pending` in
 * doni/worker/manager.py), and one that comes while a worker is IN_PROGRESS asks for no further run.
 */
export async function requestSync(cloud: Cloud, { uuid }: Pick<Hardware, 'uuid'>): Promise<void> {
  await (await cloud.request('inventory', { method: 'POST', path: `${pathOf(uuid)}/sync`, repeatable: true })).text();
}

/**
 * How far the Ironic worker is. It waits where the node is locked or in maintenance, and fails where the node has a server; a node that it
 * changes passes through `manageable` to `available`. It may fail for the time that cleaning takes, although the node has the images.
 */
export function syncOf({ name, workers }: Hardware): Sync {
  const worker = workers.find(({ type }) => type === 'ironic');
  if (worker === undefined) return { state: 'failed', reason: `Doni has no ironic worker for "${name}"` };
  if (worker.state === 'STEADY') return { state: 'done', reason: '' };
  return { state: worker.state === 'ERROR' ? 'failed' : 'waiting', reason: worker.reason };
}

function pathOf(uuid: string): string {
  return `/v1/hardware/${encodeURIComponent(uuid)}`;
}

async function hardwareIn(answer: HttpAnswer): Promise<Hardware> {
  const row = (await answer.json()) as Values | null;
  if (row === null || textAt(row, 'uuid') === '')
    throw new OperationError('UNEXPECTED_ANSWER', 'the inventory service answered no hardware', {
      service: 'inventory',
    });
  return parseHardware(row);
}

function parseHardware(row: Values): Hardware {
  const values = (row.properties ?? {}) as Values;
  const deployKernel = textAt(values, properties.deployKernel) || undefined;
  const deployRamdisk = textAt(values, properties.deployRamdisk) || undefined;
  return {
    uuid: textAt(row, 'uuid'),
    name: textAt(row, 'name'),
    deployImages: [deployKernel, deployRamdisk].filter((id) => id !== undefined),
    deployKernel,
    deployRamdisk,
    nodeType: textAt(values, 'node_type'),
    workers: (Array.isArray(row.workers) ? (row.workers as Values[]) : []).map(parseWorker),
  };
}

function parseWorker(row: Values): Worker {
  const details = (row.state_details ?? {}) as Values;
  const state = textAt(row, 'state');
  // The details keep an earlier error until the worker has succeeded.
  return {
    type: textAt(row, 'worker_type'),
    state,
    reason: textAt(details, state === 'ERROR' ? 'last_error' : 'defer_reason'),
  };
}
