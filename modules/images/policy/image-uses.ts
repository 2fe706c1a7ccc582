// Who uses an image: servers, volumes, nodes, and images that boot with it. Only a few users of
// each image are kept, however many there are.
import { listSome } from '../../core/counts.js';
import { comparableId, uuidsIn } from '../../core/uuid.js';
import type { SiteImage } from './site-image.js';

export interface ImageUser {
  /** Such as `server web-3`. */
  readonly what: string;
  readonly projectId?: string | undefined;
}

export interface ImageUse {
  /** The first users; the others are only counted. */
  readonly named: readonly ImageUser[];
  readonly count: number;
}

/** How many users of an image are listed by default. */
const defaultMaxUsers = 2;

export function addUser(uses: Map<string, ImageUse>, imageId: string, user: ImageUser, max = defaultMaxUsers): void {
  const use = uses.get(imageId) ?? { named: [], count: 0 };
  if (use.named.some(({ what, projectId }) => what === user.what && projectId === user.projectId)) return;
  uses.set(imageId, { named: use.named.length < max ? [...use.named, user] : use.named, count: use.count + 1 });
}

/** All of them together; the users of the first come first. */
export function mergedUses(
  parts: readonly ReadonlyMap<string, ImageUse>[],
  max = defaultMaxUsers,
): ReadonlyMap<string, ImageUse> {
  const merged = new Map<string, ImageUse>();
  for (const [imageId, { named, count }] of parts.flatMap((part) => [...part])) {
    const before = merged.get(imageId) ?? { named: [], count: 0 };
    merged.set(imageId, { named: [...before.named, ...named].slice(0, max), count: before.count + count });
  }
  return merged;
}

/** `server web-3 of project climate`. A project of unknown name is shown by its id. */
export function describeUser({ what, projectId }: ImageUser, projectNames: ReadonlyMap<string, string>): string {
  return projectId ? `${what} of project ${projectNames.get(projectId) ?? projectId}` : what;
}

/** `server web-3 of project climate and 41 more`. */
export function describeUse(use: ImageUse, projectNames: ReadonlyMap<string, string>): string {
  const users = use.named.map((user) => describeUser(user, projectNames));
  return listSome(users, users.length, use.count);
}

const bootImageProperties = ['kernel_id', 'ramdisk_id'] as const;

/** The ids of the images that an image boots with, in canonical form. */
export function requiredImageIds({ properties }: Pick<SiteImage, 'properties'>): string[] {
  return [
    ...bootImageProperties.flatMap((property) => properties[property] ?? []).map(comparableId),
    ...uuidsIn(properties.block_device_mapping ?? ''),
  ];
}

/** Of these ids, in canonical form, the images that boot with each of them. */
export function dependentImages<I extends SiteImage>(
  images: readonly I[],
  ids: ReadonlySet<string>,
): ReadonlyMap<string, readonly I[]> {
  const dependents = new Map<string, I[]>();
  for (const image of images) {
    for (const id of requiredImageIds(image)) {
      if (ids.has(id) && id !== comparableId(image.id)) dependents.set(id, [...(dependents.get(id) ?? []), image]);
    }
  }
  return dependents;
}

/** An image that boots with another one, as a user of that one. */
export function dependentUser({ name, id }: Pick<SiteImage, 'name' | 'id'>): ImageUser {
  return { what: `image ${name} (${id}) as its kernel or ramdisk` };
}
