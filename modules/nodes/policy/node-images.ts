// The images that a node's driver_info and instance_info refer to, and the checks that Ironic makes
// on them (ironic/common/image_service.py; ironic/drivers/utils.py, get_agent_kernel_ramdisk).
import { foreignImageRefusal } from '../../images/policy/image-choice.js';
import { algorithmByName, algorithmByLength, digestDigits, type Checksum } from '../../images/policy/checksums.js';
import { parseImageReference, pathRefusal, type ImageReference } from '../../images/policy/image-urls.js';
import type { SiteImage } from '../../images/policy/site-image.js';
import { withoutCredentials } from '../../core/urls.js';
import { isMasked } from './masked-values.js';
import type { Values } from './node-differences.js';

/** Ironic reads images from OCI registries since the release with this API version (29, 2025.1). */
const ociSince = 96;
/** `file://` with the direct deploy interface came with this API version (Wallaby). */
const fileDeploySince = 68;
/** Ironic follows redirects since the release with this API version (33, 2025). */
const redirectsSince = 104;

/** `registry`: only Ironic can check it. */
export type ParsedNodeImage = ImageReference | { readonly kind: 'registry' } | { readonly refusal: string };

/**
 * Reads an image reference of a node. A `file:///` path must be in a directory that the conductors
 * allow, and must not be percent-encoded, since Ironic does not decode it.
 */
export function parseNodeImage(text: string, allowedPaths: readonly string[], minor = 1): ParsedNodeImage {
  if (/^oci:\/\/[^/]/i.test(text))
    return minor >= ociSince
      ? { kind: 'registry' }
      : { refusal: `oci:// needs version 1.${ociSince} of the Bare Metal API, and this server speaks 1.${minor}` };
  const reference = parseImageReference(text);
  if ('refusal' in reference || reference.kind !== 'file') return reference;
  if (/%[0-9a-f]{2}/i.test(text))
    return { refusal: 'Ironic takes the path of a file URL as it is written: do not encode it' };
  if (reference.path.split('/').includes('..')) return { refusal: 'its path must not go up by ..' };
  const refusal = pathRefusal(reference.path, allowedPaths);
  return refusal === undefined ? reference : { refusal };
}

/** The keys that refer to an image. */
const nodeImageKeys: Readonly<Record<'driver_info' | 'instance_info', readonly string[]>> = {
  driver_info: [
    'deploy_kernel',
    'deploy_ramdisk',
    'deploy_iso',
    'rescue_kernel',
    'rescue_ramdisk',
    'rescue_iso',
    'bootloader',
  ],
  instance_info: ['image_source', 'kernel', 'ramdisk', 'boot_iso'],
};

/** A key of a node that refers to an image. */
export interface NamedImage {
  readonly mapping: 'driver_info' | 'instance_info';
  readonly key: string;
  readonly text: string;
}

/** The image references among these values of one mapping. */
export function namedImages(mapping: NamedImage['mapping'], values: Values): NamedImage[] {
  return nodeImageKeys[mapping].flatMap((key) => {
    const text = values[key];
    return typeof text === 'string' && text !== '' && !isMasked(text) ? [{ mapping, key, text }] : [];
  });
}

type GlanceImage = Pick<SiteImage, 'id' | 'name' | 'owner' | 'visibility' | 'status'>;

/** What was found out about an image reference. */
export type ImageFacts =
  | {
      readonly kind: 'http';
      /** Of the answer to HEAD. */
      readonly status: number;
      readonly hasLength: boolean;
      /** The target of a redirect that was not followed; `nowhere` if the answer names none. */
      readonly redirect?: string;
    }
  /** `isFile` is undefined if this host does not have the file. */
  | { readonly kind: 'file'; readonly isFile: boolean | undefined }
  | { readonly kind: 'glance'; readonly image: GlanceImage | 'missing' | 'no_service'; readonly projectId: string }
  /** The image could not be looked up. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface ImageFindings {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

const none: ImageFindings = { faults: [], warnings: [] };
const fault = (text: string): ImageFindings => ({ faults: [text], warnings: [] });
const warning = (text: string): ImageFindings => ({ faults: [], warnings: [text] });

/** Whether Ironic follows redirects of images. */
export function followsRedirects(minor: number): boolean {
  return minor >= redirectsSince;
}

export interface ImageRules {
  readonly minor: number;
  readonly allowedPaths: readonly string[];
  readonly deployInterface: string;
}

/**
 * What is wrong with one image reference. `facts`: undefined for an image that only Ironic can look
 * up.
 */
export function checkImage(
  { mapping, key, text }: NamedImage,
  facts: ImageFacts | undefined,
  { minor, allowedPaths, deployInterface }: ImageRules,
): ImageFindings {
  const reference = parseNodeImage(text, allowedPaths, minor);
  const label = (words: string): string => `${mapping}.${key}: ${withoutCredentials(text)}: ${words}`;
  const isTooOld =
    key === 'image_source' &&
    'kind' in reference &&
    reference.kind === 'file' &&
    deployInterface === 'direct' &&
    minor < fileDeploySince;
  const old = isTooOld
    ? [
        `a file with the deploy interface direct needs version 1.${fileDeploySince} of the Bare Metal API, and ` +
          `this server speaks 1.${minor}`,
      ]
    : [];
  const { faults, warnings } = 'refusal' in reference ? fault(reference.refusal) : facts ? checkFacts(facts) : none;
  return { faults: [...old, ...faults].map(label), warnings: warnings.map(label) };
}

/** Ironic needs an answer of 200 to HEAD, with a length (image_service.py, HttpImageService). */
function checkFacts(facts: ImageFacts): ImageFindings {
  switch (facts.kind) {
    case 'http':
      if (facts.redirect !== undefined)
        return fault(`it redirects to ${facts.redirect}, which this Ironic does not follow: use that URL`);
      if (facts.status !== 200) return fault(`HEAD was answered by ${facts.status}, and Ironic needs 200`);
      return facts.hasLength ? none : fault('HEAD was answered without Content-Length, which Ironic needs');
    case 'file':
      if (facts.isFile === false) return fault('it is not a file');
      return facts.isFile ? none : warning('this host does not have it; the hosts of the conductors must');
    case 'glance':
      return checkGlanceImage(facts);
    case 'failed':
      return fault(facts.reason);
  }
}

function checkGlanceImage({ image, projectId }: ImageFacts & { kind: 'glance' }): ImageFindings {
  if (image === 'no_service') return warning('this cloud has no image service to look it up in');
  if (image === 'missing') return fault('Glance has no such image');
  const obstacle = foreignImageRefusal(image, projectId);
  if (obstacle !== undefined) return fault(obstacle);
  return image.status === 'active' ? none : fault(`the image is not active but ${image.status}`);
}

const pairs = [
  ['deploy_kernel', 'deploy_ramdisk'],
  ['rescue_kernel', 'rescue_ramdisk'],
] as const;

/** Kernels without ramdisk and ramdisks without kernel: Ironic ignores or refuses them. */
export function halfPairs(driverInfo: Readonly<Record<string, unknown>>): string[] {
  return pairs.flatMap(([kernel, ramdisk]) => {
    const [present, absent] =
      driverInfo[kernel] && !driverInfo[ramdisk]
        ? [kernel, ramdisk]
        : driverInfo[ramdisk] && !driverInfo[kernel]
          ? [ramdisk, kernel]
          : [];
    return present === undefined
      ? []
      : [`driver_info.${present} is set without ${absent}: Ironic needs both or neither`];
  });
}

/**
 * The checksum that instance_info has for its image. Undefined: none, so that it has to be
 * computed. `elsewhere`: the URL of a checksum file, which is left to Ironic. A prefix such as
 * `sha256:` is understood here, but not by the agent on the node, so it is never sent there.
 */
export function checksumOf(instanceInfo: Values): Checksum | 'elsewhere' | { readonly fault: string } | undefined {
  const { image_checksum: plain, image_os_hash_algo: algorithm, image_os_hash_value: value } = instanceInfo;
  if ((algorithm && !value) || (value && !algorithm))
    return { fault: 'instance_info: image_os_hash_algo and image_os_hash_value require each other' };
  if (algorithm && value) return hexOf(String(value), hashlibName(String(algorithm)), 'image_os_hash_value');
  if (!plain) return undefined;
  const text = String(plain).trim();
  if (/^(https?|file):\/\//i.test(text)) return 'elsewhere';
  const [, prefix, digits] = /^(?:([a-z0-9_-]+):)?(.*)$/i.exec(text) ?? [];
  const named = prefix === undefined ? algorithmByLength(digits?.length ?? 0) : hashlibName(prefix);
  return named === undefined
    ? {
        fault:
          `instance_info.image_checksum: no algorithm has ${digits?.length ?? 0} digits; ` +
          'give it as algorithm:digits',
      }
    : hexOf(digits ?? '', named, 'image_checksum');
}

/** The agent on the node passes the name to hashlib, which does not know `sha3-512`. */
function hashlibName(algorithm: string): string {
  return algorithmByName(algorithm) ?? algorithm.toLowerCase();
}

function hexOf(digits: string, algorithm: string, key: string): Checksum | { readonly fault: string } {
  const expected = digestDigits(algorithm);
  if (!/^[0-9a-f]+$/i.test(digits))
    return { fault: `instance_info.${key} is not a checksum: it must be hexadecimal digits` };
  if (expected !== undefined && digits.length !== expected)
    return {
      fault:
        `instance_info.${key} is not a ${algorithm} checksum: ` +
        `it has ${digits.length} digits, and ${algorithm} has ${expected}`,
    };
  if (/^shake_/.test(algorithm))
    return { fault: `instance_info.image_os_hash_algo: Ironic cannot use ${algorithm}, whose length is not fixed` };
  return { algorithm, digest: digits.toLowerCase() };
}

/**
 * instance_info with a checksum that every part of Ironic understands: algorithm and lower-case
 * digits in separate keys, and MD5 also in the key that older servers read. A checksum of another
 * image in that key is removed, by null.
 */
export function withChecksum(
  instanceInfo: Values,
  { algorithm, digest }: Checksum,
  served: Values = {},
): Record<string, unknown> {
  const { image_checksum: _, ...others } = instanceInfo;
  return {
    ...others,
    image_os_hash_algo: algorithm,
    image_os_hash_value: digest,
    ...(algorithm === 'md5' ? { image_checksum: digest } : served.image_checksum ? { image_checksum: null } : {}),
  };
}

/**
 * The URL of the image whose SHA-256 has to be computed, since neither the request nor the node has
 * a checksum for it.
 */
export function imageToHash(instanceInfo: Values, served: Values): string | undefined {
  const source = instanceInfo.image_source;
  if (typeof source !== 'string' || !/^https?:\/\//i.test(source)) return undefined;
  // A checksum that the node has for the same source was computed by an earlier run, or given by an
  // operator.
  const isKnown = served.image_source === source && (served.image_os_hash_value || served.image_checksum);
  return isKnown || checksumOf(instanceInfo) !== undefined ? undefined : source;
}

/** instance_info with the checksum that it has, or with the SHA-256 that was computed. */
export function withCompleteChecksum(instanceInfo: Values, served: Values, computedSha256: string | undefined): Values {
  const given = checksumOf(instanceInfo);
  if (typeof given === 'object' && 'digest' in given) return withChecksum(instanceInfo, given, served);
  return computedSha256 === undefined
    ? instanceInfo
    : withChecksum(instanceInfo, { algorithm: 'sha256', digest: computedSha256 }, served);
}

/** What is wrong with the checksum of instance_info. */
export function checksumFaults(instanceInfo: Values): string[] {
  const checksum = instanceInfo.image_source === undefined ? undefined : checksumOf(instanceInfo);
  return typeof checksum === 'object' && 'fault' in checksum ? [checksum.fault] : [];
}
