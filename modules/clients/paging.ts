// Reads a list page by page. Only the ids of what was read are kept.
import { OperationError } from '../core/errors.js';
import { isMapping } from '../core/mapping.js';
import { statusOf } from './http/errors.js';
import type { Cloud } from './keystone/cloud.js';

type Page = Readonly<Record<string, unknown>>;

export interface Pages {
  /** As the catalogue calls it, such as `compute`. */
  readonly service: string;
  /** Path and query of the first page. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The key of the answer that holds the list. */
  readonly key: string;
  /** The key of an element that tells it from the others. */
  readonly id: string;
  /** The path or URL of the next page, if the page has one. */
  readonly next: (page: Page) => string | undefined;
}

/** How often a list is read again from its beginning. */
const mostRestarts = 5;
/** Far more than any site has: a list with more does not end. */
const mostPages = 5_000;
const mostElements = 100_000;
/** Pages in a row without a new element, besides those that are read again after a restart. */
const mostBarrenPages = 3;

/**
 * Every element of a list, once. If the element after which the next page begins was deleted
 * meanwhile, the list is read again. Throws UNEXPECTED_ANSWER for a page that is not a list of
 * mappings, PAGING_LOOP if the pages go in a circle, LIST_TOO_LONG if they do not end.
 */
export async function* readPages(pages: Pages, cloud: Cloud): AsyncGenerator<Page> {
  const seen = new Set<string>();
  const visited = new Set<string>();
  let restarts = 0;
  let barren = 0;
  let [pageCount, elementCount] = [0, 0];
  for (let path: string | undefined = pages.path; path !== undefined; ) {
    if (visited.has(path) || barren > mostBarrenPages)
      throw new OperationError(
        'PAGING_LOOP',
        `the list of the ${pages.service} service leads back to what was read before at ${path}`,
        { service: pages.service },
      );
    visited.add(path);
    const page = await readPage(pages, cloud, path, restarts < mostRestarts);
    if (page === undefined) {
      restarts += 1;
      // What was read before comes again.
      barren = -visited.size;
      visited.clear();
      path = pages.path;
      continue;
    }
    const countBefore = elementCount;
    for (const element of elementsOf(page, pages, path)) {
      const id = textAt(element, pages.id);
      if (id !== '' && seen.has(id)) continue;
      seen.add(id);
      elementCount += 1;
      yield element;
    }
    pageCount += 1;
    if (pageCount > mostPages || elementCount > mostElements) throw tooLong(pages);
    barren = elementCount > countBefore ? Math.min(barren, 0) : barren + 1;
    path = pages.next(page);
  }
}

function tooLong({ service, key }: Pages): OperationError {
  return new OperationError(
    'LIST_TOO_LONG',
    `the list of ${key} of the ${service} service has more than ${mostElements} elements or ${mostPages} pages, ` +
      'and is not read further',
    { service },
  );
}

/**
 * Undefined if the marker of a later page is gone: Ironic then answers 404, Nova and Glance 400.
 */
async function readPage(
  { service, path: first, headers = {} }: Pages,
  cloud: Cloud,
  path: string,
  mayRestart: boolean,
): Promise<Page | undefined> {
  try {
    const body = await (await cloud.request(service, { method: 'GET', path, headers })).json();
    return isMapping(body) ? body : {};
  } catch (error) {
    if (mayRestart && path !== first && [400, 404].includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

function elementsOf(page: Page, { service, key }: Pages, path: string): readonly Page[] {
  const elements: unknown = page[key];
  if (!Array.isArray(elements) || !elements.every(isMapping))
    throw new OperationError('UNEXPECTED_ANSWER', `GET ${path} of the ${service} service holds no list of ${key}`, {
      service,
    });
  return elements;
}

/** The `next` of a list of links, as Nova, Cinder and Doni write them. */
export function nextOf(links: unknown): string | undefined {
  const found = Array.isArray(links) ? links.filter(isMapping).find(({ rel }) => rel === 'next') : undefined;
  return typeof found?.href === 'string' ? found.href : undefined;
}

/** The text of a key; empty if it has none. */
export function textAt(values: Page, key: string): string {
  const value = values[key];
  return typeof value === 'string' ? value : '';
}
