// The older image store: what the headers of its objects say, and which build of an identity is the
// newest.
import type { SiteImage } from './site-image.js';
import { parseBuildTimestamp } from './dates.js';
import type { BuildIdentity, Ipa } from './supported-builds.js';

/** A disk image, kernel or initramfs of the store. */
export interface StoredBuild {
  /** The object's name, a UUID. */
  readonly id: string;
  readonly identity: BuildIdentity;
  /** As the store has it. */
  readonly timestamp: string;
  readonly builtAt: Date;
  /** When it was stored, if known. */
  readonly storedAt?: Date;
  readonly revision?: string;
  readonly tag?: string;
  readonly diskFormat: string;
  /** Each `build-*`, in lower case. */
  readonly properties: Readonly<Record<string, string>>;
}

/** An object of an unusable build. */
export interface FaultyBuild {
  readonly id: string;
  readonly identity: BuildIdentity;
  /** Absent if unknown: it may then be newer than any other. */
  readonly builtAt?: Date;
  readonly fault: string;
}

/**
 * `foreign`: an object without the identity or the time of a build; the container has other images
 * too.
 */
export type ReadBuild =
  | { readonly build: StoredBuild }
  | { readonly faulty: FaultyBuild }
  | { readonly foreign: string };

const metadataPrefix = 'x-object-meta-';
const diskFormats: readonly string[] = ['qcow2', 'raw', 'aki', 'ari'];
const ipas: Readonly<Record<string, Ipa>> = {
  na: 'na',
  false: 'na',
  '': 'na',
  kernel: 'kernel',
  initramfs: 'initramfs',
};

/** Reads the headers of an object. The case of their names is ignored. */
export function parseBuild(id: string, headers: Iterable<readonly [name: string, value: string]>): ReadBuild {
  const all = [...headers];
  const metadata = metadataIn(all);
  const [distro, release, variant] = ['build-distro', 'build-release', 'build-variant'].map((name) =>
    metadata.get(name),
  );
  if (!distro || !release || !variant) return { foreign: 'it has no build-distro, build-release or build-variant' };
  const timestamp = metadata.get('build-timestamp');
  if (!timestamp) return { foreign: 'it has no build-timestamp' };

  const given = metadata.get('build-ipa') ?? '';
  const ipa = ipas[given.toLowerCase()];
  const builtAt = parseBuildTimestamp(timestamp);
  const diskFormat = (metadata.get('disk-format') ?? '').toLowerCase();
  const identity = { distro, release, variant, ipa: ipa ?? 'na' };
  const faulty = (fault: string): ReadBuild => ({ faulty: { id, identity, ...(builtAt ? { builtAt } : {}), fault } });
  if (!builtAt) return faulty(`its build-timestamp ${quote(timestamp)} is not a time`);
  if (ipa === undefined) return faulty(`its build-ipa is ${quote(given)}; allowed: na, false, kernel, initramfs`);
  if (!diskFormats.includes(diskFormat))
    return faulty(
      diskFormat === ''
        ? 'it has no disk-format'
        : `its disk-format is ${quote(diskFormat)}; allowed: ${diskFormats.join(', ')}`,
    );
  const revision = metadata.get('build-os-base-image-revision');
  const tag = metadata.get('build-tag');
  const storedAt = new Date(all.find(([name]) => name.toLowerCase() === 'last-modified')?.[1] ?? '');
  return {
    build: {
      ...{ id, identity, timestamp, builtAt, diskFormat, properties: propertiesIn(metadata) },
      ...(revision ? { revision } : {}),
      ...(tag ? { tag } : {}),
      ...(Number.isNaN(storedAt.getTime()) ? {} : { storedAt }),
    },
  };
}

function metadataIn(headers: Iterable<readonly [name: string, value: string]>): ReadonlyMap<string, string> {
  const metadata = [...headers]
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .filter(([name]) => name.startsWith(metadataPrefix));
  return new Map(metadata.map(([name, value]) => [name.slice(metadataPrefix.length), value]));
}

function propertiesIn(metadata: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...metadata].filter(
      ([name, value]) =>
        /^build-[\w.:-]{1,240}$/.test(name) &&
        value !== '' &&
        !/[\u0000-\u001f\u007f]/.test(value) &&
        value.length <= 4096,
    ),
  );
}

type Dated = Pick<StoredBuild, 'id' | 'builtAt' | 'storedAt'>;

/** The last one built; of several built at the same time, the one stored last. */
export function newestOf<B extends Dated>(builds: readonly B[]): B | undefined {
  return [...builds].sort(newestFirst)[0];
}

export function newestFirst(one: Dated, other: Dated): number {
  const byStorage = (other.storedAt?.getTime() ?? 0) - (one.storedAt?.getTime() ?? 0);
  return other.builtAt.getTime() - one.builtAt.getTime() || byStorage || (one.id < other.id ? -1 : 1);
}

export function isSameBuildIdentity(one: BuildIdentity, other: BuildIdentity): boolean {
  return (
    one.distro === other.distro &&
    one.release === other.release &&
    one.variant === other.variant &&
    one.ipa === other.ipa
  );
}

/**
 * True if an image of the site was built from this build: same identity, build time and revision of
 * the base image.
 */
export function isImageOfBuild({ properties }: Pick<SiteImage, 'properties'>, build: StoredBuild): boolean {
  const { distro, release, variant, ipa } = build.identity;
  return (
    properties['build-distro'] === distro &&
    properties['build-release'] === release &&
    properties['build-variant'] === variant &&
    ipas[(properties['build-ipa'] ?? '').toLowerCase()] === ipa &&
    builtAtOf({ properties })?.getTime() === build.builtAt.getTime() &&
    (properties['build-os-base-image-revision'] ?? '') === (build.revision ?? '')
  );
}

/** When an image of the site was built; undefined if unknown. */
export function builtAtOf({ properties }: Pick<SiteImage, 'properties'>): Date | undefined {
  return parseBuildTimestamp(properties['build-timestamp']);
}

/** `the build of 1677628504.897832, revision 20230302`. */
export function describeBuild({
  timestamp,
  revision,
}: {
  readonly timestamp: string;
  readonly revision?: string | undefined;
}): string {
  return `the build of ${timestamp}${revision ? `, revision ${revision}` : ''}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
