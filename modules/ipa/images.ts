// The images of a test: the pair that is tested, and what is deployed with it.
import type { Image } from '../clients/glance/images.js';
import { withoutCredentials } from '../core/urls.js';
import { InputError, OperationError } from '../core/errors.js';
import { sameId } from '../core/uuid.js';
import { foreignImageRefusal, describeOwners, imagesNamed } from '../images/policy/image-choice.js';
import {
  architectureOf,
  newestPair,
  pairOf,
  serverImageName,
  titleOf,
  type Architecture,
  type IpaImage,
  type PairChoice,
} from './policy/ipa-images.js';
import { readSiteImages } from '../images/site-images.js';
import { declaration } from './declaration.js';
import type { Run } from './run.js';

/** How Ironic is told of an image, and how people are. */
export interface ImageReference {
  /** Glance's id, or a URL. */
  readonly reference: string;
  readonly shown: Readonly<Record<string, string>>;
}

export interface ChosenPair {
  readonly kernel: ImageReference;
  readonly initramfs: ImageReference;
  readonly architecture: Architecture | undefined;
}

const url = /^[a-z][a-z0-9+.-]*:\/\//i;

/** The images that this login sees, those of the community too; none where Ironic is without Glance. */
export async function readImages({ cloud }: Pick<Run, 'cloud'>): Promise<readonly Image[]> {
  return cloud.hasService('image') ? readSiteImages(cloud, { community: true }) : [];
}

/**
 * The pair that is named, or else the newest for the architecture. Throws INVALID_INPUT where what is named cannot be used,
 * NO_IPA_PAIR where there is none to be taken.
 */
export function choosePair(run: Run, images: readonly Image[], architecture: Architecture | undefined): ChosenPair {
  const { kernel_image: kernel, initramfs_image: initramfs, ipa_name: name, image_prefix: prefix } = run.args;
  if ((kernel === undefined) !== (initramfs === undefined)) {
    const missing = kernel === undefined ? 'kernel_image' : 'initramfs_image';
    throw new InputError(
      `${missing}: it is missing beside ${kernel === undefined ? 'initramfs_image' : 'kernel_image'}: Ironic ignores half a pair; give both or neither`,
      missing,
    );
  }
  if (kernel === undefined || initramfs === undefined) {
    if (!run.cloud.hasService('image'))
      throw new InputError(
        'kernel_image: it is missing; without Glance there is no newest pair: give the URLs of kernel_image and initramfs_image',
        'kernel_image',
      );
    return usable(run, newestPair(images, { owner: run.cloud.projectId, prefix, name, architecture }));
  }
  if (name !== undefined)
    throw new InputError(
      'ipa_name: it chooses among the newest pairs; leave it out beside kernel_image and initramfs_image',
      'ipa_name',
    );
  if (url.test(kernel) || url.test(initramfs)) return ofUrls(run, kernel, initramfs);
  const choice = pairOf(
    findImage(run, images, 'kernel_image', kernel),
    findImage(run, images, 'initramfs_image', initramfs),
  );
  if ('refusal' in choice) throw new InputError(`kernel_image, initramfs_image: ${choice.refusal}`, 'kernel_image');
  return usable(run, choice);
}

function usable(run: Run, choice: PairChoice): ChosenPair {
  if ('refusal' in choice) throw new OperationError('NO_IPA_PAIR', choice.refusal);
  const { pair, warning } = choice;
  if (warning) run.warnings.push(warning);
  return { kernel: ofImage(pair.kernel), initramfs: ofImage(pair.initramfs), architecture: pair.architecture };
}

function ofImage({ id, name, properties }: IpaImage): ImageReference {
  return {
    reference: id,
    shown: { id, name, build_tag: properties['build-tag'] ?? properties['build-timestamp'] ?? '' },
  };
}

function ofUrls(run: Run, kernel: string, initramfs: string): ChosenPair {
  if (!url.test(kernel) || !url.test(initramfs)) {
    throw new InputError(
      'kernel_image, initramfs_image: one is a URL and one an image of Glance: it cannot be told that they belong together',
      'kernel_image',
    );
  }
  run.warnings.push('kernel_image and initramfs_image are URLs: it is not known whether they are of one build');
  return { kernel: ofUrl(kernel), initramfs: ofUrl(initramfs), architecture: undefined };
}

function ofUrl(reference: string): ImageReference {
  return { reference, shown: { url: withoutCredentials(reference) } };
}

/** What is deployed on a node of this architecture. Throws INVALID_INPUT. */
export function chooseServerImage(
  run: Pick<Run, 'args' | 'cloud'>,
  images: readonly Image[],
  architecture: Architecture | undefined,
): Image {
  const { args } = run;
  const isDefault = args.server_image === declaration.fields.server_image.default;
  const image = findImage(run, images, 'server_image', serverImageName(args.server_image, isDefault, architecture));
  const told = architectureOf(image);
  if (image.status !== 'active')
    throw new InputError(`server_image: ${titleOf(image)} is ${image.status}, not active`, 'server_image');
  if (told !== undefined && architecture !== undefined && told !== architecture) {
    throw new InputError(
      `server_image: ${titleOf(image)} is for ${told}, and the node's cpu_arch is ${architecture}`,
      'server_image',
    );
  }
  return image;
}

function findImage({ cloud }: Pick<Run, 'cloud'>, images: readonly Image[], field: string, idOrName: string): Image {
  const byId = images.find(({ id }) => sameId(id, idOrName));
  const obstacle = byId && foreignImageRefusal(byId, cloud.projectId);
  if (obstacle) throw new InputError(`${field}: image ${obstacle}`, field);
  if (byId) return byId;
  const quoted = JSON.stringify(idOrName);
  const { matches, refused } = imagesNamed(idOrName, images, cloud.projectId);
  const [image, other] = matches;
  if (!image && refused.length > 0)
    throw new InputError(
      `${field}: only images of other projects that are not public have the name ${quoted}, and none of them is taken: ${describeOwners(refused)}`,
      field,
    );
  if (!image)
    throw new InputError(`${field}: there is no image with the id or name ${quoted} that this login sees`, field);
  if (other)
    throw new InputError(
      `${field}: ${matches.length} images have the name ${quoted} (${matches.map(({ id }) => id).join(', ')}): give an id`,
      field,
    );
  return image;
}
