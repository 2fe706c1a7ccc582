// What a store's headers say of an object, and which of them may be believed.
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../http/errors.js';

export interface StoreObject {
  readonly url: string;
  readonly bytes: number;
  /** As the server spells it, quotes and all; for If-Match. */
  readonly etag?: string;
  readonly lastModified?: string;
  /** Lower-case hex of the whole object, where the store tells it reliably. */
  readonly md5?: string;
  readonly sha256?: string;
}

interface Headers {
  header(name: string): string | undefined;
}

/**
 * Reads size, validators and checksums. The producer's `X-Object-Meta-X-Sdk-*` (openstacksdk, object_store/v1/_proxy.py) hold for
 * segmented objects too; an ETag is an MD5 only when it is bare hex and the object is neither SLO nor DLO nor an S3 multipart upload.
 * Throws STORE_SIZE_UNKNOWN without a Content-Length.
 */
export function parseObject(url: string, headers: Headers): StoreObject {
  const length = headers.header('content-length');
  if (length === undefined || !/^\d+$/.test(length)) {
    throw new OperationError('STORE_SIZE_UNKNOWN', `the store does not tell the size of ${withoutCredentials(url)}`, { url: withoutCredentials(url) });
  }
  const etag = headers.header('etag');
  const md5 = hexOf(headers.header('x-object-meta-x-sdk-md5'), 32) ?? md5FromEtag(etag, headers);
  const sha256 = hexOf(headers.header('x-object-meta-x-sdk-sha256'), 64);
  const lastModified = headers.header('last-modified');
  return {
    url,
    bytes: Number(length),
    ...(etag ? { etag } : {}),
    ...(lastModified ? { lastModified } : {}),
    ...(md5 ? { md5 } : {}),
    ...(sha256 ? { sha256 } : {}),
  };
}

function md5FromEtag(etag: string | undefined, headers: Headers): string | undefined {
  if (headers.header('x-static-large-object') || headers.header('x-object-manifest')) return undefined;
  // Only Swift's and S3's plain objects have the MD5 for their ETag; a web server's is of its own making, and never 32 hex digits.
  return hexOf(etag?.replace(/^"(.*)"$/, '$1'), 32);
}

function hexOf(text: string | undefined, digits: number): string | undefined {
  const lower = text?.trim().toLowerCase();
  return lower && lower.length === digits && /^[0-9a-f]+$/.test(lower) ? lower : undefined;
}
