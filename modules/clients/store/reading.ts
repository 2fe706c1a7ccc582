// What is read of a store of either kind: small documents, the headers of an object, its first bytes. Without a login.
import { hasCode, OperationError } from '../../core/errors.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import { isNotFound, statusOf, withoutCredentials } from '../http/errors.js';
import { parseObject, type StoreObject } from './object.js';

/** A catalogue or a manifest larger than this is no catalogue and no manifest. */
const largestDocumentBytes = 4 * 1024 * 1024;

export interface ProbedObject {
  readonly object: StoreObject;
  /** All headers, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Size, checksums and headers of an object. Throws STORE_OBJECT_MISSING. */
export async function probeObject(http: HttpClient, url: string): Promise<ProbedObject> {
  try {
    const answer = await http({ method: 'HEAD', url, followRedirects: true, headers: { 'Accept-Encoding': 'identity' } });
    answer.body.resume();
    return probed(url, answer);
  } catch (error) {
    if (isNotFound(error)) throw missing('image', url, error);
    if (statusOf(error) !== 405 && statusOf(error) !== 501) throw error;
    // A server that refuses HEAD tells the same by the head of a GET.
    const answer = await getDocument(http, url, 'image');
    answer.body.destroy();
    return probed(url, answer);
  }
}

function probed(url: string, answer: HttpAnswer): ProbedObject {
  return { object: parseObject(url, answer), headers: [...answer.headers()] };
}

/** The first bytes of an object, at most `bytes`. */
export async function readHead(http: HttpClient, object: StoreObject, bytes: number): Promise<Buffer> {
  const headers = { Range: `bytes=0-${Math.min(bytes, object.bytes) - 1}`, 'Accept-Encoding': 'identity' };
  const answer = await http({ method: 'GET', url: object.url, followRedirects: true, headers, expect: [200, 206] });
  return answer.beginning(bytes);
}

/** A JSON document, unchecked; `what` it is, for messages. Throws STORE_OBJECT_MISSING, STORE_DOCUMENT_UNUSABLE. */
export async function readJson(http: HttpClient, url: string, what: string): Promise<unknown> {
  const text = await readText(await getDocument(http, url, what), url, what);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const shown = withoutCredentials(url);
    const beginning = JSON.stringify(text.trimStart().slice(0, 40));
    const found = text.trim() === '' ? 'is empty' : `is not JSON: it begins with ${beginning}`;
    throw new OperationError('STORE_DOCUMENT_UNUSABLE', `the ${what} ${shown} ${found}`, { url: shown }, error);
  }
}

/** GET, with a message of its own where there is nothing. Throws STORE_OBJECT_MISSING. */
export async function getDocument(http: HttpClient, url: string, what: string): Promise<HttpAnswer> {
  try {
    return await http({ method: 'GET', url, followRedirects: true, headers: { 'Accept-Encoding': 'identity' } });
  } catch (error) {
    throw isNotFound(error) ? missing(what, url, error) : error;
  }
}

/** The whole of an answer that must be small. Throws STORE_DOCUMENT_UNUSABLE where it is not. */
export async function readText(answer: HttpAnswer, url: string, what: string): Promise<string> {
  try {
    return await answer.text({ maxBytes: largestDocumentBytes });
  } catch (error) {
    if (!hasCode(error, 'ANSWER_TOO_LARGE')) throw error;
    const shown = withoutCredentials(url);
    throw new OperationError('STORE_DOCUMENT_UNUSABLE', `the ${what} ${shown} is larger than ${largestDocumentBytes} bytes`, { url: shown }, error);
  }
}

function missing(what: string, url: string, cause: unknown): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError('STORE_OBJECT_MISSING', `the store has no ${what} ${shown}`, { url: shown }, cause);
}
