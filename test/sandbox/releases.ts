// Fills an image store double as the producer of the images does: releases by scope, with `current`
// and manifests.

import type { ImageStoreDouble, PutOptions } from './image-store.js';

export interface Release {
  /** Production name of the image. */
  readonly name: string;
  /** Such as 20250422-v1-amd. */
  readonly release: string;
  readonly content: Buffer | string;
  readonly scope?: string;
  readonly format?: 'qcow2' | 'raw';
  /** Entries of the manifest beside the usual ones. */
  readonly manifest?: Readonly<Record<string, string>>;
  readonly put?: PutOptions;
}

/** Publishes one image and makes it current; returns the object's name. */
export function publishRelease(store: ImageStoreDouble, image: Release): string {
  const { name, release, content, scope = 'prod', format = 'qcow2', manifest = {}, put = {} } = image;
  const folder = `${scope}/versions/${release}`;
  const object = `${folder}/${name}.${format}`;
  if (!store.objects.has(folder)) store.put(folder, '');
  store.put(object, content, put);
  store.put(`${folder}/${name}.manifest`, JSON.stringify({ ...usualManifest(release), ...manifest }), {
    contentType: 'application/json',
  });
  const before = store.objects.get(`${scope}/current`)?.content.toString() ?? '{}';
  const current = { ...(JSON.parse(before) as object), [name]: release };
  store.put(`${scope}/current`, JSON.stringify(current), { contentType: 'application/json' });
  return object;
}

function usualManifest(release: string): Record<string, string> {
  const day = `${release.slice(0, 4)}-${release.slice(4, 6)}-${release.slice(6, 8)}`;
  return {
    'build-distro': 'ubuntu',
    'build-release': 'jammy',
    'build-variant': 'base',
    'build-repo': 'https://github.com/ChameleonCloud/cc-images',
    'build-repo-commit': '0123456789abcdef0123456789abcdef01234567',
    'build-timestamp': `${day} 15:30:45.123456`,
    'build-tag': release,
    'build-ipa': 'false',
  };
}
