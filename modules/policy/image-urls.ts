// References to images as Ironic takes them in driver_info and instance_info: which there are, and what can be said of them without asking anybody
// (ironic/common/image_service.py; ironic/drivers/utils.py, get_agent_kernel_ramdisk).

export type ImageReference =
  | { readonly kind: 'glance'; readonly id: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'fault'; readonly fault: string };

const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Folders that Ironic never reads an image from. */
const forbiddenFolders = ['/dev', '/sys', '/proc', '/boot', '/etc', '/run'];

/** What Ironic's `[conductor]file_url_allowed_paths` was before 2026 and is since, together. */
export const usualFilePaths: readonly string[] = ['/var/lib/ironic', '/shared/html', '/templates', '/opt/cache/files', '/vagrant'];

/** Reads a reference: a Glance id, with or without `glance://`, an http or https URL, or `file:///` with a path in one of the allowed folders. */
export function parseImageReference(text: string, allowedPaths: readonly string[]): ImageReference {
  const bare = text.replace(/^glance:\/\//i, '');
  if (uuid.test(bare)) return { kind: 'glance', id: bare.toLowerCase() };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') return URL.canParse(text) ? { kind: 'http', url: text } : { kind: 'fault', fault: 'it is not a URL' };
  if (scheme === 'file') return fileReference(text, allowedPaths);
  return { kind: 'fault', fault: 'it must be the id of an image in Glance, or begin with http://, https:// or file:///' };
}

function fileReference(text: string, allowedPaths: readonly string[]): ImageReference {
  const path = text.slice('file://'.length);
  if (!path.startsWith('/')) return { kind: 'fault', fault: 'a file URL has three slashes: file:///path' };
  // Ironic does not decode it.
  if (/%[0-9a-f]{2}/i.test(path)) return { kind: 'fault', fault: 'Ironic takes the path of a file URL as it is written: do not encode it' };
  if (path.split('/').includes('..')) return { kind: 'fault', fault: 'its path must not go up by ..' };
  const within = (folder: string): boolean => path === folder || path.startsWith(`${folder.replace(/\/+$/, '')}/`);
  if (forbiddenFolders.some(within)) return { kind: 'fault', fault: `Ironic reads no images below ${forbiddenFolders.join(', ')}` };
  if (!allowedPaths.some(within)) return { kind: 'fault', fault: `Ironic reads files only below ${allowedPaths.join(', ')} (its file_url_allowed_paths)` };
  return { kind: 'file', path };
}

/** Keys of driver_info and instance_info that refer to an image. */
export const imageKeys: Readonly<Record<'driver_info' | 'instance_info', readonly string[]>> = {
  driver_info: ['deploy_kernel', 'deploy_ramdisk', 'deploy_iso', 'rescue_kernel', 'rescue_ramdisk', 'rescue_iso', 'bootloader'],
  instance_info: ['image_source', 'kernel', 'ramdisk', 'boot_iso'],
};

const pairs = [
  ['deploy_kernel', 'deploy_ramdisk'],
  ['rescue_kernel', 'rescue_ramdisk'],
] as const;

/** Kernels without their ramdisk and the other way round: Ironic ignores such a half, or refuses it. */
export function halfPairs(driverInfo: Readonly<Record<string, unknown>>): string[] {
  return pairs.flatMap(([kernel, ramdisk]) => {
    const [present, absent] = driverInfo[kernel] && !driverInfo[ramdisk] ? [kernel, ramdisk] : driverInfo[ramdisk] && !driverInfo[kernel] ? [ramdisk, kernel] : [];
    return present === undefined ? [] : [`driver_info.${present} is given without ${absent}: Ironic needs both or none`];
  });
}

type Values = Readonly<Record<string, unknown>>;

export interface Checksum {
  /** As hashlib calls it. */
  readonly algorithm: string;
  /** Lower case. */
  readonly hex: string;
}

const algorithmOfLength: Readonly<Record<number, string>> = { 32: 'md5', 40: 'sha1', 64: 'sha256', 96: 'sha384', 128: 'sha512' };

/**
 * The checksum that instance_info has for its image. `undefined`: none, so it is to be computed. A URL of a checksum file is left to Ironic: `elsewhere`.
 * A prefix as `sha256:` is understood here, but not by the agent on the node, so it never goes there.
 */
export function checksumOf(instanceInfo: Values): Checksum | 'elsewhere' | { readonly fault: string } | undefined {
  const { image_checksum: plain, image_os_hash_algo: algorithm, image_os_hash_value: value } = instanceInfo;
  if ((algorithm && !value) || (value && !algorithm)) return { fault: 'instance_info: image_os_hash_algo and image_os_hash_value go together' };
  if (algorithm && value) return hexOf(String(value), String(algorithm).toLowerCase(), 'image_os_hash_value');
  if (!plain) return undefined;
  const text = String(plain).trim();
  if (/^(https?|file):\/\//i.test(text)) return 'elsewhere';
  const [, prefix, digits] = /^(?:([a-z0-9_-]+):)?(.*)$/i.exec(text) ?? [];
  const known = prefix?.toLowerCase() ?? algorithmOfLength[digits?.length ?? 0];
  return known === undefined ? { fault: `instance_info.image_checksum: no algorithm has ${digits?.length ?? 0} digits; give it as algorithm:digits` } : hexOf(digits ?? '', known, 'image_checksum');
}

function hexOf(digits: string, algorithm: string, key: string): Checksum | { readonly fault: string } {
  const expected = Object.entries(algorithmOfLength).find(([, name]) => name === algorithm)?.[0];
  if (!/^[0-9a-f]+$/i.test(digits) || (expected !== undefined && digits.length !== Number(expected))) return { fault: `instance_info.${key} is no ${algorithm} checksum` };
  return { algorithm, hex: digits.toLowerCase() };
}

/** instance_info with a checksum as every part of Ironic understands it: algorithm and lower-case digits apart, and MD5 also where older servers look. */
export function withChecksum(instanceInfo: Values, { algorithm, hex }: Checksum): Record<string, unknown> {
  const { image_checksum: _, ...others } = instanceInfo;
  return { ...others, image_os_hash_algo: algorithm, image_os_hash_value: hex, ...(algorithm === 'md5' ? { image_checksum: hex } : {}) };
}
