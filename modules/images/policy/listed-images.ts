// What an image list says of an image, whichever spelling it is in.
import type { ListedChecksum } from './listed-fields.js';
import type { WantedAttributes } from './new-image.js';

/** How the publisher of a checksum file has signed it. */
export interface ListedSignature {
  readonly url: string;
  /** Path of a file with public keys. */
  readonly keyring: string;
}

/** One image of a list, in one version. */
export interface ListedImage {
  /** Production name. */
  readonly name: string;
  /** False if the list has it only so that it is known: it is left as it is. */
  readonly isEnabled: boolean;
  /** Names the release; without it, its checksum or its date does. */
  readonly version?: string;
  readonly url: string;
  /** The same bytes elsewhere. */
  readonly mirrors: readonly string[];
  /** Its name in checksum files. */
  readonly fileName: string;
  /** Of the bytes at `url`: all of them must agree. */
  readonly checksums: readonly ListedChecksum[];
  readonly signature?: ListedSignature;
  readonly diskFormat?: string;
  readonly compression?: ListedCompression;
  readonly properties: Readonly<Record<string, string>>;
  readonly wanted: WantedAttributes;
  /** Why it cannot be deployed, although the list is valid. */
  readonly fault?: string;
  /** Earlier versions that the list still has, by which a site can pin the image. */
  readonly older: readonly ListedImage[];
  /** When its list last changed, in milliseconds since 1970, if that is known. */
  readonly listChangedAt?: number | undefined;
  /** It is written as openstack-image-manager reads it, which marks its images differently. */
  readonly isManagers: boolean;
}

export const listedCompressions = ['auto', 'none', 'gz', 'xz', 'zst', 'bz2'] as const;
export type ListedCompression = (typeof listedCompressions)[number];

/** An entry may be several images, or none that can be deployed. */
export interface ListEntry {
  readonly images: readonly ListedImage[];
  /** All names that it gives. */
  readonly names: readonly string[];
}
