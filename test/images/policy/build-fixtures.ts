import { parseBuild, type StoredBuild } from '../../../modules/images/policy/stored-builds.js';
import { usualMetadata } from '../../sandbox/builds.js';

/** The headers of an object of the older store. */
export function headersOf(metadata: Readonly<Record<string, string | undefined>> = {}): [string, string][] {
  const all = Object.entries({ ...usualMetadata, ...metadata }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return [
    ['content-length', '9'],
    ['x-object-manifest', 'c/x/'],
    ...all.map(([name, value]): [string, string] => [`X-Object-Meta-${name}`, value]),
  ];
}

/** An object that can be used, by what its headers say beside the usual. */
export function storedBuild(id: string, metadata: Readonly<Record<string, string | undefined>> = {}): StoredBuild {
  const read = parseBuild(id, headersOf(metadata));
  if (!('build' in read)) throw new Error(`not a build: ${JSON.stringify(read)}`);
  return read.build;
}

/** A half of the agent. */
export function half(
  id: string,
  ipa: string | undefined,
  metadata: Readonly<Record<string, string | undefined>> = {},
): StoredBuild {
  const agent = {
    'build-distro': 'ipa_debian',
    'build-release': 'bullseye',
    'build-variant': 'amd64',
    'build-tag': undefined,
  };
  return storedBuild(id, {
    ...agent,
    'build-ipa': ipa,
    'disk-format': ipa === 'initramfs' ? 'ari' : 'aki',
    ...metadata,
  });
}
