// Who uses an image: each source reads one service completely, proves that it was shown all, and says nothing at all rather than a part.
import { assertAllVolumes, listVolumes, type Volume } from '../../clients/cinder/volumes.js';
import { listHardware } from '../../clients/doni/hardware.js';
import { seesAllImages } from '../../clients/glance/images.js';
import { statusOf } from '../../clients/http/errors.js';
import { openIronic } from '../../clients/ironic/api.js';
import { listNodes } from '../../clients/ironic/nodes.js';
import { seesAllNodes } from '../../clients/ironic/visibility.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { countBaremetalHypervisors } from '../../clients/nova/hypervisors.js';
import { assertCellsUp, listServers, type Server } from '../../clients/nova/servers.js';
import { hasCode, messageOf, OperationError, rethrowProgramFault } from '../../core/errors.js';
import { comparableId, uuidsIn } from '../../core/uuid.js';
import { addUser, type ImageUse, type ImageUser } from '../policy/image-uses.js';
import { imagesOfNode } from './node-images.js';

interface Found {
  readonly imageId: string;
  readonly user: ImageUser;
}

interface Source {
  /** As the catalogue calls it. */
  readonly service: string;
  readonly title: string;
  find(cloud: Cloud): AsyncGenerator<Found>;
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
  return {
    sources: services.filter((service) => cloud.hasService(service)),
    absent: services.filter((service) => !cloud.hasService(service)),
  };
}

export interface KnownUses {
  /** By the image's id in its usual spelling. */
  readonly uses: ReadonlyMap<string, ImageUse>;
  /** The services that do not say it all. */
  readonly unknown: readonly UnknownUses[];
}

/** Why a service does not say which images are in use. */
export interface UnknownUses {
  /** As the catalogue calls it. */
  readonly service: string;
  readonly title: string;
  readonly cause: unknown;
}

/** The uses of these images, as far as the services of the cloud say. `isAsked` gets ids in their usual spelling; `most` users of an image are named. */
export async function readKnownUses(
  cloud: Cloud,
  isAsked: (imageId: string) => boolean,
  most?: number,
): Promise<KnownUses> {
  const uses = new Map<string, ImageUse>();
  const unknown: UnknownUses[] = [];
  const readSource = async (source: Source): Promise<void> => {
    try {
      for await (const { imageId, user } of source.find(cloud)) {
        const id = comparableId(imageId);
        if (isAsked(id)) addUser(uses, id, user, most);
      }
    } catch (error) {
      rethrowProgramFault(error);
      if (hasCode(error, 'INTERRUPTED')) throw error;
      unknown.push({ service: source.service, title: source.title, cause: error });
    }
  };
  // All are waited for, so that no request is under way when the run has ended.
  const read = await Promise.allSettled(sources.filter(({ service }) => cloud.hasService(service)).map(readSource));
  const interrupted = read.find(({ status }) => status === 'rejected');
  if (interrupted?.status === 'rejected') throw interrupted.reason;
  // In the order of the sources: Ironic's asks Nova too, and where Nova is down it is Nova that is to be named.
  return { uses, unknown: sources.flatMap(({ service }) => unknown.filter((silence) => silence.service === service)) };
}

/** The uses of these images, as every service of the cloud says. Throws USE_UNKNOWN when one of them does not say it all. */
export async function readUses(
  cloud: Cloud,
  isAsked: (imageId: string) => boolean,
): Promise<ReadonlyMap<string, ImageUse>> {
  const { uses, unknown } = await readKnownUses(cloud, isAsked);
  if (unknown[0]) throw usesUnknownError(unknown[0]);
  return uses;
}

/** Any server that was made from this image, by one short question: for a last look. Throws USE_UNKNOWN. */
export async function findServerOf(cloud: Cloud, imageId: string): Promise<ImageUser | undefined> {
  const [nova] = sources as readonly [Source];
  if (!cloud.hasService(nova.service)) return undefined;
  try {
    for await (const server of listServers(cloud, { softDeleted: false, imageId })) return userOf(server);
    return undefined;
  } catch (error) {
    throw usesUnknownError({ ...nova, cause: error });
  }
}

/** What Glance keeps to itself: an image of another project may boot with one of ours. Undefined where it lists the images of all projects. */
export async function unknownUsesOfGlance(cloud: Cloud): Promise<UnknownUses | undefined> {
  if (await seesAllImages(cloud)) return undefined;
  const hidden = new OperationError(
    'IMAGES_HIDDEN',
    'it shows this login the images of its project only; the role admin is needed',
    { service: 'image' },
  );
  return { service: 'image', title: 'Glance', cause: hidden };
}

/** Makes sure that Glance has listed the images of all projects. Throws USE_UNKNOWN. */
export async function assertAllImages(cloud: Cloud): Promise<void> {
  const silence = await unknownUsesOfGlance(cloud);
  if (silence) throw usesUnknownError(silence);
}

export function usesUnknownError({ service, title, cause }: UnknownUses): OperationError {
  return new OperationError(
    'USE_UNKNOWN',
    `${title} does not tell which images are in use, so nothing is hidden or deleted: ${unknownUsesReason(cause)}`,
    { service },
    cause,
  );
}

/** What a service said, and what helps where it refuses. */
export function unknownUsesReason(cause: unknown): string {
  return `${messageOf(cause)}${statusOf(cause) === 403 ? ' (this login needs a role that may see what all projects have, such as admin)' : ''}`;
}

async function* findServers(cloud: Cloud): AsyncGenerator<Found> {
  await assertCellsUp(cloud);
  const seen = new Set<string>();
  for (const softDeleted of [false, true]) {
    for await (const server of listServers(cloud, { softDeleted })) {
      if (seen.has(server.id)) continue;
      seen.add(server.id);
      for (const imageId of server.imageIds) yield { imageId, user: userOf(server) };
    }
  }
}

function userOf({ id, name, projectId, status }: Server): ImageUser {
  return { what: `${status === 'SOFT_DELETED' ? 'soft-deleted ' : ''}server ${name || id}`, projectId };
}

async function* findVolumes(cloud: Cloud): AsyncGenerator<Found> {
  await assertAllVolumes(cloud);
  for await (const volume of listVolumes(cloud)) {
    for (const imageId of volume.imageIds)
      yield { imageId, user: { what: nameOf(volume), projectId: volume.projectId } };
  }
}

function nameOf({ id, name, serverIds }: Volume): string {
  return `volume ${name || id}${serverIds.length > 0 ? ` of server ${serverIds.join(', ')}` : ''}`;
}

async function* findNodes(cloud: Cloud): AsyncGenerator<Found> {
  const { seen, why } = await seesAllNodes(cloud);
  if (!seen) throw new OperationError('NODES_HIDDEN', why, { service: 'baremetal' });
  // Asked first: a node that comes in between is no contradiction.
  const expected = cloud.hasService('compute') ? await countBaremetalHypervisors(cloud) : undefined;
  let count = 0;
  for await (const node of listNodes(await openIronic(cloud))) {
    count += 1;
    for (const { imageId, place } of imagesOfNode(node))
      yield { imageId, user: { what: `node ${node.name || node.uuid} (${place})` } };
  }
  if (expected !== undefined && count < expected) throw nodesHidden(count, expected);
}

function nodesHidden(count: number, expected: number): OperationError {
  const message = `it shows this login ${count} nodes, and Nova has ${expected} bare-metal hypervisors: not all nodes are seen; a token of the whole system is needed (system_scope)`;
  return new OperationError('NODES_HIDDEN', message, { service: 'baremetal' });
}

async function* findHardware(cloud: Cloud): AsyncGenerator<Found> {
  for await (const { uuid, name, deployImages } of listHardware(cloud)) {
    const what = `hardware ${name || uuid} in Doni`;
    if (deployImages.some((text) => /^\*{3,}$/.test(text)))
      throw new OperationError('VALUE_HIDDEN', `it masks the deploy images of ${what}`, { hardware: uuid });
    for (const text of deployImages) for (const imageId of uuidsIn(text)) yield { imageId, user: { what } };
  }
}
