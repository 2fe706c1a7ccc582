// Whether an answer's body is the file that was requested, or the rest of it.
import { OperationError } from '../../core/errors.js';
import type { HttpAnswer } from '../http/client.js';
import { compressionIn, encodingIn } from '../http/encodings.js';
import { withoutCredentials } from '../../core/urls.js';
import type { PartOrigin } from './part-file.js';

interface Requested {
  readonly url: string;
  /** Whether a checksum will verify the file. */
  readonly isChecked: boolean;
}

interface Received {
  readonly offset: number;
  readonly origin: PartOrigin | undefined;
}

/** Whether a 206 starts at our offset and, unless `mayDiffer`, is of the same file. */
export function continues({ offset, origin }: Received, answer: HttpAnswer, mayDiffer: boolean): boolean {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? [];
  if (Number(start) !== offset || (total !== '*' && origin?.bytes !== undefined && Number(total) !== origin.bytes))
    return false;
  if (mayDiffer) return true;
  const etag = answer.header('etag');
  if (origin?.etag !== undefined && etag !== undefined) return etag === origin.etag;
  const lastModified = answer.header('last-modified');
  return origin?.lastModified === undefined || lastModified === undefined || lastModified === origin.lastModified;
}

/** Whether a 416 says that the file ends at our offset. */
export function isWhole({ offset, origin }: Received, answer: HttpAnswer): boolean {
  return offset === origin?.bytes && answer.header('content-range') === `bytes */${offset}`;
}

/**
 * A file that is itself compressed is often served with its format as Content-Encoding; what a
 * server compresses on the fly is not the file. Throws SOURCE_ENCODED.
 */
export function assertPlain(answer: HttpAnswer, { url, isChecked }: Requested): void {
  const header = answer.header('content-encoding');
  const encoding = isChecked ? compressionIn(header) : encodingIn(header);
  if (encoding === undefined || /\.(t?gz|z|bz2|xz|zst|br)$/i.test(new URL(url).pathname)) return;
  const shown = withoutCredentials(url);
  throw new OperationError(
    'SOURCE_ENCODED',
    `${shown} is encoded as ${encoding} although identity was requested; ` +
      'configure the server to send the file unencoded',
    { url: shown, encoding },
  );
}

/**
 * A portal answers any request with its login page and status 200. A checksum, if given, detects
 * that itself. Throws WEB_PAGE.
 */
export function assertNoWebPage(first: Buffer, answer: HttpAnswer, { url, isChecked }: Requested): void {
  if (
    isChecked ||
    /\.x?html?$/i.test(new URL(url).pathname) ||
    !isWebPage(first.subarray(0, 4096), answer.header('content-type'))
  )
    return;
  const shown = withoutCredentials(url);
  throw new OperationError(
    'WEB_PAGE',
    `${shown} returned a web page instead of a file: a login page, or a notice of a proxy or portal; ` +
      'if this is the file, give its checksum',
    { url: shown },
  );
}

const startOfHtml =
  /^(?:ï»¿)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|title|meta)\b/i;

/**
 * By how it starts; by its type only if it is text at all, since some servers label every file as
 * HTML.
 */
function isWebPage(first: Buffer, type = ''): boolean {
  const text = first.toString('latin1');
  return (
    startOfHtml.test(text) ||
    (/^(?:text\/html|application\/xhtml\+xml)\b/i.test(type) && !/[\x00-\x08\x0e-\x1f]/.test(text))
  );
}
