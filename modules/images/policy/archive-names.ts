// Names of archived images: how an image that is replaced is called, and what such a name says.
import { hasOwnMarker, markers, releaseProperty, type SiteImage } from './site-image.js';

/**
 * The shapes of archive names: `NAME_2025-04-22 15:30:45.123456`, `NAME_1677628504.897832`,
 * `NAME-20230302-1677628504.897832`, `NAME-20230302-2025-…`, `NAME-20230302`, each with a counter
 * if the name was taken. A revision may be `20230124-1270`, like those of Debian.
 */
const archiveSuffix = new RegExp(
  [
    /(?:_|-(?:\d{8}-)?[\w.:]+?-)/,
    /(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?|\d{8} \d{6}(?:\.\d+)?|\d{9,}(?:\.\d+)?)(?:\.\d+)?$/,
    /|-\d{8}(?:\.\d+)?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

/** The production name within an image's present name. */
export function productionNameOf(name: string, prefix: string): string {
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return bare.replace(archiveSuffix, '');
}

/**
 * Production names of older tools: no spaces, underscores or colons.
 */
const productionShape = /^[A-Za-z0-9][A-Za-z0-9.+-]*$/;

export interface ParsedName {
  readonly productionName: string;
  readonly isArchive: boolean;
}

/**
 * Parses an image's present name. Undefined if it is neither a production nor an archive name;
 * nothing is known about the image then.
 */
export function parseName(image: SiteImage, catalogue: ReadonlySet<string>): ParsedName | undefined {
  const { name } = image;
  const markedName = hasOwnMarker(image) ? image.properties[markers.name] : undefined;
  if (name === markedName || (markedName === undefined && catalogue.has(name)))
    return { productionName: name, isArchive: false };
  const manager = markedName === undefined ? managersArchiveName(image, catalogue) : undefined;
  if (manager !== undefined) return { productionName: manager, isArchive: true };
  const productionName = name.replace(archiveSuffix, '');
  const isArchive = productionName !== name && hasPlausibleDay(name.slice(productionName.length));
  if (markedName !== undefined)
    return isArchive && productionName === markedName ? { productionName, isArchive } : undefined;
  if (!productionShape.test(productionName) && !catalogue.has(productionName)) return undefined;
  if (isArchive) return { productionName, isArchive };
  return productionName === name ? { productionName, isArchive: false } : undefined;
}

/**
 * The production name of an image that openstack-image-manager has replaced: `NAME (VERSION)`, with a separator of the
 * list's own. The name must be in the catalogue, and the version that of the image.
 */
function managersArchiveName({ name, properties }: SiteImage, catalogue: ReadonlySet<string>): string | undefined {
  const { internal_version: version } = properties;
  const suffix = `(${version})`;
  if (!version || !name.endsWith(suffix)) return undefined;
  const bare = name.slice(0, -suffix.length);
  const found = [...catalogue].filter((each) => bare.startsWith(each) && separator.test(bare.slice(each.length)));
  return found.sort((one, other) => other.length - one.length)[0];
}

const separator = /^[ ._+:@~()-]{0,20}$/;

/**
 * An archive suffix contains a calendar date or POSIX seconds; other eight digits may mean
 * anything.
 */
function hasPlausibleDay(suffix: string): boolean {
  const day =
    /^[-_](\d{4})(\d\d)(\d\d)(?: \d{6}(?:\.\d+)?)?(?:\.\d+)?$/.exec(suffix) ?? /(\d{4})-(\d\d)-(\d\d)[ T]/.exec(suffix);
  if (!day) return true;
  const [year = 0, month = 0, date = 0] = day.slice(1).map(Number);
  return year >= 2000 && month >= 1 && month <= 12 && date >= 1 && date <= 31;
}

/**
 * The archive name of an image that is replaced, with a counter if it is taken:
 * `{name}_{build-timestamp}`, or for an image of the older store with a revision
 * `{name}-{build-os-base-image-revision}-{build-timestamp}`. Without a timestamp its creation
 * counts.
 */
export function archiveName(image: SiteImage, taken: ReadonlySet<string>): string {
  const stamp = image.properties['build-timestamp'] || image.created_at.replace('T', ' ').replace('Z', '');
  const revision =
    image.properties[releaseProperty] === undefined ? image.properties['build-os-base-image-revision'] : undefined;
  const plain = `${image.name}${revision ? `-${revision}-` : '_'}${stamp}`.slice(0, 250);
  for (let counter = 1; ; counter++) {
    const candidate = counter === 1 ? plain : `${plain}.${counter}`;
    if (!taken.has(candidate)) return candidate;
  }
}
