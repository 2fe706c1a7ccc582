// A central image store: a public Swift container, or any web server with the same tree. Only reads, without a login.
import { OperationError } from '../../core/errors.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import { isNotFound, statusOf, withoutCredentials } from '../http/errors.js';
import { parseObject, type StoreObject } from './object.js';

export interface ReleasesStore {
  readonly catalogueUrl: string;
  /** What the URLs of all its objects begin with. */
  readonly versionsUrl: string;
  manifestUrl(name: string, release: string): string;
  imageUrl(name: string, release: string, type: string): string;
  /** The JSON of `current`, unchecked. */
  readCatalogue(): Promise<unknown>;
  /** The JSON of an image's manifest, unchecked. */
  readManifest(name: string, release: string): Promise<unknown>;
  /** Size and checksums of an object. Throws STORE_OBJECT_MISSING. */
  probe(url: string): Promise<StoreObject>;
  /** The first bytes of an object, at most `bytes`. */
  readHead(object: StoreObject, bytes: number): Promise<Buffer>;
}

/** A catalogue or a manifest larger than this is no catalogue and no manifest. */
const largestDocumentBytes = 4 * 1024 * 1024;

export function openReleasesStore(location: { url: string; container: string; scope: string }, http: HttpClient): ReleasesStore {
  const base = `${location.url.replace(/\/+$/, '')}/${encodeURIComponent(location.container)}/${encodeURIComponent(location.scope)}`;
  const objectUrl = (release: string, file: string): string => `${store.versionsUrl}${encodeURIComponent(release)}/${encodeURIComponent(file)}`;
  const store: ReleasesStore = {
    catalogueUrl: `${base}/current`,
    versionsUrl: `${base}/versions/`,
    manifestUrl: (name, release) => objectUrl(release, `${name}.manifest`),
    imageUrl: (name, release, type) => objectUrl(release, `${name}.${type}`),
    readCatalogue: () => readJson(http, store.catalogueUrl, 'catalogue'),
    readManifest: (name, release) => readJson(http, store.manifestUrl(name, release), 'manifest'),
    probe: (url) => probe(http, url),
    readHead: (object, bytes) => readHead(http, object, bytes),
  };
  return store;
}

async function readJson(http: HttpClient, url: string, what: string): Promise<unknown> {
  const answer = await get(http, url, what);
  const text = (await readUpTo(answer, largestDocumentBytes + 1)).toString('utf8');
  const shown = withoutCredentials(url);
  if (text.length > largestDocumentBytes) {
    throw new OperationError('STORE_DOCUMENT_UNUSABLE', `the ${what} ${shown} is larger than ${largestDocumentBytes} bytes`, { url: shown });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const beginning = JSON.stringify(text.trimStart().slice(0, 40));
    const found = text.trim() === '' ? 'is empty' : `is not JSON: it begins with ${beginning}`;
    throw new OperationError('STORE_DOCUMENT_UNUSABLE', `the ${what} ${shown} ${found}`, { url: shown }, error);
  }
}

async function get(http: HttpClient, url: string, what: string): Promise<HttpAnswer> {
  try {
    return await http({ method: 'GET', url, followRedirects: true, headers: { 'Accept-Encoding': 'identity' } });
  } catch (error) {
    throw isNotFound(error) ? missing(what, url, error) : error;
  }
}

async function probe(http: HttpClient, url: string): Promise<StoreObject> {
  try {
    const answer = await http({ method: 'HEAD', url, followRedirects: true, headers: { 'Accept-Encoding': 'identity' } });
    answer.body.resume();
    return parseObject(url, answer);
  } catch (error) {
    if (isNotFound(error)) throw missing('image', url, error);
    if (statusOf(error) !== 405 && statusOf(error) !== 501) throw error;
    // A server that refuses HEAD tells the same by the head of a GET.
    const answer = await get(http, url, 'image');
    answer.body.destroy();
    return parseObject(url, answer);
  }
}

async function readHead(http: HttpClient, object: StoreObject, bytes: number): Promise<Buffer> {
  const headers = { Range: `bytes=0-${Math.min(bytes, object.bytes) - 1}`, 'Accept-Encoding': 'identity' };
  const answer = await http({ method: 'GET', url: object.url, followRedirects: true, headers, expect: [200, 206] });
  return readUpTo(answer, bytes);
}

async function readUpTo(answer: HttpAnswer, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer.body as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length >= bytes) break;
  }
  answer.body.destroy();
  return Buffer.concat(parts).subarray(0, bytes);
}

function missing(what: string, url: string, cause: unknown): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError('STORE_OBJECT_MISSING', `the store has no ${what} ${shown}`, { url: shown }, cause);
}
