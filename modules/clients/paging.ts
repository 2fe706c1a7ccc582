// Reading a list page by page: what is kept is up to the caller, so memory does not grow with the list.
import { OperationError } from '../core/errors.js';
import type { Cloud } from './keystone/cloud.js';

export interface Pages {
  /** As the catalogue calls it, such as `compute`. */
  readonly service: string;
  /** Path and query of the first page. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The key of the answer that holds the list. */
  readonly key: string;
  /** Where the answer says that there are more: the next page's path or URL. */
  readonly next: (page: Readonly<Record<string, unknown>>) => string | undefined;
}

/** Every element of a list. Throws UNEXPECTED_ANSWER for a page without one, PAGING_LOOP where the links go in a circle. */
export async function* readPages({ service, path: first, headers = {}, key, next }: Pages, cloud: Cloud): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const visited = new Set<string>();
  for (let path: string | undefined = first; path !== undefined; ) {
    if (visited.has(path)) throw new OperationError('PAGING_LOOP', `the list of the ${service} service leads back to ${path}`, { service });
    visited.add(path);
    const answer = await cloud.request(service, { method: 'GET', path, headers });
    const page = (await answer.json()) as Readonly<Record<string, unknown>> | null;
    const elements = page?.[key];
    if (!page || !Array.isArray(elements)) throw new OperationError('UNEXPECTED_ANSWER', `GET ${path} of the ${service} service holds no list of ${key}`, { service });
    yield* elements as Readonly<Record<string, unknown>>[];
    path = next(page);
  }
}

/** The `next` of a list of links, as Nova, Cinder and Doni write them. */
export function nextOf(links: unknown): string | undefined {
  const found = Array.isArray(links) ? (links as { rel?: string; href?: string }[]).find(({ rel }) => rel === 'next') : undefined;
  return found?.href;
}

/** The text under a key; empty where there is none. */
export function textAt(values: Readonly<Record<string, unknown>>, key: string): string {
  const value = values[key];
  return typeof value === 'string' ? value : '';
}
