// How to verify that Glance has stored the object of the store: by which digests, and what to do if
// none can be compared.
import { optionText } from '../../core/option-text.js';
import { digestUnavailable } from './checksums.js';

/** The digests that a Glance reports of its images. */
export interface GlanceDigests {
  /** Whether it reports MD5, as `checksum`. It does not where MD5 is forbidden. */
  readonly md5: boolean;
  /** The algorithm of `os_hash_value`, by its hashlib name. */
  readonly algorithm?: string;
}

/** Size and checksums that the store publishes of an object. */
export interface PublishedChecksums {
  readonly bytes: number;
  readonly md5?: string;
  readonly sha256?: string;
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
 * The digests that a transfer has to compute so that the checksums of both the store and Glance can
 * be compared. Each costs as much as the rest of the transfer, so none is redundant: data with the
 * store's SHA-256 are the store's object, and if the store also publishes the object's MD5,
 * Glance's MD5 is compared with that. `glance` is undefined until an image shows what this Glance
 * reports. Never one that this host cannot compute, such as MD5 under FIPS.
 */
export function digestsNeeded(
  { md5, sha256 }: PublishedChecksums,
  glance: GlanceDigests | undefined,
  canDigest: CanDigest,
): string[] {
  const forStore = sha256 ? ['sha256'] : md5 && canDigest('md5') ? ['md5'] : [];
  if (glance?.md5 && sha256 && md5) return forStore;
  if (glance?.md5 && canDigest('md5')) return [...new Set([...forStore, 'md5'])];
  const forGlance =
    glance?.algorithm && canDigest(glance.algorithm) ? [glance.algorithm] : ['sha512', 'md5'].filter(canDigest);
  return [...new Set([...forStore, ...forGlance])];
}

/**
 * Why an object cannot be imported by Glance itself; undefined if the image can be verified
 * afterwards.
 */
export function importRefusal({ sha256, md5 }: PublishedChecksums): string | undefined {
  return sha256 === undefined && md5 === undefined
    ? 'web-download refused: the store publishes no checksum of this object; ' +
        `use ${optionText('import_method', 'stream')}`
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
  /** Read the image back from Glance and compare its digest. */
  | { readonly kind: 'read-image'; readonly what: string; readonly algorithm: string; readonly expected: string }
  /** Read the store's object again and compare with what Glance reports. */
  | { readonly kind: 'read-object'; readonly algorithms: readonly string[] }
  | { readonly kind: 'impossible'; readonly why: string };

/**
 * The steps that verify an active image, in order; the first one that fails decides. `sent`:
 * digests of the data that were sent. Without them (Glance fetched the data itself, or an earlier
 * run sent them) Glance's data are inspected and, wherever the store publishes SHA-256, read
 * completely.
 */
export function planVerification(
  image: ReportedImage,
  object: PublishedChecksums,
  sent: DigestValues | undefined,
  canDigest: CanDigest,
): VerificationStep[] {
  const size = { kind: 'compare', what: 'size', found: image.size, expected: object.bytes } as const;
  return [size, ...(sent ? stepsForSent(image, object, sent) : stepsForStored(image, object, canDigest))];
}

/** The data sent are the store's object, and Glance has stored the data sent. */
function stepsForSent(
  image: ReportedImage,
  { md5, sha256 }: PublishedChecksums,
  sent: DigestValues,
): VerificationStep[] {
  const steps: VerificationStep[] = [];
  if (sha256) steps.push({ kind: 'compare', what: "store's sha256", found: sent.get('sha256'), expected: sha256 });
  else if (md5) {
    const found = sent.get('md5') ?? image.checksum;
    if (!found) return [unverifiableMd5(image)];
    steps.push({ kind: 'compare', what: "store's md5", found, expected: md5 });
  }
  const reported = compareReported(image, sent);
  if (reported) return [...steps, { kind: 'compare', ...reported }];
  if (md5 && image.checksum === md5)
    return [...steps, { kind: 'compare', what: "Glance's md5", found: image.checksum, expected: md5 }];
  // Glance reports nothing comparable, or an MD5 that contradicts the store's of the same data: its
  // own data decide.
  const [algorithm, expected] = sha256 ? ['sha256', sent.get('sha256')] : ([...sent][0] ?? []);
  if (algorithm === undefined || expected === undefined)
    return [...steps, unverifiable(image, digestUnavailable('md5'))];
  return [...steps, { kind: 'read-image', what: `Glance's data by ${algorithm}`, algorithm, expected }];
}

function stepsForStored(image: ReportedImage, object: PublishedChecksums, canDigest: CanDigest): VerificationStep[] {
  const { md5, sha256 } = object;
  if (sha256 && image.os_hash_algo !== 'sha256')
    return [{ kind: 'read-image', what: "store's sha256", algorithm: 'sha256', expected: sha256 }];
  const inspect = { kind: 'inspect' } as const;
  if (sha256)
    return [inspect, { kind: 'compare', what: "store's sha256", found: image.os_hash_value, expected: sha256 }];
  if (md5 && image.checksum)
    return [inspect, { kind: 'compare', what: "store's md5", found: image.checksum, expected: md5 }];
  if (md5 && !canDigest('md5')) return [inspect, unverifiableMd5(image)];
  if (md5) return [inspect, { kind: 'read-image', what: "store's md5", algorithm: 'md5', expected: md5 }];
  return [inspect, { kind: 'read-object', algorithms: digestsNeeded(object, reportedDigests(image), canDigest) }];
}

/**
 * What Glance reports of the data, with our digest of the same data. Undefined if no algorithm is
 * common to both. MD5 comes first, also where this run has computed both because it did not know
 * yet what this Glance reports: the first image of a site is verified by the same as all others.
 */
export function compareReported(
  { os_hash_algo: algorithm, os_hash_value: value, checksum }: ReportedImage,
  digests: DigestValues,
): Comparison | undefined {
  const md5 = digests.get('md5');
  if (checksum && md5) return { what: "Glance's md5", found: checksum, expected: md5 };
  const other = algorithm ? digests.get(algorithm) : undefined;
  return algorithm && value && other ? { what: `Glance's ${algorithm}`, found: value, expected: other } : undefined;
}

/** The last resort has failed: Glance reports nothing that this host can compute. */
export function nothingComparable(image: ReportedImage): string {
  const { os_hash_algo: algorithm } = image;
  const reports = algorithm ? `only its ${algorithm}, which this host cannot compute` : 'no checksum';
  return unverifiable(image, `Glance reports ${reports}`).why;
}

function unverifiableMd5(image: ReportedImage): VerificationStep {
  return unverifiable(image, `the store publishes only an MD5, and ${digestUnavailable('md5')}`);
}

function unverifiable({ id }: ReportedImage, why: string): { readonly kind: 'impossible'; readonly why: string } {
  return { kind: 'impossible', why: `image ${id} cannot be verified: ${why}` };
}
