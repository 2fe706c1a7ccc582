// An image in an image list, in the spelling of openstack-image-manager: versions with a URL each.
// https://github.com/osism/openstack-image-manager, etc/schema.yaml and openstack_image_manager/main.py
import { parseHttpDate } from '../../core/http-dates.js';
import { isMapping } from '../../core/mapping.js';
import { publishableUrl } from '../../core/urls.js';
import type { Checksum } from './checksums.js';
import { deployableFormats, fileNameIn, isAbsent, reportDifferingChecksums, wantedIn } from './list-entries.js';
import {
  anyText,
  checksum,
  checksumFile,
  count,
  day,
  flag,
  imageName,
  listOf,
  location,
  oneOf,
  propertiesOf,
  readFields,
  status,
  tag,
  text,
  version,
  visibility,
  type FieldsOf,
  type ListedChecksum,
  type ListPlace,
  type Rule,
} from './listed-fields.js';
import type { ListEntry, ListedImage } from './listed-images.js';
import { naturalOrder } from './natural-order.js';
import type { WantedAttributes } from './new-image.js';

/** The version of a URL whose content changes: its checksum file tells what is there. */
const rollingVersion = 'latest';

/** That tool writes what Python makes of `true`. */
const properties = propertiesOf((written) =>
  /^(true|false)$/i.test(written) ? written.slice(0, 1).toUpperCase() + written.slice(1).toLowerCase() : written,
);

const versionRules = {
  version,
  url: location,
  mirror_url: location,
  checksum,
  checksum_url: checksumFile,
  checksums_url: checksumFile,
  build_date: day,
  hidden: flag,
  visibility,
  id: text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a UUID'),
  meta: properties,
  os_version: anyText,
  image_description: anyText,
  source: anyText,
};

type ReadVersion = FieldsOf<typeof versionRules>;

interface ManagedVersion extends ReadVersion {
  readonly version: string;
  readonly url: string;
}

const readVersion: Rule<ManagedVersion> = (value, place) => {
  if (!isMapping(value)) return place.report('it must be a mapping with version and url');
  const fields = readFields(value, versionRules, place);
  for (const key of ['version', 'url']) if (isAbsent(value[key])) place.report(`${key} is missing`);
  const files = ['checksums_url', 'checksum_url'].filter((key) => !isAbsent(value[key]));
  if (fields.version === rollingVersion && files.length === 0)
    place.report('version latest needs checksums_url or checksum_url, which tells what is the latest');
  if (files.length > 1) place.report('checksums_url and checksum_url must not be given together');
  reportDifferingChecksums(checksumsOf(fields), place);
  return fields.version === undefined || fields.url === undefined
    ? undefined
    : { ...fields, version: fields.version, url: fields.url };
};

const rules = {
  name: imageName,
  enable: flag,
  shortname: anyText,
  format: oneOf(['aki', 'ari', 'ami', 'raw', 'iso', 'vhd', 'vdi', 'qcow2', 'vmdk']),
  login: anyText,
  password: anyText,
  min_disk: count,
  min_ram: count,
  status,
  visibility,
  multi: flag,
  keep: flag,
  separator: text(/^[ ._+:@~()-]{0,20}$/, 'up to 20 spaces and . _ + - : @ ~ ( )'),
  meta: properties,
  tags: listOf(tag),
  latest_url: anyText,
  latest_checksum_url: anyText,
  versions: listOf(readVersion),
};

type ManagedEntry = FieldsOf<typeof rules>;

interface NamedEntry extends ManagedEntry {
  readonly name: string;
  /** The tag by which that tool knows its images. */
  readonly managerTag: string;
}

/**
 * `multi: true` is one image that its newest version replaces; `multi: false` is an image of its own
 * for each version.
 */
export function readManagerEntry(
  entry: Readonly<Record<string, unknown>>,
  managerTag: string,
  place: ListPlace,
): ListEntry {
  const fields = readFields(entry, rules, place);
  const { name, versions = [], multi } = fields;
  for (const key of ['name', 'multi', 'versions']) if (isAbsent(entry[key])) place.report(`${key} is missing`);
  reportDuplicates(versions, place.below('versions'));
  if (name === undefined) return { images: [], names: [] };
  const named = { ...fields, name, managerTag };
  const inOrder = [...versions].sort((one, other) => naturalOrder(one.version, other.version));
  if (multi === false) {
    const images = inOrder.flatMap((each) => {
      const own = imageName(`${name}${fields.separator ?? ' '}${each.version}`, place);
      return own === undefined ? [] : [imageOf(named, each, own)];
    });
    return { images, names: [...new Set(images.map((image) => image.name))] };
  }
  const [newest, ...older] = inOrder.reverse().map((each) => imageOf(named, each, name));
  return { images: newest ? [{ ...newest, older }] : [], names: [name] };
}

function reportDuplicates(versions: readonly ManagedVersion[], place: ListPlace): void {
  const seen = new Set<string>();
  for (const { version: each } of versions) {
    if (seen.has(each)) place.report(`the version ${each} is given twice`);
    seen.add(each);
  }
}

function imageOf(entry: NamedEntry, listed: ManagedVersion, name: string): ListedImage {
  const { format } = entry;
  const isRolling = listed.version === rollingVersion;
  const isDeployable = format === undefined || deployableFormats.some((each) => each === format);
  return {
    name,
    isEnabled: entry.enable ?? true,
    ...(isRolling ? {} : { version: listed.version }),
    ...locationsOf(listed, isRolling),
    fileName: fileNameIn(listed.url),
    checksums: checksumsOf(listed),
    ...(format === undefined ? {} : { diskFormat: format }),
    properties: propertiesFor(entry, listed),
    wanted: wantedOf(entry, listed),
    ...(isDeployable ? {} : { fault: `its format ${format} cannot be deployed; only ${deployableFormats.join(', ')}` }),
    older: [],
    isManagers: true,
  };
}

function checksumsOf({ checksum: own, checksums_url: many, checksum_url: one }: ReadVersion): ListedChecksum[] {
  return [own, many, one].filter((each) => each !== undefined);
}

/**
 * That tool takes the mirror first, which keeps the version although the publisher may have replaced
 * it. Its mirrors often have the content decompressed: then only the publisher's file has the
 * checksum.
 */
function locationsOf(
  { url, mirror_url: mirror }: ManagedVersion,
  isRolling: boolean,
): Pick<ListedImage, 'url' | 'mirrors'> {
  if (mirror === undefined || mirror === url || compressionInName(mirror) !== compressionInName(url))
    return { url, mirrors: [] };
  return isRolling ? { url, mirrors: [mirror] } : { url: mirror, mirrors: [url] };
}

function compressionInName(url: string): string | undefined {
  return /\.(?:tar\.\w+|tgz|txz|tar|gz|xz|zst|bz2)$/i.exec(fileNameIn(url))?.[0].toLowerCase();
}

/** As that tool sets them, so that an image of either tool is the same to its users. */
function propertiesFor(
  { name, login, multi, meta = {} }: NamedEntry,
  { version: listed, url, build_date: built, os_version: osVersion, meta: own = {} }: ManagedVersion,
): Record<string, string> {
  return {
    image_description: name,
    image_name: name,
    ...meta,
    ...(listed === rollingVersion ? {} : { internal_version: listed }),
    ...(login === undefined ? {} : { image_original_user: login }),
    ...(multi === false ? { os_version: listed } : osVersion === undefined ? {} : { os_version: osVersion }),
    ...own,
    image_source: publishableUrl(url),
    ...(built === undefined ? {} : { image_build_date: built.slice(0, '2026-11-10'.length) }),
  };
}

/**
 * What that tool records of an image of the version `latest`: the day of its file, and the checksum
 * by which it recognises a new one.
 */
export function rollingProperties(
  lastModified: string | undefined,
  [first]: readonly Pick<Checksum, 'digest'>[],
): Record<string, string> {
  const time = parseHttpDate(lastModified);
  const modified = time === undefined ? rollingVersion : new Date(time).toISOString().slice(0, 10).replaceAll('-', '');
  return { internal_version: modified, ...(first ? { upstream_checksum: first.digest } : {}) };
}

function wantedOf(entry: NamedEntry, listed: ManagedVersion): WantedAttributes {
  const { min_disk, min_ram, status: wantedStatus } = entry;
  const distribution = entry.meta?.os_distro;
  const tags = [...(entry.tags ?? []), entry.managerTag, ...(distribution === undefined ? [] : [`os:${distribution}`])];
  return wantedIn({ min_disk, min_ram, status: wantedStatus, visibility: listed.visibility ?? entry.visibility, tags });
}
