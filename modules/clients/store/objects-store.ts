// The older central image store: one public Swift container, with UUIDs as the names of its objects
// and metadata in headers. Only reads, without a login.
import { messageOf, OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { isUuid } from '../../core/uuid.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import { withoutCredentials } from '../../core/urls.js';
import { getDocument, probeObject, readText, type ProbedObject } from './reading.js';

export interface ObjectsStore {
  /** The URL of the container. */
  readonly url: string;
  /** The beginning of the URLs of all its objects. */
  readonly objectsUrl: string;
  objectUrl(id: string): string;
  /**
   * The names of all objects that are UUIDs, in either case; names of segments and other objects
   * are left out.
   */
  listIds(): Promise<string[]>;
  /** Size, checksums and metadata of an object. Throws STORE_OBJECT_MISSING. */
  probe(id: string): Promise<ProbedObject>;
}

/**
 * The maximum page size of Swift (https://docs.openstack.org/api-ref/object-store/, "limit");
 * 10,000 names of 256 bytes are less than the maximum size of a document.
 */
const pageLength = 10_000;
/** Far more than any store has: a longer list is taken for an endless one. */
const maxObjects = 100_000;
const maxPages = 5_000;

export function openObjectsStore(location: { url: string; container: string }, http: HttpClient): ObjectsStore {
  const url = `${location.url.replace(/\/+$/, '')}/${encodeURIComponent(location.container)}`;
  const objectUrl = (id: string): string => `${url}/${encodeURIComponent(id)}`;
  return {
    url,
    objectsUrl: `${url}/`,
    objectUrl,
    listIds: () => listIds(url, location.container, http),
    probe: (id) => probeObject(http, objectUrl(id)),
  };
}

/**
 * Reads page by page until one is empty: a server may return fewer names than requested.
 */
async function listIds(url: string, container: string, http: HttpClient): Promise<string[]> {
  const ids = new Set<string>();
  const markers = new Set<string>();
  for (let marker = ''; ; ) {
    const page = await readPage(
      `${url}/?limit=${pageLength}${marker === '' ? '' : `&marker=${encodeURIComponent(marker)}`}`,
      container,
      http,
    );
    const last = page.at(-1);
    if (last === undefined) return [...ids];
    // Every page begins after the marker, however the server sorts.
    if (page.includes(marker) || markers.has(last))
      throw endlessList('PAGING_LOOP', url, `leads back to ${JSON.stringify(last)}`);
    for (const name of page) if (isUuid(name)) ids.add(name);
    marker = last;
    markers.add(last);
    if (ids.size > maxObjects || markers.size > maxPages)
      throw endlessList(
        'LIST_TOO_LONG',
        url,
        `has more than ${maxObjects} images or ${maxPages} pages, and is not read any further`,
      );
  }
}

function endlessList(code: 'PAGING_LOOP' | 'LIST_TOO_LONG', url: string, how: string): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError(code, `the list of the image store ${shown} ${how}`, { url: shown });
}

async function readPage(url: string, container: string, http: HttpClient): Promise<string[]> {
  const place = { urlOption: 'objects_store_url', containerOption: 'objects_container', container };
  const answer = await getDocument(http, url, 'list of its objects', place);
  const text = await readText(answer, url, 'list of objects');
  return answer.header('content-type')?.includes('json') ? namesInJson(text, url) : namesInText(text, answer, url);
}

/** One name per line. A web server without lists may return an HTML page instead. */
function namesInText(text: string, answer: HttpAnswer, url: string): string[] {
  const type = answer.header('content-type') ?? 'no type';
  if (text.trim() !== '' && !type.startsWith('text/plain'))
    throw unusable(url, `is ${type}, not text or JSON; the store must be a publicly listable Swift container`);
  return text.split(/\r?\n/).filter((name) => name !== '');
}

function namesInJson(text: string, url: string): string[] {
  try {
    return rowsIn(JSON.parse(text)).map(({ name, subdir }) => String(name ?? subdir));
  } catch (error) {
    throw unusable(url, `is not a list in JSON (${messageOf(error)})`, error);
  }
}

function rowsIn(list: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(list) || !list.every(isMapping)) throw new TypeError('it must be a list of mappings');
  return list;
}

function unusable(url: string, why: string, cause?: unknown): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError('STORE_DOCUMENT_UNUSABLE', `the list of objects ${shown} ${why}`, { url: shown }, cause);
}
