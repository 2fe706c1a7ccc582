// Which images a run tests and deploys, decided from its arguments and the images that the login
// sees.
import { optionText } from '../../core/option-text.js';
import { InputError, OperationError } from '../../core/errors.js';
import { sameId } from '../../core/uuid.js';
import { chooseImageNamed, foreignImageRefusal } from '../../images/policy/image-choice.js';
import {
  architectureOf,
  ipaImageTitle,
  matchPair,
  newestPair,
  type Architecture,
  type IpaImage,
  type PairDecision,
} from './ipa-images.js';

const bothText = `${optionText('kernel_image')} and ${optionText('initramfs_image')}`;

/** An image by its id in Glance, or by its URL if Ironic is used without Glance. */
export interface ChosenImage {
  readonly reference: string;
  readonly isUrl: boolean;
  readonly name?: string;
  readonly buildTag?: string;
}

export interface ChosenPair {
  readonly kernel: ChosenImage;
  readonly initramfs: ChosenImage;
  readonly architecture: Architecture | undefined;
  readonly warnings: readonly string[];
}

export interface SiteImages {
  /** All that the login sees, community images included. */
  readonly images: readonly IpaImage[];
  readonly hasGlance: boolean;
  /** Id of the login's project. */
  readonly projectId: string;
}

export interface PairArguments {
  readonly kernel_image?: string | undefined;
  readonly initramfs_image?: string | undefined;
  readonly ipa_name?: string | undefined;
  readonly image_prefix: string;
}

const url = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * The pair that the arguments name, or else the newest for the architecture. Throws INVALID_INPUT
 * if a named image cannot be used, NO_IPA_PAIR if there is no usable pair.
 */
export function selectPair(args: PairArguments, site: SiteImages, architecture: Architecture | undefined): ChosenPair {
  const { kernel_image: kernel, initramfs_image: initramfs, ipa_name: name, image_prefix: prefix } = args;
  if ((kernel === undefined) !== (initramfs === undefined)) {
    const missing = kernel === undefined ? 'kernel_image' : 'initramfs_image';
    const given = kernel === undefined ? 'initramfs_image' : 'kernel_image';
    throw new InputError(
      `${missing}: it is required with ${given}, because Ironic ignores half a pair; give both or neither`,
      missing,
    );
  }
  if (kernel === undefined || initramfs === undefined) {
    if (!site.hasGlance)
      throw new InputError(
        'kernel_image: it is required because this cloud has no Glance to find the newest pair in; ' +
          `give the URLs of ${bothText}`,
        'kernel_image',
      );
    return usable(newestPair(site.images, { owner: site.projectId, prefix, name, architecture }));
  }
  if (name !== undefined)
    throw new InputError(`ipa_name: it selects among the newest pairs; omit it if ${bothText} are given`, 'ipa_name');
  if (url.test(kernel) || url.test(initramfs)) return pairOfUrls(kernel, initramfs);
  const decision = matchPair(findImage(kernel, site, 'kernel_image'), findImage(initramfs, site, 'initramfs_image'));
  if ('refusal' in decision) throw new InputError(`kernel_image, initramfs_image: ${decision.refusal}`, 'kernel_image');
  return usable(decision);
}

function usable(decision: PairDecision): ChosenPair {
  if ('refusal' in decision) throw new OperationError('NO_IPA_PAIR', decision.refusal);
  const { pair, warning } = decision;
  return {
    kernel: chosenImage(pair.kernel),
    initramfs: chosenImage(pair.initramfs),
    architecture: pair.architecture,
    warnings: warning === undefined ? [] : [warning],
  };
}

function chosenImage({ id, name, properties }: IpaImage): ChosenImage {
  const buildTag = properties['build-tag'] ?? properties['build-timestamp'] ?? '';
  return { reference: id, isUrl: false, name, buildTag };
}

function pairOfUrls(kernel: string, initramfs: string): ChosenPair {
  if (!url.test(kernel) || !url.test(initramfs))
    throw new InputError(
      'kernel_image, initramfs_image: one is a URL and the other an image in Glance, so that nothing shows ' +
        'whether they belong together; give two of a kind',
      'kernel_image',
    );
  return {
    kernel: { reference: kernel, isUrl: true },
    initramfs: { reference: initramfs, isUrl: true },
    architecture: undefined,
    warnings: [`${bothText} are URLs: nothing shows whether they are of the same build`],
  };
}

/**
 * The image to deploy on a node of this architecture. If `isDefault`, the name for aarch64 ends in
 * -ARM64. Throws INVALID_INPUT.
 */
export function chooseServerImage(
  { idOrName, isDefault }: { readonly idOrName: string; readonly isDefault: boolean },
  site: SiteImages,
  architecture: Architecture | undefined,
): IpaImage {
  const name = isDefault && architecture === 'aarch64' ? `${idOrName}-ARM64` : idOrName;
  const image = findImage(name, site, 'server_image');
  const declared = architectureOf(image);
  if (image.status !== 'active')
    throw new InputError(`server_image: ${ipaImageTitle(image)} is ${image.status}, not active`, 'server_image');
  if (declared !== undefined && architecture !== undefined && declared !== architecture)
    throw new InputError(
      `server_image: ${ipaImageTitle(image)} is for ${declared}, and the node's cpu_arch is ${architecture}`,
      'server_image',
    );
  return image;
}

function findImage(idOrName: string, { images, projectId }: SiteImages, field: string): IpaImage {
  const byId = images.find(({ id }) => sameId(id, idOrName));
  const obstacle = byId && foreignImageRefusal(byId, projectId);
  if (obstacle) throw new InputError(`${field}: image ${obstacle}`, field);
  if (byId) return byId;
  return chooseImageNamed(idOrName, images, {
    owner: projectId,
    label: field,
    missing: `this login sees no image with the id or name ${JSON.stringify(idOrName)}`,
  });
}
