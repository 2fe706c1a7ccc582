// What a Glance has made of an image on import, and what can still be compared then.
import { optionText } from '../../core/option-text.js';
import { compareStaged, readStagedMark, type ImportMethod } from './import-methods.js';
import { markers } from './site-image.js';
import type { Comparison, ReportedImage, TransferredData, VerifiableSource } from './verification.js';

/** Formats as Glance calls them; the second one is what the image has now. */
export interface Conversion {
  readonly from: string;
  readonly to: string;
}

/** The image as Glance reports it. */
export interface ConvertibleImage extends ReportedImage {
  readonly disk_format?: string;
  /** Bytes of the disk. */
  readonly virtual_size?: number;
  readonly properties: Readonly<Record<string, string>>;
}

/** What was to be imported. */
export interface ConvertibleSource extends VerifiableSource {
  readonly diskFormat: string;
  /** Bytes of the disk, by its header. */
  readonly virtualBytes?: number;
  /** Whether the data themselves are compressed, as those of ramdisks are. */
  readonly isGzip?: boolean;
}

/** True for an image that came in by an import, which leaves this property behind. An upload is never converted. */
export function wasImported({ properties }: Pick<ConvertibleImage, 'properties'>): boolean {
  return properties.os_glance_importing_to_stores !== undefined;
}

/**
 * The conversion that the import of an image has made; undefined if Glance has stored the data as they are. Glance also
 * decompresses what is not to be decompressed, such as ramdisks.
 */
export function conversionOf(
  image: Pick<ConvertibleImage, 'disk_format' | 'properties' | 'size'>,
  { object, compression, diskFormat, isGzip }: ConvertibleSource,
  method: ImportMethod,
): Conversion | undefined {
  const { disk_format: to } = image;
  if (method === 'stream' || to === undefined || !wasImported(image)) return undefined;
  if (to !== diskFormat) return { from: diskFormat, to };
  const isDecompressed = isGzip && compression === undefined && image.size !== object.bytes;
  return isDecompressed ? { from: 'gzip', to } : undefined;
}

export function describeConversion({ from, to }: Conversion): string {
  return `from ${from} to ${to}`;
}

/** The smallest unit of a disk: qemu-img rounds up to it. */
const sectorBytes = 512;

/**
 * What can be compared of a converted image: the published digests with what was staged, by this run or by the mark of
 * an earlier one, and the size of the disk. Empty if nothing can.
 */
export function compareConverted(
  image: ConvertibleImage,
  source: ConvertibleSource,
  { to }: Conversion,
  data: TransferredData | undefined,
): Comparison[] {
  const staged = data ?? readStagedMark(image.properties[markers.staged], source.object.bytes);
  const published = staged ? compareStaged({ ...image, size: staged.bytes }, source, staged) : [];
  const found = to === 'raw' ? image.size : image.virtual_size;
  const isPlainRaw = source.diskFormat === 'raw' && source.compression === undefined;
  const bytes = source.virtualBytes ?? (isPlainRaw ? source.object.bytes : undefined);
  const expected = bytes === undefined ? undefined : Math.ceil(bytes / sectorBytes) * sectorBytes;
  return [
    ...published.filter(({ what }) => what !== 'size'),
    ...(expected === undefined || found === undefined ? [] : [{ what: 'virtual size', found, expected }]),
  ];
}

/** What to tell where the published checksum could not be compared with anything; undefined if it was. */
export function conversionWarning(
  name: string,
  conversion: Conversion,
  verifiedBy: readonly string[],
): string | undefined {
  if (verifiedBy.some((what) => what !== 'virtual size')) return undefined;
  return (
    `${name}: Glance has converted the image ${describeConversion(conversion)}, so no published checksum could be ` +
    `compared with it, only the size of its disk; ${optionText('import_method', 'glance-direct')} compares them before`
  );
}
