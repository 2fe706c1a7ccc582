// Finds the image behind each id and name, and brings together what is wanted of it from several places.
import pLimit from 'p-limit';
import { getImage, type Image } from '../../clients/glance/images.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { describeOwners, isForeign } from '../policy/image-choice.js';
import { isGone } from '../policy/site-image.js';
import { conflictingNames, isImageId, quote, type DesiredProperties } from '../policy/image-properties.js';
import { readSiteImages } from '../site-images.js';
import type { Request } from './wishes.js';

export interface Target {
  readonly image: Image;
  readonly wishes: DesiredProperties;
}

export interface Targets {
  readonly targets: readonly Target[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** The images in the order in which they were named. What is not found, or not unique, is a fault. A name means an image of our own project. Reads only. */
export async function findTargets(requests: readonly Request[], cloud: Cloud, concurrency: number): Promise<Targets> {
  const candidates = await readCandidates([...new Set(requests.map(({ key }) => key))], cloud, concurrency);
  const targets = new Map<string, Target>();
  const faults: string[] = [];
  for (const { key, place, wishes } of requests) {
    const found = candidates.get(key) ?? [];
    const images = isImageId(key) ? found : found.filter((candidate) => !isForeign(candidate, cloud.projectId));
    const [image] = images;
    if (!image || images.length > 1) {
      faults.push(`${place}: ${image ? describeSeveral(key, images) : describeNone(key, found)}`);
      continue;
    }
    const earlier = targets.get(image.id)?.wishes ?? new Map<string, string | undefined>();
    faults.push(
      ...conflictingNames(earlier, wishes).map(
        (name) => `${place}: ${quote(name)} of image ${image.id} is given a second time, and differently`,
      ),
    );
    targets.set(image.id, { image, wishes: new Map([...earlier, ...wishes]) });
  }
  const foreign = [...targets.values()].filter(({ image }) => isForeign(image, cloud.projectId));
  return {
    targets: [...targets.values()],
    faults,
    warnings: foreign.map(
      ({ image }) =>
        `image ${quote(image.name)}, named by its id, is not of this login's project: ${describeOwners([image])}`,
    ),
  };
}

/** The images that each id or name may mean. The lists are read only where there are names: they do not hold every image that an id reaches. */
async function readCandidates(
  keys: readonly string[],
  cloud: Cloud,
  concurrency: number,
): Promise<ReadonlyMap<string, readonly Image[]>> {
  const limit = pLimit(concurrency);
  const byId = keys.filter(isImageId).map((id) =>
    limit(async (): Promise<[string, Image[]]> => {
      const image = await getImage(cloud, id);
      return [id, image && !isGone(image) ? [image] : []];
    }),
  );
  const found = new Map(await Promise.all(byId));
  const names = keys.filter((key) => !isImageId(key));
  const images = names.length > 0 ? await readSiteImages(cloud) : [];
  for (const name of names)
    found.set(
      name,
      images.filter((image) => image.name === name),
    );
  return found;
}

function describeNone(key: string, foreign: readonly Image[]): string {
  if (foreign.length === 0)
    return `no image of this cloud that this login can see has the ${isImageId(key) ? 'id' : 'name'} ${quote(key)}`;
  return `no image of this login's project has the name ${quote(key)}; of other projects these have it, give the id if one of them is meant: ${describeOwners(foreign)}`;
}

function describeSeveral(name: string, images: readonly Image[]): string {
  return `${images.length} images have the name ${quote(name)}, give the id of one: ${images.map(({ id, visibility }) => `${id} (${visibility})`).join(', ')}`;
}
