// How data reach Glance, API v2: uploads, stages and imports. Each call is one request.
import type { Readable } from 'node:stream';
import { isMapping } from '../../core/mapping.js';
import type { Cloud } from '../keystone/cloud.js';
import { textAt } from '../paging.js';
import { imagePath } from './images.js';

export interface ImageData {
  readonly body: Readable;
  /** Absent if it is not known before they are sent. */
  readonly bytes?: number;
  /** Maximum wait for the response, including the transfer. */
  readonly answerSeconds: number;
  readonly signal: AbortSignal;
  /** Id of the store that the data go to; that of an import is in its request instead. */
  readonly store?: string;
}

/** Uploads the data of a queued image, exactly `bytes` bytes if given. */
export function uploadImage(cloud: Cloud, id: string, data: ImageData): Promise<void> {
  const store = data.store === undefined ? {} : { 'X-Image-Meta-Store': data.store };
  return putData(cloud, `${imagePath(id)}/file`, data, store);
}

/** Uploads the data of a queued image to where Glance keeps them until their import. */
export function stageImage(cloud: Cloud, id: string, data: ImageData): Promise<void> {
  return putData(cloud, `${imagePath(id)}/stage`, data);
}

async function putData(
  cloud: Cloud,
  path: string,
  data: ImageData,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const answer = await cloud.request('image', {
    method: 'PUT',
    path,
    headers: {
      ...headers,
      'Content-Type': 'application/octet-stream',
      ...(data.bytes === undefined ? {} : { 'Content-Length': String(data.bytes) }),
    },
    body: data.body,
    timeoutSeconds: data.answerSeconds,
    signal: data.signal,
  });
  await answer.text();
}

/** What a document below /v2/info holds; undefined if this Glance does not have it. */
export async function readInfo(cloud: Cloud, name: 'import' | 'stores' | 'usage'): Promise<unknown> {
  const answer = await cloud.request('image', { method: 'GET', path: `/v2/info/${name}`, expect: [200, 404] });
  if (answer.status !== 404) return answer.json();
  await answer.text();
  return undefined;
}

/** The import methods that this Glance offers; none if it does not support imports. */
export async function importMethods(cloud: Cloud): Promise<readonly string[]> {
  const body = await readInfo(cloud, 'import');
  const offer = isMapping(body) ? body['import-methods'] : undefined;
  const methods = isMapping(offer) ? offer.value : undefined;
  return Array.isArray(methods) ? methods.map(String) : [];
}

/** The stores of this Glance; undefined if it has only one, without a name. */
export async function listStores(cloud: Cloud): Promise<readonly GlanceStore[] | undefined> {
  const body = await readInfo(cloud, 'stores');
  if (body === undefined) return undefined;
  const stores = isMapping(body) && Array.isArray(body.stores) ? body.stores.filter(isMapping) : [];
  return stores.map((store) => ({
    id: textAt(store, 'id'),
    isDefault: store.default === 'true' || store.default === true,
    isReadOnly: store['read-only'] === 'true' || store['read-only'] === true,
  }));
}

/** A store that Glance keeps data in. */
export interface GlanceStore {
  readonly id: string;
  readonly isDefault: boolean;
  readonly isReadOnly: boolean;
}

/** Of `web-download`, the URL that Glance is to fetch. */
export type RequestedImport =
  | { readonly name: 'web-download'; readonly uri: string }
  | { readonly name: 'glance-direct' | 'copy-image' };

export interface ImportOptions {
  /** Ids of the stores that the data go to; the default one if absent. */
  readonly stores?: readonly string[];
  readonly all_stores_must_succeed?: boolean;
}

/** Asks Glance to import the data of an image. It does so after its answer. */
export async function importImage(
  cloud: Cloud,
  id: string,
  method: RequestedImport,
  options: ImportOptions = {},
): Promise<void> {
  const answer = await cloud.request('image', {
    method: 'POST',
    path: `${imagePath(id)}/import`,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ method, ...options }),
  });
  await answer.text();
}

/** The failure that the newest task of an image reports; empty if Glance reports none. */
export async function importFailure(cloud: Cloud, id: string): Promise<string> {
  const answer = await cloud.request('image', {
    method: 'GET',
    path: `${imagePath(id)}/tasks`,
    expect: [200, 403, 404],
  });
  if (answer.status !== 200) {
    await answer.text();
    return '';
  }
  const body = await answer.json();
  const tasks = isMapping(body) && Array.isArray(body.tasks) ? body.tasks.filter(isMapping) : [];
  const [newest = {}] = tasks.sort((one, other) => (textAt(one, 'updated_at') < textAt(other, 'updated_at') ? 1 : -1));
  return textAt(newest, 'message');
}
