// Who uses an image: each source reads one service completely, proves that this login sees
// everything, and fails rather than report a part.
import { optionText } from '../core/option-text.js';
import { assertAllVolumes, listVolumes, type Volume } from '../clients/cinder/volumes.js';
import { listHardware } from '../clients/doni/hardware.js';
import { seesAllImages } from '../clients/glance/images.js';
import { statusOf } from '../clients/http/errors.js';
import { openIronic } from '../clients/ironic/api.js';
import { listNodes } from '../clients/ironic/nodes.js';
import { seesAllNodes } from '../clients/ironic/visibility.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { countBaremetalHypervisors } from '../clients/nova/hypervisors.js';
import { assertCellsUp, listServers, type Server } from '../clients/nova/servers.js';
import { hasCode, messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import { comparableId, uuidsIn } from '../core/uuid.js';
import { sleep } from '../core/waiting.js';
import { addUser, mergedUses, type ImageUse, type ImageUser } from './policy/image-uses.js';
import { imageReferencesOf, isMask } from './policy/node-references.js';

interface FoundUse {
  readonly imageId: string;
  readonly user: ImageUser;
}

interface UsesSource {
  /** Its type in Keystone's catalogue. */
  readonly service: string;
  readonly title: string;
  find(cloud: Cloud): AsyncGenerator<FoundUse>;
}

const nova: UsesSource = { service: 'compute', title: 'Nova', find: findServers };

const sources: readonly UsesSource[] = [
  nova,
  { service: 'block-storage', title: 'Cinder', find: findVolumes },
  { service: 'baremetal', title: 'Ironic', find: findNodes },
  { service: 'inventory', title: 'Doni', find: findHardware },
];

/** The services that are asked, and those that this cloud does not have. */
export function usesSources(cloud: Cloud): { sources: string[]; absent: string[] } {
  const services = sources.map(({ service }) => service);
  return {
    sources: services.filter((service) => cloud.hasService(service)),
    absent: services.filter((service) => !cloud.hasService(service)),
  };
}

export interface KnownUses {
  /** By the image's id in canonical form. */
  readonly uses: ReadonlyMap<string, ImageUse>;
  /** The services that did not report all uses. */
  readonly unknown: readonly UnknownUses[];
}

/** Why a service does not report which images are in use. */
export interface UnknownUses {
  /** Its type in Keystone's catalogue. */
  readonly service: string;
  readonly title: string;
  readonly cause: unknown;
}

/**
 * The uses of these images, as far as the services of the cloud report them. `isAsked` gets ids in
 * canonical form; up to `most` users of an image are listed.
 */
export async function readKnownUses(
  cloud: Cloud,
  isAsked: (imageId: string) => boolean,
  most?: number,
): Promise<KnownUses> {
  const asked = sources.filter(({ service }) => cloud.hasService(service));
  const found = new Map(asked.map((source) => [source, new Map<string, ImageUse>()]));
  const unknown: UnknownUses[] = [];
  const readSource = async ([source, uses]: [UsesSource, Map<string, ImageUse>]): Promise<void> => {
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
  // Waits for all, so that no request is still running when the run ends.
  const read = await Promise.allSettled([...found].map(readSource));
  const interrupted = read.find(({ status }) => status === 'rejected');
  if (interrupted?.status === 'rejected') throw interrupted.reason;
  // In the order of the sources, whichever answers first: so the same users are listed each time. And
  // Ironic's source asks Nova too; if Nova is down, Nova is to be reported first.
  const uses = mergedUses([...found.values()], most);
  return { uses, unknown: sources.flatMap(({ service }) => unknown.filter((entry) => entry.service === service)) };
}

/**
 * The uses of these images, complete. Throws USE_UNKNOWN if any service of the cloud does not
 * report all of them.
 */
export async function readUses(
  cloud: Cloud,
  isAsked: (imageId: string) => boolean,
): Promise<ReadonlyMap<string, ImageUse>> {
  const { uses, unknown } = await readKnownUses(cloud, isAsked);
  if (unknown[0]) throw usesUnknownError(unknown[0]);
  return uses;
}

/**
 * Any server that was created from this image, by one short request: the last check before a
 * change. Throws USE_UNKNOWN.
 */
export async function findServerOf(cloud: Cloud, imageId: string): Promise<ImageUser | undefined> {
  if (!cloud.hasService(nova.service)) return undefined;
  try {
    for await (const server of listServers(cloud, { softDeleted: false, imageId })) return serverUser(server);
    return undefined;
  } catch (error) {
    throw usesUnknownError({ ...nova, cause: error });
  }
}

/**
 * Why Glance does not list the images of all projects, any of which may boot with one of ours.
 * Undefined if it does list them.
 */
export async function unknownUsesOfGlance(cloud: Cloud): Promise<UnknownUses | undefined> {
  if (await seesAllImages(cloud)) return undefined;
  const hidden = new OperationError(
    'IMAGES_HIDDEN',
    'it shows this login only the images of its own project; the admin role is needed',
    { service: 'image' },
  );
  return { service: 'image', title: 'Glance', cause: hidden };
}

/** Throws USE_UNKNOWN unless Glance lists the images of all projects. */
export async function assertSeesAllImages(cloud: Cloud): Promise<void> {
  const hidden = await unknownUsesOfGlance(cloud);
  if (hidden) throw usesUnknownError(hidden);
}

function usesUnknownError({ service, title, cause }: UnknownUses): OperationError {
  return new OperationError(
    'USE_UNKNOWN',
    `${title} does not report which images are in use, so nothing is hidden or deleted: ${unknownUsesReason(cause)}`,
    { service },
    cause,
  );
}

/** Which service it is, and why. */
export function describeUnknown({ title, cause }: UnknownUses): string {
  return `${title} does not report which images are in use: ${unknownUsesReason(cause)}`;
}

/** The service's error and, if it refused the login, what helps. */
function unknownUsesReason(cause: unknown): string {
  const advice = ' (this login needs a role that can see the resources of all projects, such as admin)';
  return `${messageOf(cause)}${statusOf(cause) === 403 ? advice : ''}`;
}

async function* findServers(cloud: Cloud): AsyncGenerator<FoundUse> {
  await assertCellsUp(cloud);
  const seen = new Set<string>();
  for (const softDeleted of [false, true]) {
    for await (const server of listServers(cloud, { softDeleted })) {
      if (seen.has(server.id)) continue;
      seen.add(server.id);
      for (const imageId of server.imageIds) yield { imageId, user: serverUser(server) };
    }
  }
}

function serverUser({ id, name, projectId, status }: Server): ImageUser {
  return { what: `${status === 'SOFT_DELETED' ? 'soft-deleted ' : ''}server ${name || id}`, projectId };
}

async function* findVolumes(cloud: Cloud): AsyncGenerator<FoundUse> {
  await assertAllVolumes(cloud);
  for await (const volume of listVolumes(cloud)) {
    for (const imageId of volume.imageIds)
      yield { imageId, user: { what: volumeLabel(volume), projectId: volume.projectId } };
  }
}

/**
 * Cinder names the copies that it keeps of images (`image_volume_cache_enabled`) after them, and
 * gives them to its internal project.
 */
function volumeLabel({ id, name, imageIds, serverIds }: Volume): string {
  const isCache = imageIds.some((imageId) => name === `image-${imageId}`);
  return [
    `volume ${name || id}`,
    ...(isCache ? ["(Cinder's image-volume cache)"] : []),
    ...(serverIds.length > 0 ? [`of server ${serverIds.join(', ')}`] : []),
  ].join(' ');
}

async function* findNodes(cloud: Cloud): AsyncGenerator<FoundUse> {
  const { seen, why } = await seesAllNodes(cloud);
  if (!seen) throw new OperationError('NODES_HIDDEN', why, { service: 'baremetal' });
  // Counted first, so that a node added in between is not taken for a hidden one.
  const expected = cloud.hasService('compute') ? await countBaremetalHypervisors(cloud) : undefined;
  let count = 0;
  for await (const node of listNodes(await openIronic(cloud))) {
    count += 1;
    for (const { imageId, place } of imageReferencesOf(node))
      yield { imageId, user: { what: `node ${node.name || node.uuid} (${place})` } };
  }
  if (expected === undefined || count >= expected) return;
  // Nova has a node that has just been deleted a little longer.
  await sleep(nodeDeletionMs);
  const latest = Math.min(expected, (await countBaremetalHypervisors(cloud)) ?? expected);
  if (count < latest) throw nodesHidden(count, latest);
}

const nodeDeletionMs = 2000;

function nodesHidden(count: number, expected: number): OperationError {
  const advice = `a system-scoped token is needed (${optionText('system_scope')})`;
  const message =
    `it shows this login ${count} nodes but Nova has ${expected} bare-metal hypervisors, so some nodes are hidden, ` +
    `and ${advice}, or Nova has not noticed yet that nodes are gone`;
  return new OperationError('NODES_HIDDEN', message, { service: 'baremetal' });
}

async function* findHardware(cloud: Cloud): AsyncGenerator<FoundUse> {
  for await (const { uuid, name, deployImages } of listHardware(cloud)) {
    const what = `hardware ${name || uuid} in Doni`;
    if (deployImages.some(isMask))
      throw new OperationError('VALUE_HIDDEN', `it masks the deploy images of ${what}`, { hardware: uuid });
    for (const text of deployImages) for (const imageId of uuidsIn(text)) yield { imageId, user: { what } };
  }
}
