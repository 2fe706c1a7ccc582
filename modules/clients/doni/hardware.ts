// The hardware of Doni (https://github.com/ChameleonCloud/doni), which creates the Ironic nodes of
// a site.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { isNotFound } from '../http/errors.js';
import type { HttpAnswer } from '../http/client.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

type Row = Readonly<Record<string, unknown>>;

export interface Hardware {
  /**
   * Also the UUID of the Ironic node, which the worker creates under it (`desired_state` in
   * doni/driver/worker/ironic.py).
   */
  readonly uuid: string;
  readonly name: string;
  /** IDs of the images that Doni sets as `deploy_kernel` and `deploy_ramdisk` of the node. */
  readonly deployImages: readonly string[];
  /** The same images one by one; undefined if Ironic's default is used. */
  readonly deployKernel: string | undefined;
  readonly deployRamdisk: string | undefined;
  readonly nodeType: string;
  readonly workers: readonly Worker[];
}

/** A worker of Doni applies changes to another service, such as `ironic`. */
export interface Worker {
  readonly type: string;
  /** PENDING, IN_PROGRESS, STEADY or ERROR (doni/worker/__init__.py). */
  readonly state: string;
  /** Why it failed or waits; empty if the worker reports nothing. */
  readonly reason: string;
}

export interface Sync {
  readonly state: 'done' | 'waiting' | 'failed';
  readonly reason: string;
}

/** Glance IDs; undefined: Ironic's default. */
export interface DeployImages {
  readonly deployKernel: string | undefined;
  readonly deployRamdisk: string | undefined;
}

const properties = {
  deployKernel: 'baremetal_deploy_kernel_image',
  deployRamdisk: 'baremetal_deploy_ramdisk_image',
} as const;

/** The hardware of all projects. Without a limit Doni returns all of it at once. */
export async function* listHardware(cloud: Cloud): AsyncGenerator<Hardware> {
  const path = '/v1/hardware/?all_projects=1';
  for await (const row of readPages(
    { service: 'inventory', path, key: 'hardware', id: 'uuid', next: (page) => nextOf(page.links) },
    cloud,
  ))
    yield parseHardware(row);
}

/** The hardware of this UUID; undefined if it does not exist. */
export async function getHardware(cloud: Cloud, uuid: string): Promise<Hardware | undefined> {
  try {
    return await hardwareIn(await cloud.request('inventory', { method: 'GET', path: pathOf(uuid) }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Sets or removes the deploy images; sends nothing if they are up to date. The node follows when
 * the worker has run: see `syncOf`. `update` in doni/api/hardware.py accepts any text, so the IDs
 * must be checked beforehand.
 */
export async function updateHardware(cloud: Cloud, hardware: Hardware, images: DeployImages): Promise<Hardware> {
  const patch = (['deployKernel', 'deployRamdisk'] as const)
    .filter((key) => hardware[key] !== images[key])
    .map((key) => {
      const path = `/properties/${properties[key]}`;
      // `add` also overwrites.
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
 * Makes all workers of a hardware run again. Needed if Ironic still has other images after `done`:
 * the workers copy the hardware before they look for pending work, so a change may be too late for
 * the run that reports success (`process_pending` in doni/worker/manager.py), and a change while a
 * worker is IN_PROGRESS triggers no further run.
 */
export async function requestSync(cloud: Cloud, { uuid }: Pick<Hardware, 'uuid'>): Promise<void> {
  await (await cloud.request('inventory', { method: 'POST', path: `${pathOf(uuid)}/sync`, repeatable: true })).text();
}

/**
 * How far the Ironic worker is. It waits while the node is locked or in maintenance, and fails
 * while the node has a server; a node that it changes passes through `manageable` to `available`.
 * It may report failure during cleaning, although the node has the images.
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
  const row = await answer.json();
  if (!isMapping(row) || textAt(row, 'uuid') === '')
    throw new OperationError('UNEXPECTED_ANSWER', 'the inventory service returned no hardware', {
      service: 'inventory',
    });
  return parseHardware(row);
}

function parseHardware(row: Row): Hardware {
  const values = isMapping(row.properties) ? row.properties : {};
  const deployKernel = textAt(values, properties.deployKernel) || undefined;
  const deployRamdisk = textAt(values, properties.deployRamdisk) || undefined;
  return {
    uuid: textAt(row, 'uuid'),
    name: textAt(row, 'name'),
    deployImages: [deployKernel, deployRamdisk].filter((id) => id !== undefined),
    deployKernel,
    deployRamdisk,
    nodeType: textAt(values, 'node_type'),
    workers: (Array.isArray(row.workers) ? row.workers : []).filter(isMapping).map(parseWorker),
  };
}

function parseWorker(row: Row): Worker {
  const details = isMapping(row.state_details) ? row.state_details : {};
  const state = textAt(row, 'state');
  // The details keep an older error until the worker has succeeded.
  return {
    type: textAt(row, 'worker_type'),
    state,
    reason: textAt(details, state === 'ERROR' ? 'last_error' : 'defer_reason'),
  };
}
