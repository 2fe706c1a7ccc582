// The older central image store: one public Swift container, its objects named by UUIDs, their
// metadata in headers. Only reads, without a login.
import { messageOf, OperationError } from '../../core/errors.js';
import { isUuid } from '../../core/uuid.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import { withoutCredentials } from '../../core/urls.js';
import { getDocument, probeObject, readText, type ProbedObject } from './reading.js';

export interface ObjectsStore {
  /** The URL of the container. */
  readonly url: string;
  /** What the URLs of all its objects begin with. */
  readonly objectsUrl: string;
  objectUrl(id: string): string;
  /**
   * The names of all objects that are UUIDs, in either case; those of segments and of anything else
   * are left out.
   */
  listIds(): Promise<string[]>;
  /** Size, checksums and metadata of an object. Throws STORE_OBJECT_MISSING. */
  probe(id: string): Promise<ProbedObject>;
}

/**
 * What Swift gives at most (https://docs.openstack.org/api-ref/object-store/, "limit"); 10,000
 * names of 256 bytes are less than a document may have.
 */
const pageLength = 10_000;
/** Far beyond any store; what has more does not end. */
const mostObjects = 100_000;
const mostPages = 5_000;

export function openObjectsStore(location: { url: string; container: string }, http: HttpClient): ObjectsStore {
  const url = `${location.url.replace(/\/+$/, '')}/${encodeURIComponent(location.container)}`;
  const objectUrl = (id: string): string => `${url}/${encodeURIComponent(id)}`;
  return {
    url,
    objectsUrl: `${url}/`,
    objectUrl,
    listIds: () => listIds(url, http),
    probe: (id) => probeObject(http, objectUrl(id)),
  };
}

/**
 * Page by page until one is empty: a server may give fewer names at a time than it was asked for.
 */
async function listIds(url: string, http: HttpClient): Promise<string[]> {
  const ids = new Set<string>();
  const markers = new Set<string>();
  for (let marker = ''; ; ) {
    const page = await readPage(
      `${url}/?limit=${pageLength}${marker === '' ? '' : `&marker=${encodeURIComponent(marker)}`}`,
      http,
    );
    const last = page.at(-1);
    if (last === undefined) return [...ids];
    // Every page begins behind the marker, whichever way the server sorts.
    if (page.includes(marker) || markers.has(last))
      throw endless('PAGING_LOOP', url, `leads back to ${JSON.stringify(last)}`);
    for (const name of page) if (isUuid(name)) ids.add(name);
    marker = last;
    markers.add(last);
    if (ids.size > mostObjects || markers.size > mostPages)
      throw endless(
        'LIST_TOO_LONG',
        url,
        `has more than ${mostObjects} images or ${mostPages} pages, and is not read further`,
      );
  }
}

function endless(code: 'PAGING_LOOP' | 'LIST_TOO_LONG', url: string, how: string): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError(code, `the list of the image store ${shown} ${how}`, { url: shown });
}

async function readPage(url: string, http: HttpClient): Promise<string[]> {
  const answer = await getDocument(http, url, 'list of its objects');
  const text = await readText(answer, url, 'list of objects');
  return answer.header('content-type')?.includes('json') ? namesInJson(text, url) : namesInText(text, answer, url);
}

/** One name a line. A web server without lists may show a page of its own instead. */
function namesInText(text: string, answer: HttpAnswer, url: string): string[] {
  const type = answer.header('content-type') ?? 'no type';
  if (text.trim() !== '' && !type.startsWith('text/plain'))
    throw unusable(url, `is ${type}, not text or JSON; the store must be a Swift container that everybody may list`);
  return text.split(/\r?\n/).filter((name) => name !== '');
}

function namesInJson(text: string, url: string): string[] {
  try {
    const rows = JSON.parse(text) as readonly { readonly name?: unknown; readonly subdir?: unknown }[];
    return rows.map(({ name, subdir }) => String(name ?? subdir));
  } catch (error) {
    throw unusable(url, `is not a list in JSON (${messageOf(error)})`, error);
  }
}

function unusable(url: string, why: string, cause?: unknown): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError('STORE_DOCUMENT_UNUSABLE', `the list of objects ${shown} ${why}`, { url: shown }, cause);
}
