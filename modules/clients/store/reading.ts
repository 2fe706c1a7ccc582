// Reads from a store of either kind: small documents, the headers of an object, its first bytes.
// Without a login.
import { hasCode, OperationError } from '../../core/errors.js';
import { parseHttpDate } from '../../core/http-dates.js';
import { optionText } from '../../core/option-text.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import { compressionIn, encodingIn, isEncodingOfFile } from '../http/encodings.js';
import { statusOf } from '../http/errors.js';
import { isFileUrl, withoutCredentials } from '../../core/urls.js';
import { mebibyte } from '../../core/sizes.js';
import { probeUrl, wholeLength } from '../http/probe.js';
import { probeFile, readFileHead } from './file-object.js';
import { parseObject, type StoreObject } from './object.js';

/** Maximum size of a catalogue or manifest. */
const largestDocumentBytes = 4 * mebibyte;

export interface ProbedObject {
  readonly object: StoreObject;
  /** All headers, with names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * Size, checksums and headers of an object. Throws STORE_OBJECT_MISSING, STORE_OBJECT_HIDDEN,
 * STORE_SIZE_UNKNOWN, SOURCE_ENCODED.
 */
export async function probeObject(http: HttpClient, url: string): Promise<ProbedObject> {
  if (isFileUrl(url)) return { object: await probeFile(url), headers: [] };
  try {
    const probe = await probeUrl(http, url, { needsLength: true });
    return { object: objectFrom(url, probe, probe.bytes), headers: [...probe.headers()] };
  } catch (error) {
    throw explainError('image', url, error);
  }
}

/**
 * The first bytes of an object, at most `bytes`, and the object according to this response: where a
 * GET differs from an earlier HEAD, the GET counts, and validators that differ from one response to
 * the next are dropped, because they do not identify the content.
 */
export async function readHead(
  http: HttpClient,
  object: StoreObject,
  bytes: number,
): Promise<{ readonly object: StoreObject; readonly head: Buffer }> {
  if (object.bytes === 0) return { object, head: Buffer.alloc(0) };
  if (isFileUrl(object.url)) {
    const { object: latest, head } = await readFileHead(object.url, bytes);
    return { object: reconcile(object, latest), head };
  }
  const headers = { Range: `bytes=0-${Math.min(bytes, object.bytes) - 1}`, 'Accept-Encoding': 'identity' };
  const answer = await http({ method: 'GET', url: object.url, followRedirects: true, headers, expect: [200, 206] });
  const latest = objectFrom(object.url, answer, wholeLength(answer) ?? object.bytes);
  return { object: reconcile(object, latest), head: await answer.beginning(bytes) };
}

function objectFrom(
  url: string,
  { header, headers }: Pick<HttpAnswer, 'header' | 'headers'>,
  bytes: number | undefined,
): StoreObject {
  const answer = { header: (name: string) => (name === 'content-length' ? bytes?.toString() : header(name)), headers };
  const object = parseObject(url, answer);
  assertPlain(url, header('content-encoding'), object.sha256 !== undefined || object.md5 !== undefined);
  return object;
}

/**
 * A body that the server compresses is not the object, unless it says of a compressed file what its
 * name says too. An unknown encoding may be anything; only a
 * checksum can verify the content then.
 */
function assertPlain(url: string, header: string | undefined, isChecked: boolean): void {
  const encoding = isChecked ? compressionIn(header) : encodingIn(header);
  if (encoding === undefined || isEncodingOfFile(url, encoding)) return;
  const shown = withoutCredentials(url);
  throw new OperationError(
    'SOURCE_ENCODED',
    `${shown} is sent with the encoding ${encoding} although identity was requested; ` +
      'configure the store to send it unchanged',
    { url: shown, encoding },
  );
}

function reconcile(before: StoreObject, latest: StoreObject): StoreObject {
  const { etag, lastModified, md5, ...rest } = { ...before, ...latest };
  return {
    ...rest,
    ...(etag !== undefined && (before.etag ?? etag) === etag ? { etag } : {}),
    ...(lastModified !== undefined && (before.lastModified ?? lastModified) === lastModified ? { lastModified } : {}),
    ...(md5 !== undefined && (before.md5 ?? md5) === md5 ? { md5 } : {}),
  };
}

/** The options that say where a container is, and the values that messages name. */
export interface ContainerPlace {
  /** Such as `object_store_url`. */
  readonly urlOption: string;
  /** Such as `image_container`. */
  readonly containerOption: string;
  readonly container: string;
  readonly scope?: string;
}

/**
 * A JSON document, not validated. `what`: its kind, for messages. `place`: for the first document of
 * a container. Throws STORE_OBJECT_MISSING, STORE_OBJECT_HIDDEN, STORE_DOCUMENT_UNUSABLE.
 */
export async function readJson(http: HttpClient, url: string, what: string, place?: ContainerPlace): Promise<unknown> {
  return (await readDatedJson(http, url, what, place)).document;
}

/** The same, and when it was last changed, in milliseconds since 1970, if the server reports that. */
export async function readDatedJson(
  http: HttpClient,
  url: string,
  what: string,
  place?: ContainerPlace,
): Promise<{ readonly document: unknown; readonly changedAt: number | undefined }> {
  const answer = await getDocument(http, url, what, place);
  const text = await readText(answer, url, what);
  try {
    return { document: JSON.parse(text), changedAt: parseHttpDate(answer.header('last-modified')) };
  } catch (error) {
    const shown = withoutCredentials(url);
    const beginning = JSON.stringify(text.trimStart().slice(0, 40));
    const found = text.trim() === '' ? 'is empty' : `is not JSON: it begins with ${beginning}`;
    throw new OperationError('STORE_DOCUMENT_UNUSABLE', `the ${what} ${shown} ${found}`, { url: shown }, error);
  }
}

/**
 * GET with clear errors if the document is missing or not public. Throws STORE_OBJECT_MISSING,
 * STORE_OBJECT_HIDDEN.
 */
export async function getDocument(
  http: HttpClient,
  url: string,
  what: string,
  place?: ContainerPlace,
): Promise<HttpAnswer> {
  try {
    return await http({ method: 'GET', url, followRedirects: true, headers: { 'Accept-Encoding': 'identity' } });
  } catch (error) {
    throw explainError(what, url, error, place);
  }
}

/**
 * The complete body of a small document, without a byte order mark. Throws STORE_DOCUMENT_UNUSABLE
 * if it is too large.
 */
export async function readText(answer: HttpAnswer, url: string, what: string): Promise<string> {
  try {
    return (await answer.text({ maxBytes: largestDocumentBytes })).replace(/^\ufeff/, '');
  } catch (error) {
    if (!hasCode(error, 'ANSWER_TOO_LARGE')) throw error;
    const shown = withoutCredentials(url);
    throw new OperationError(
      'STORE_DOCUMENT_UNUSABLE',
      `the ${what} ${shown} is larger than ${largestDocumentBytes} bytes`,
      { url: shown },
      error,
    );
  }
}

/**
 * The error to throw instead of a status. A container whose objects are public but whose list is
 * not answers 401 or 403 for missing objects, to hide that they are missing.
 */
function explainError(what: string, url: string, error: unknown, place?: ContainerPlace): unknown {
  const shown = withoutCredentials(url);
  const status = statusOf(error);
  if (status === 404) {
    const message = `the store has no ${what} ${shown}${place ? `; ${questionsIfMissing(place)}` : ''}`;
    return new OperationError('STORE_OBJECT_MISSING', message, { url: shown }, error);
  }
  if (status !== 401 && status !== 403) return error;
  return new OperationError(
    'STORE_OBJECT_HIDDEN',
    `the store does not show the ${what} ${shown}: it is missing or not public (${status})` +
      `${place ? `; ${questionsIfHidden(place)}` : ''}`,
    { url: shown, status },
    error,
  );
}

function questionsIfMissing({ urlOption, containerOption, container, scope }: ContainerPlace): string {
  const asked = `does the container "${container}" exist (${optionText(containerOption)})`;
  const ofScope = scope === undefined ? '' : `, does it have the scope "${scope}"`;
  return `${asked}${ofScope}, and is ${optionText(urlOption)} right? For Swift it ends in the account, such as AUTH_…`;
}

/** Swift answers 401 also if the container or the account does not exist. */
function questionsIfHidden({ urlOption, containerOption, container }: ContainerPlace): string {
  return (
    `is the container public? Swift needs the read ACL ".r:*,.rlistings" on it; it also answers this if there is no ` +
    `container "${container}" (${optionText(containerOption)}) or no such account (${optionText(urlOption)})`
  );
}
