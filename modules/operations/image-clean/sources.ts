// Who uses an image: each source reads one service whole, and says nothing at all rather than a part.
import { listVolumes, type Volume } from '../../clients/cinder/volumes.js';
import { listHardware } from '../../clients/doni/hardware.js';
import { listNodes, type Node } from '../../clients/ironic/nodes.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { assertCellsUp, listServers } from '../../clients/nova/servers.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { addUser, type Use, type User } from '../../policy/uses.js';

interface Found {
  readonly imageId: string;
  readonly user: User;
}

interface Source {
  /** As the catalogue calls it. */
  readonly service: string;
  readonly title: string;
  /** `imageId` lets a service look for one image only, where it can. */
  find(cloud: Cloud, imageId?: string): AsyncGenerator<Found>;
}

const sources: readonly Source[] = [
  { service: 'compute', title: 'Nova', find: findServers },
  { service: 'block-storage', title: 'Cinder', find: findVolumes },
  { service: 'baremetal', title: 'Ironic', find: findNodes },
  { service: 'inventory', title: 'Doni', find: findHardware },
];

/** Which of the services the cloud has, and which it has not. */
export function knownSources(cloud: Cloud): { sources: string[]; absent: string[] } {
  const services = sources.map(({ service }) => service);
  return { sources: services.filter((service) => cloud.hasService(service)), absent: services.filter((service) => !cloud.hasService(service)) };
}

/**
 * The uses of these images, as every service of the cloud tells them. Throws USE_UNKNOWN when one of them does not answer whole.
 * `imageId` narrows the question to one image.
 */
export async function readUses(cloud: Cloud, isAsked: (imageId: string) => boolean, imageId?: string): Promise<ReadonlyMap<string, Use>> {
  const uses = new Map<string, Use>();
  const present = sources.filter(({ service }) => cloud.hasService(service));
  // All are waited for, so that no request is under way when the run has ended.
  const read = await Promise.allSettled(
    present.map(async (source) => {
      try {
        for await (const found of source.find(cloud, imageId)) if (isAsked(found.imageId)) addUser(uses, found.imageId, found.user);
      } catch (error) {
        throw new OperationError('USE_UNKNOWN', `${source.title} does not tell which images are in use, so nothing is hidden or deleted: ${messageOf(error)}`, { service: source.service }, error);
      }
    }),
  );
  const failed = read.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  return uses;
}

async function* findServers(cloud: Cloud, only?: string): AsyncGenerator<Found> {
  await assertCellsUp(cloud);
  const seen = new Set<string>();
  for (const softDeleted of [false, true]) {
    for await (const { id, name, projectId, status, imageId } of listServers(cloud, { softDeleted, imageId: only })) {
      if (seen.has(id)) continue;
      seen.add(id);
      if (imageId !== undefined) yield { imageId, user: { what: `${status === 'SOFT_DELETED' ? 'soft-deleted ' : ''}server ${name || id}`, projectId } };
    }
  }
}

async function* findVolumes(cloud: Cloud): AsyncGenerator<Found> {
  for await (const volume of listVolumes(cloud)) {
    if (volume.imageId !== undefined) yield { imageId: volume.imageId, user: { what: nameOf(volume), projectId: volume.projectId } };
  }
}

function nameOf({ id, name, serverIds }: Volume): string {
  return `volume ${name || id}${serverIds.length > 0 ? ` of server ${serverIds.join(', ')}` : ''}`;
}

async function* findNodes(cloud: Cloud): AsyncGenerator<Found> {
  for await (const node of listNodes(cloud)) yield* imagesOf(node);
}

/** Any key may name an image: drivers have keys of their own, some of them nested. An id, `glance://ID` and a URL with an id all count. */
function* imagesOf({ uuid, name, driver_info, instance_info }: Node): Generator<Found> {
  for (const [kind, info] of Object.entries({ driver_info, instance_info })) {
    for (const [key, value] of Object.entries(info)) {
      for (const imageId of idsIn(value)) yield { imageId, user: { what: `node ${name || uuid} (${kind} ${key})` } };
    }
  }
}

function idsIn(value: unknown): string[] {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return (text.match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi) ?? []).map((id) => id.toLowerCase());
}

async function* findHardware(cloud: Cloud): AsyncGenerator<Found> {
  for await (const { uuid, name, deployImages } of listHardware(cloud)) {
    for (const text of deployImages) for (const imageId of idsIn(text)) yield { imageId, user: { what: `hardware ${name || uuid} in Doni` } };
  }
}
