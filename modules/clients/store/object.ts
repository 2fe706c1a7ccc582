// What the headers of a store say about an object, and which of them can be trusted.
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import type { FileCompression } from './decompression.js';

/** What the data of an object are to be decompressed from; `tar` archives hold one disk. */
export type Compression = FileCompression | 'tar' | `tar.${FileCompression}`;

/** A digest by its name in hashlib, in lower-case hex. */
export interface PublishedDigest {
  readonly algorithm: string;
  readonly digest: string;
}

export interface StoreObject {
  readonly url: string;
  readonly bytes: number;
  /** As the server sends it, including quotes; for If-Match. */
  readonly etag?: string;
  readonly lastModified?: string;
  /** Lower-case hex of the whole object, if the store publishes it reliably. */
  readonly md5?: string;
  readonly sha256?: string;
  /**
   * Digests from elsewhere, such as a checksum file of the publisher: of the bytes at `url`, all of
   * which must fit.
   */
  readonly published?: readonly PublishedDigest[];
  /**
   * Why its checksums cannot be trusted: they contradict each other, or are invalid. The object
   * must not be used.
   */
  readonly checksumFault?: string;
}

interface Headers {
  header(name: string): string | undefined;
  /** All headers, with names in lower case. */
  headers(): Iterable<readonly [name: string, value: string]>;
}

/**
 * Reads size, validators and checksums. The producer's `x-sdk-md5` and `x-sdk-sha256`
 * (openstacksdk, object_store/v1/_proxy.py) are valid for segmented objects too; an ETag is an MD5
 * only if it is bare hex and belongs to a plain object that the store does not encrypt with a
 * separate key. Throws STORE_SIZE_UNKNOWN without a Content-Length.
 */
export function parseObject(url: string, headers: Headers): StoreObject {
  const length = headers.header('content-length');
  if (length === undefined || !/^\d+$/.test(length)) {
    throw new OperationError('STORE_SIZE_UNKNOWN', `the store does not report the size of ${withoutCredentials(url)}`, {
      url: withoutCredentials(url),
    });
  }
  const etag = headers.header('etag');
  const metadata = metadataIn(headers.headers());
  const [producerMd5, sha256] = [published(metadata, 'md5', 32), published(metadata, 'sha256', 64)];
  const md5 = producerMd5.digest ?? md5FromEtag(etag, headers, metadata);
  const lastModified = headers.header('last-modified');
  const checksumFault = sha256.fault ?? producerMd5.fault;
  return {
    url,
    bytes: Number(length),
    ...(etag ? { etag } : {}),
    ...(lastModified ? { lastModified } : {}),
    ...(md5 ? { md5 } : {}),
    ...(sha256.digest ? { sha256: sha256.digest } : {}),
    ...(checksumFault ? { checksumFault } : {}),
  };
}

/**
 * Each kind of store, and each gateway in front of one, has its own prefix for metadata that a
 * producer has set; some allow no hyphens.
 */
const metadataPrefix = /^x-(?:object|amz|goog|ms|oss|cos|obs|container)-meta-/;

/** The metadata that a producer has set, by name without the prefix. */
function metadataIn(headers: Iterable<readonly [name: string, value: string]>): ReadonlyMap<string, readonly string[]> {
  const metadata = new Map<string, string[]>();
  for (const [header, value] of headers) {
    const lower = header.toLowerCase();
    if (!metadataPrefix.test(lower)) continue;
    const name = lower.replace(metadataPrefix, '').replaceAll('_', '-');
    metadata.set(name, [...(metadata.get(name) ?? []), value.trim()]);
  }
  return metadata;
}

/** A checksum that the producer has set with openstacksdk, or with its predecessor shade. */
function published(
  metadata: ReadonlyMap<string, readonly string[]>,
  algorithm: 'md5' | 'sha256',
  digits: number,
): { digest?: string; fault?: string } {
  const names = [`x-sdk-${algorithm}`, `x-shade-${algorithm}`];
  const values = [
    ...new Set(
      names
        .flatMap((name) => metadata.get(name) ?? [])
        .filter((value) => value !== '')
        .map((value) => value.toLowerCase()),
    ),
  ];
  const [value] = values;
  if (value === undefined) return {};
  if (values.length > 1)
    return {
      fault:
        `the store publishes several different ${algorithm} checksums of it: ` +
        `${values.map((each) => each.slice(0, 64)).join(', ')}`,
    };
  const digest = hexOf(value, digits);
  return digest
    ? { digest }
    : { fault: `the store publishes ${JSON.stringify(value.slice(0, 80))} as its ${algorithm}, which is invalid` };
}

/**
 * Swift and S3 use the MD5 of a plain object as its ETag; web servers use other values, which
 * rarely have 32 hex digits.
 */
function md5FromEtag(
  etag: string | undefined,
  headers: Headers,
  metadata: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  if (
    headers.header('x-static-large-object') ||
    headers.header('x-object-manifest') ||
    headers.header('x-amz-mp-parts-count')
  )
    return undefined;
  // Ceph's gateway shows the Swift headers as S3 metadata.
  if (metadata.has('static-large-object') || metadata.has('object-manifest') || metadata.has('slo-size'))
    return undefined;
  return isEncryptedByKey(headers.headers()) ? undefined : hexOf(etag?.replace(/^"(.*)"$/, '$1'), 32);
}

/**
 * True if the store encrypts the object with a key of a key service or of its customer: the ETag
 * then is not its MD5, although it has 32 digits
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, ETag). With the store's own key
 * (`AES256`) it is the MD5.
 */
function isEncryptedByKey(headers: Iterable<readonly [name: string, value: string]>): boolean {
  return [...headers].some(
    ([name, value]) =>
      /^x-[a-z]+-.*encryption/i.test(name) &&
      (/customer|kms|key|algorithm/i.test(name) || value.trim().toLowerCase() !== 'aes256'),
  );
}

function hexOf(text: string | undefined, digits: number): string | undefined {
  const lower = text?.trim().toLowerCase();
  return lower && lower.length === digits && /^[0-9a-f]+$/.test(lower) ? lower : undefined;
}
