// The images that a node's driver_info and instance_info refer to, and what can be said of them without asking anybody
// (ironic/common/image_service.py; ironic/drivers/utils.py, get_agent_kernel_ramdisk).
import { algorithmByName, algorithmByLength, digestDigits, type Checksum } from '../../images/policy/checksums.js';
import { parseImageReference, pathRefusal, type ImageReference } from '../../images/policy/image-urls.js';

/** What Ironic's `[conductor]file_url_allowed_paths` was before 2026 and is since, together. */
export const usualFilePaths: readonly string[] = [
  '/var/lib/ironic',
  '/shared/html',
  '/templates',
  '/opt/cache/files',
  '/vagrant',
];

/** Ironic reads images from registries of containers from the release that speaks this version on (29, 2025.1). */
const ociSince = 96;

/** `registry`: only Ironic can look at it. */
export type NodeImageReference = ImageReference | { readonly kind: 'registry' } | { readonly refusal: string };

/** A reference as a node may have it: `file:///` only in the folders that the conductors allow, and not encoded, since Ironic does not decode it. */
export function nodeImage(text: string, allowedPaths: readonly string[], minor = 1): NodeImageReference {
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

/** Keys of driver_info and instance_info that refer to an image. */
export const nodeImageKeys: Readonly<Record<'driver_info' | 'instance_info', readonly string[]>> = {
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

const pairs = [
  ['deploy_kernel', 'deploy_ramdisk'],
  ['rescue_kernel', 'rescue_ramdisk'],
] as const;

/** Kernels without their ramdisk and the other way round: Ironic ignores such a half, or refuses it. */
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
      : [`driver_info.${present} is given without ${absent}: Ironic needs both or none`];
  });
}

type Values = Readonly<Record<string, unknown>>;

/**
 * The checksum that instance_info has for its image. `undefined`: none, so it is to be computed. A URL of a checksum file is left to Ironic: `elsewhere`.
 * A prefix as `sha256:` is understood here, but not by the agent on the node, so it never goes there.
 */
export function checksumOf(instanceInfo: Values): Checksum | 'elsewhere' | { readonly fault: string } | undefined {
  const { image_checksum: plain, image_os_hash_algo: algorithm, image_os_hash_value: value } = instanceInfo;
  if ((algorithm && !value) || (value && !algorithm))
    return { fault: 'instance_info: image_os_hash_algo and image_os_hash_value go together' };
  if (algorithm && value) return hexOf(String(value), hashlibName(String(algorithm)), 'image_os_hash_value');
  if (!plain) return undefined;
  const text = String(plain).trim();
  if (/^(https?|file):\/\//i.test(text)) return 'elsewhere';
  const [, prefix, digits] = /^(?:([a-z0-9_-]+):)?(.*)$/i.exec(text) ?? [];
  const named = prefix === undefined ? algorithmByLength(digits?.length ?? 0) : hashlibName(prefix);
  return named === undefined
    ? {
        fault: `instance_info.image_checksum: no algorithm has ${digits?.length ?? 0} digits; give it as algorithm:digits`,
      }
    : hexOf(digits ?? '', named, 'image_checksum');
}

/** The agent on the node asks hashlib for it, which knows no `sha3-512`. */
function hashlibName(algorithm: string): string {
  return algorithmByName(algorithm) ?? algorithm.toLowerCase();
}

function hexOf(digits: string, algorithm: string, key: string): Checksum | { readonly fault: string } {
  const expected = digestDigits(algorithm);
  if (!/^[0-9a-f]+$/i.test(digits))
    return { fault: `instance_info.${key} is not a checksum: it must be hexadecimal digits` };
  if (expected !== undefined && digits.length !== expected)
    return {
      fault: `instance_info.${key} is not a ${algorithm} checksum: it has ${digits.length} digits, and ${algorithm} has ${expected}`,
    };
  if (/^shake_/.test(algorithm))
    return { fault: `instance_info.image_os_hash_algo: Ironic cannot use ${algorithm}, whose length is not fixed` };
  return { algorithm, digest: digits.toLowerCase() };
}

/**
 * instance_info with a checksum as every part of Ironic understands it: algorithm and lower-case digits apart, and MD5 also where older servers look.
 * What the node has there of another image is to be removed: null.
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
