// Fills a double of the older image store as its producer does: an object for each image, its
// metadata in headers.

import { randomUUID } from 'node:crypto';

import type { ImageStoreDouble, PutOptions } from './image-store.js';

export interface Build {
  /** The object's name; a new UUID unless given. */
  readonly id?: string;
  readonly content: Buffer | string;
  /** Metadata beside the usual ones, or instead of them; undefined leaves one out. */
  readonly metadata?: Readonly<Record<string, string | undefined>>;
  readonly large?: NonNullable<PutOptions['large']>;
}

/** Metadata of an object of the older store (abracadabra, scripts/ccbuild.py). */
export const usualMetadata: Readonly<Record<string, string>> = {
  'build-distro': 'ubuntu',
  'build-release': 'focal',
  'build-variant': 'base',
  'build-ipa': 'na',
  'build-timestamp': '1677628504.897832',
  'build-os-base-image-revision': '20230302',
  'build-tag': 'CC-Ubuntu20.04-1677628504',
  'build-repo': 'https://github.com/ChameleonCloud/abracadabra',
  'disk-format': 'qcow2',
};

/** Puts one object; returns its name. */
export function putBuild(
  store: Pick<ImageStoreDouble, 'put'>,
  { id = randomUUID(), content, metadata = {}, large }: Build,
): string {
  const all = Object.entries({ ...usualMetadata, ...metadata }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  store.put(id, content, { metadata: Object.fromEntries(all), ...(large ? { large } : {}) });
  return id;
}

/** A supports.yaml with two Ubuntu releases, and an agent. JSON is YAML. */
export const supports = {
  supported_distros: {
    ubuntu: {
      repo_location: 'https://cloud-images.ubuntu.com',
      releases: {
        focal: { prod_name: 'CC-Ubuntu20.04', variants: ['base', 'gpu'] },
        jammy: { prod_name: 'CC-Ubuntu22.04', variants: ['base'] },
        bionic: { prod_name: 'CC-Ubuntu18.04' },
      },
    },
    ipa_debian: { releases: { bullseye: { prod_name: 'CC-IPA-Debian11', variants: ['amd64'] } } },
  },
  supported_variants: {
    base: { prod_name_suffix: null },
    gpu: { prod_name_suffix: 'CUDA', variant_metadata: { 'cuda-version': 'cuda11' } },
    amd64: { prod_name_suffix: 'AMD64' },
  },
} as const;
