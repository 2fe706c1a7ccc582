// How to verify that Glance has stored the object of the store: by which digests, and what to do if
// none can be compared.
import { optionText } from '../../core/option-text.js';
import { isFileUrl } from '../../core/urls.js';
import { digestUnavailable, type Checksum } from './checksums.js';

/** The digests that a Glance reports of its images. */
export interface GlanceDigests {
  /** Whether it reports MD5, as `checksum`. It does not where MD5 is forbidden. */
  readonly md5: boolean;
  /** The algorithm of `os_hash_value`, by its hashlib name. */
  readonly algorithm?: string;
}

/** Size and checksums that are published of an object. */
export interface PublishedChecksums {
  readonly url?: string;
  readonly bytes: number;
  /** By the store. */
  readonly md5?: string;
  readonly sha256?: string;
  /** From elsewhere, such as a checksum file: all of them must fit. */
  readonly published?: readonly Checksum[];
}

/** An object, and whether it is decompressed on its way to Glance. */
export interface VerifiableSource {
  readonly object: PublishedChecksums;
  readonly compression?: string;
}

/** What Glance reports of an image's data. */
export interface ReportedImage {
  readonly id: string;
  readonly created_at: string;
  readonly size?: number;
  readonly checksum?: string;
  readonly os_hash_algo?: string;
  readonly os_hash_value?: string;
}

export type DigestValues = ReadonlyMap<string, string>;

/** What passed in one transfer. */
export interface TransferredData {
  /** How many bytes were sent to Glance. */
  readonly bytes: number;
  /** Digests of the bytes that were read from the source. */
  readonly read: DigestValues;
  /** Digests of the bytes that were sent: the same unless they were decompressed in between. */
  readonly sent: DigestValues;
  /** The URL of the mirror that the end of the data came from, if it was one. */
  readonly mirror?: string;
}

/** The algorithms of both. Those of `sent` are empty if the same bytes are sent that are read. */
export interface DigestPlan {
  readonly read: readonly string[];
  readonly sent: readonly string[];
}

type CanDigest = (algorithm: string) => boolean;

function reportedDigests({ os_hash_algo: algorithm, checksum }: ReportedImage): GlanceDigests {
  return { md5: checksum !== undefined, ...(algorithm ? { algorithm } : {}) };
}

/** The digests that the newest image with data reports; undefined on a site without images. */
export function newestReportedDigests(images: readonly ReportedImage[]): GlanceDigests | undefined {
  const newest = images
    .filter((image) => image.os_hash_algo ?? image.checksum)
    .sort((one, other) => (one.created_at < other.created_at ? 1 : -1))[0];
  return newest && reportedDigests(newest);
}

/**
 * The digests that a transfer has to compute so that the checksums of both the source and Glance
 * can be compared. Each costs as much as the rest of the transfer, so none is redundant: data with
 * the store's SHA-256 are the store's object, and if an MD5 of the object is published too, Glance's
 * MD5 is compared with that; the same holds for the algorithm of Glance's other digest if the
 * publisher uses it. `glance` is undefined until an image shows what this Glance reports. Never one
 * that this host cannot compute, such as MD5 under FIPS.
 */
export function digestsNeeded(
  { object, compression }: VerifiableSource,
  glance: GlanceDigests | undefined,
  canDigest: CanDigest,
): DigestPlan {
  const { md5, sha256, published = [] } = object;
  const ofPublisher = published.map(({ algorithm }) => algorithm).filter(canDigest);
  const ofStore = sha256 ? ['sha256'] : md5 && ofPublisher.length === 0 && canDigest('md5') ? ['md5'] : [];
  const forSource = [...new Set([...ofStore, ...ofPublisher])];
  if (compression !== undefined) return { read: forSource, sent: digestsForGlance(glance, canDigest) };
  const isReportedMd5Known = glance?.md5 && knownMd5(object) !== undefined && forSource.some((name) => name !== 'md5');
  const isReportedByPublisher = glance?.algorithm !== undefined && ofPublisher.includes(glance.algorithm);
  const forGlance = isReportedMd5Known || isReportedByPublisher ? [] : digestsForGlance(glance, canDigest);
  return { read: [...new Set([...forSource, ...forGlance])], sent: [] };
}

function digestsForGlance(glance: GlanceDigests | undefined, canDigest: CanDigest): string[] {
  if (glance?.md5 && canDigest('md5')) return ['md5'];
  return glance?.algorithm && canDigest(glance.algorithm) ? [glance.algorithm] : ['sha512', 'md5'].filter(canDigest);
}

function knownMd5({ md5, published = [] }: PublishedChecksums): string | undefined {
  return md5 ?? published.find(({ algorithm }) => algorithm === 'md5')?.digest;
}

/**
 * Why an object cannot be imported by Glance itself; undefined if the image can be verified
 * afterwards.
 */
export function importRefusal({ object, compression }: VerifiableSource): string | undefined {
  const instead = `use ${optionText('import_method', 'stream')}`;
  if (isFileUrl(object.url ?? '')) return `web-download refused: it is a file of this host; ${instead}`;
  if (compression !== undefined)
    return `web-download refused: the object is compressed (${compression}) and Glance would keep it so; ${instead}`;
  return object.sha256 === undefined && object.md5 === undefined && !object.published?.length
    ? `web-download refused: the store publishes no checksum of this object; ${instead}`
    : undefined;
}

export interface Comparison {
  readonly what: string;
  readonly found: string | number | undefined;
  readonly expected: string | number;
}

export type VerificationStep =
  | ({ readonly kind: 'compare' } & Comparison)
  /** Check the format of the data that Glance has. */
  | { readonly kind: 'inspect' }
  /** Read the image back from Glance and compare its digests. */
  | { readonly kind: 'read-image'; readonly digests: readonly ExpectedDigest[] }
  /** Read the object again, and then verify the image as if it had been sent. */
  | { readonly kind: 'read-object'; readonly digests: DigestPlan }
  | { readonly kind: 'impossible'; readonly why: string };

/** A digest that is published of an object. `what`: its name in messages and results. */
export interface ExpectedDigest {
  readonly what: string;
  readonly algorithm: string;
  readonly expected: string;
}

/**
 * The steps that verify an active image, in order; the first one that fails decides. `data`: what
 * was transferred. Without it (Glance fetched the data itself, or an earlier run sent them) Glance's
 * data are inspected and, wherever a digest is published that Glance does not report, read
 * completely. If they were decompressed, the object is read again instead.
 */
export function planVerification(
  image: ReportedImage,
  source: VerifiableSource,
  data: TransferredData | undefined,
  canDigest: CanDigest,
): VerificationStep[] {
  const { object, compression } = source;
  if (!data && compression !== undefined)
    return [{ kind: 'read-object', digests: digestsNeeded(source, reportedDigests(image), canDigest) }];
  const size = { kind: 'compare', what: 'size', found: image.size, expected: data?.bytes ?? object.bytes } as const;
  return [size, ...(data ? stepsForSent(image, source, data) : stepsForStored(image, source, canDigest))];
}

/** Every digest that has to fit. The store's MD5 is not needed if a better one is published. */
function expectedDigests({ md5, sha256, published = [] }: PublishedChecksums): ExpectedDigest[] {
  const isMd5Needed = !sha256 && published.length === 0;
  return [
    ...(sha256 ? [{ what: "store's sha256", algorithm: 'sha256', expected: sha256 }] : []),
    ...(md5 && isMd5Needed ? [{ what: "store's md5", algorithm: 'md5', expected: md5 }] : []),
    ...published.map(({ algorithm, digest }) => ({ what: `publisher's ${algorithm}`, algorithm, expected: digest })),
  ];
}

/** The data read are the object, and Glance has stored the data sent. */
function stepsForSent(image: ReportedImage, source: VerifiableSource, data: TransferredData): VerificationStep[] {
  const { object, compression } = source;
  const expected = expectedDigests(object);
  const reported = compression === undefined ? reportedValues(image) : new Map<string, string>();
  const steps = expected.flatMap(({ what, algorithm, expected: digest }): VerificationStep[] => {
    const found = data.read.get(algorithm) ?? reported.get(algorithm);
    return found === undefined ? [] : [{ kind: 'compare', what, found, expected: digest }];
  });
  const [lacking] = expected;
  if (lacking && steps.length === 0) return [unverifiableBy(image, lacking)];
  const comparison = compareReported(image, data.sent);
  if (comparison) return [...steps, { kind: 'compare', ...comparison }];
  const md5 = compression === undefined ? knownMd5(object) : undefined;
  if (md5 && image.checksum === md5)
    return [...steps, { kind: 'compare', what: "Glance's md5", found: image.checksum, expected: md5 }];
  // Glance reports nothing comparable, or an MD5 that contradicts the one that is published of the
  // same data: its own data decide.
  const algorithm = data.sent.has('sha256') ? 'sha256' : [...data.sent.keys()][0];
  const digest = algorithm === undefined ? undefined : data.sent.get(algorithm);
  if (algorithm === undefined || digest === undefined) return [...steps, unverifiable(image, digestUnavailable('md5'))];
  return [
    ...steps,
    { kind: 'read-image', digests: [{ what: `Glance's data by ${algorithm}`, algorithm, expected: digest }] },
  ];
}

/** The digests that Glance reports, by algorithm. */
function reportedValues({ os_hash_algo: algorithm, os_hash_value: value, checksum }: ReportedImage): DigestValues {
  return new Map([
    ...(checksum ? [['md5', checksum] as const] : []),
    ...(algorithm && value ? [[algorithm, value] as const] : []),
  ]);
}

function stepsForStored(image: ReportedImage, source: VerifiableSource, canDigest: CanDigest): VerificationStep[] {
  const expected = expectedDigests(source.object);
  const [first] = expected;
  if (!first)
    return [
      { kind: 'inspect' },
      { kind: 'read-object', digests: digestsNeeded(source, reportedDigests(image), canDigest) },
    ];
  const reported = reportedValues(image);
  // MD5 proves little about data that this run has not seen, if there is something better.
  const isMd5Alone = expected.every(({ algorithm }) => algorithm === 'md5');
  const isReported = ({ algorithm }: ExpectedDigest): boolean =>
    reported.has(algorithm) && (algorithm !== 'md5' || isMd5Alone);
  const compared = expected.filter(isReported);
  const read = expected.filter((each) => !isReported(each) && canDigest(each.algorithm));
  if (compared.length + read.length === 0) return [{ kind: 'inspect' }, unverifiableBy(image, first)];
  return [
    // Reading the image inspects it too.
    ...(read.length > 0 && !isMd5Alone ? [] : [{ kind: 'inspect' } as const]),
    ...compared.map(({ what, algorithm, expected: digest }) => ({
      kind: 'compare' as const,
      what,
      found: reported.get(algorithm),
      expected: digest,
    })),
    ...(read.length > 0 ? [{ kind: 'read-image' as const, digests: read }] : []),
  ];
}

/**
 * What Glance reports of the data, with our digest of the same data. Undefined if no algorithm is
 * common to both. MD5 comes first, also where this run has computed both because it did not know
 * yet what this Glance reports: the first image of a site is verified by the same as all others.
 */
function compareReported(
  { os_hash_algo: algorithm, os_hash_value: value, checksum }: ReportedImage,
  digests: DigestValues,
): Comparison | undefined {
  const md5 = digests.get('md5');
  if (checksum && md5) return { what: "Glance's md5", found: checksum, expected: md5 };
  const other = algorithm ? digests.get(algorithm) : undefined;
  return algorithm && value && other ? { what: `Glance's ${algorithm}`, found: value, expected: other } : undefined;
}

function unverifiableBy(image: ReportedImage, { what, algorithm }: ExpectedDigest): VerificationStep {
  const publisher = what.startsWith('store') ? 'the store publishes only an MD5' : `it is published with ${algorithm}`;
  return unverifiable(image, `${publisher}, and ${digestUnavailable(algorithm)}`);
}

function unverifiable({ id }: ReportedImage, why: string): { readonly kind: 'impossible'; readonly why: string } {
  return { kind: 'impossible', why: `image ${id} cannot be verified: ${why}` };
}
