// An image in an image list, in the spelling of these tools: one URL, whose content changes with
// each release.
import { percentDecoded } from '../../core/urls.js';
import {
  absolutePath,
  checksum,
  count,
  flag,
  imageName,
  listOf,
  location,
  oneOf,
  project,
  propertiesOf,
  readFields,
  someOf,
  status,
  tag,
  version,
  visibility,
  type FieldsOf,
  type ListedChecksum,
  type ListPlace,
} from './listed-fields.js';
import { listedCompressions, type ListEntry, type ListedSignature } from './listed-images.js';
import type { WantedAttributes } from './new-image.js';

/** The formats that the content of an image is checked against. */
export const deployableFormats = ['qcow2', 'raw', 'aki', 'ari'] as const;

const rules = {
  name: imageName,
  enable: flag,
  url: location,
  mirrors: listOf(location),
  checksum: someOf(checksum),
  signature: location,
  keyring: absolutePath,
  version,
  disk_format: oneOf(deployableFormats),
  compression: oneOf(listedCompressions),
  properties: propertiesOf(),
  tags: listOf(tag),
  min_disk: count,
  min_ram: count,
  protected: flag,
  visibility,
  members: listOf(project),
  status,
};

export function readListEntry(entry: Readonly<Record<string, unknown>>, place: ListPlace): ListEntry {
  const fields = readFields(entry, rules, place);
  const { name, url, mirrors = [], checksum: checksums = [] } = fields;
  for (const key of ['name', 'url']) if (isAbsent(entry[key])) place.report(`${key} is missing`);
  reportContradictions(fields, entry, place);
  if (name === undefined || url === undefined) return { images: [], names: name === undefined ? [] : [name] };
  const signature = signatureOf(fields);
  const image = {
    name,
    isEnabled: fields.enable ?? true,
    ...(fields.version === undefined ? {} : { version: fields.version }),
    url,
    mirrors: [...new Set(mirrors)].filter((mirror) => mirror !== url),
    fileName: fileNameIn(url),
    checksums,
    ...(signature ? { signature } : {}),
    ...(fields.disk_format === undefined ? {} : { diskFormat: fields.disk_format }),
    ...(fields.compression === undefined ? {} : { compression: fields.compression }),
    properties: fields.properties ?? {},
    wanted: wantedIn(fields),
    older: [],
    isManagers: false,
  };
  return { images: [image], names: [name] };
}

type OwnFields = FieldsOf<typeof rules>;

function signatureOf({ signature, keyring }: OwnFields): ListedSignature | undefined {
  return signature === undefined || keyring === undefined ? undefined : { url: signature, keyring };
}

/** The keys that mean the same in both spellings. */
interface ListedAttributes extends Partial<Record<'min_disk' | 'min_ram', number | undefined>> {
  readonly visibility?: WantedAttributes['visibility'] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly protected?: boolean | undefined;
  readonly members?: readonly string[] | undefined;
  readonly status?: WantedAttributes['status'] | undefined;
}

export function wantedIn(fields: ListedAttributes): WantedAttributes {
  return {
    ...(fields.visibility === undefined ? {} : { visibility: fields.visibility }),
    ...(fields.tags === undefined ? {} : { tags: [...new Set(fields.tags)] }),
    ...(fields.min_disk === undefined ? {} : { minDiskGib: fields.min_disk }),
    ...(fields.min_ram === undefined ? {} : { minRamMib: fields.min_ram }),
    ...(fields.protected === undefined ? {} : { protected: fields.protected }),
    ...(fields.members === undefined ? {} : { members: [...new Set(fields.members)] }),
    ...(fields.status === undefined ? {} : { status: fields.status }),
  };
}

function reportContradictions(
  { checksum: checksums = [], members, visibility: seenBy }: OwnFields,
  entry: Readonly<Record<string, unknown>>,
  place: ListPlace,
): void {
  reportDifferingChecksums(checksums, place.below('checksum'));
  const isSigned = !isAbsent(entry.signature);
  if (isSigned !== !isAbsent(entry.keyring))
    place
      .below(isSigned ? 'signature' : 'keyring')
      .report('signature and keyring must be given together: a signature proves nothing without a key');
  if (isSigned && checksums.filter(({ kind }) => kind === 'url').length !== 1 && !isAbsent(entry.checksum))
    place.below('signature').report('checksum must name one checksum file, which is what is signed');
  if (isSigned && isAbsent(entry.checksum))
    place.below('signature').report('checksum is missing: it must name the checksum file that is signed');
  if (members && seenBy !== 'shared' && !(seenBy === undefined && !isAbsent(entry.visibility)))
    place.below('members').report('only an image with visibility shared has members');
}

/** Checksums of one kind that are written in a list can agree only if they are equal. */
export function reportDifferingChecksums(checksums: readonly ListedChecksum[], place: ListPlace): void {
  const digests = new Map<string, string>();
  for (const each of checksums) {
    if (each.kind !== 'checksum') continue;
    const { algorithm, digest } = each.checksum;
    if ((digests.get(algorithm) ?? digest) !== digest) place.report(`several ${algorithm} that differ`);
    digests.set(algorithm, digest);
  }
}

export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

/** The name of an image in a checksum file. */
export function fileNameIn(url: string): string {
  const { pathname } = new URL(url);
  return percentDecoded(pathname.slice(pathname.lastIndexOf('/') + 1));
}
