// Images of the Image service, API v2 (https://docs.openstack.org/api-ref/image/v2/). Each call is
// one request, except for paging.
import type { Readable } from 'node:stream';
import { OperationError } from '../../core/errors.js';
import { imageAttributes } from '../../core/image-attributes.js';
import { isMapping } from '../../core/mapping.js';
import type { HttpAnswer } from '../http/client.js';
import { isNotFound, statusOf } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { readPages, textAt } from '../paging.js';

/**
 * An image as the API returns it. Everything that is not an attribute of Glance's schema is in
 * `properties`.
 */
export interface Image {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly status: string;
  readonly visibility: string;
  readonly os_hidden: boolean;
  readonly protected: boolean;
  readonly created_at: string;
  readonly updated_at: string;
  readonly disk_format?: string;
  readonly container_format?: string;
  /** GiB and MiB; 0 without a minimum. */
  readonly min_disk: number;
  readonly min_ram: number;
  readonly tags: readonly string[];
  /** Bytes; absent until the image has data. */
  readonly size?: number;
  /** MD5 of the data, if Glance computes it. */
  readonly checksum?: string;
  readonly os_hash_algo?: string;
  readonly os_hash_value?: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface NewImage {
  readonly id: string;
  readonly name: string;
  readonly disk_format: string;
  readonly container_format: string;
  readonly min_disk: number;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * One operation of a JSON Patch (RFC 6902), with an attribute name instead of a path. `add`
 * overwrites.
 */
export interface ImageChange {
  readonly op: 'add' | 'replace' | 'remove';
  readonly attribute: string;
  readonly value?: string | boolean | number;
}

export interface ImageFilter {
  /** With `true` only hidden images are listed, otherwise only the others. */
  readonly hidden: boolean;
  /** Also community images of other projects, which Glance lists only on request. */
  readonly community?: true;
  /** Only images with this value of a property. */
  readonly property?: readonly [name: string, value: string];
}

/** All images that this login may list, page by page. */
export async function listImages(cloud: Cloud, { hidden, community, property }: ImageFilter): Promise<Image[]> {
  const filters = [
    ...(hidden ? ['os_hidden=true'] : []),
    ...(community ? ['visibility=all'] : []),
    ...(property ? [property.map(encodeURIComponent).join('=')] : []),
  ];
  return listPages(cloud, `/v2/images?${['limit=1000', 'sort=created_at:asc,id:asc', ...filters].join('&')}`);
}

/**
 * The public images of this name. Glance ignores case with some databases; this function does not.
 */
export async function listPublicImages(cloud: Cloud, name: string): Promise<Image[]> {
  // Quoted and with `in:`, because a colon in a bare value is parsed as an operator.
  const value = encodeURIComponent(`in:"${name}"`);
  const images = await listPages(cloud, `/v2/images?limit=1000&visibility=public&name=${value}`);
  return images.filter((image) => image.name === name);
}

async function listPages(cloud: Cloud, path: string): Promise<Image[]> {
  const images: Image[] = [];
  const next = (page: { readonly next?: unknown }): string | undefined =>
    typeof page.next === 'string' ? page.next : undefined;
  for await (const image of readPages({ service: 'image', path, key: 'images', id: 'id', next }, cloud))
    images.push(parseImage(image));
  return images;
}

/** The image, or undefined if it does not exist or has been deleted. */
export async function getImage(cloud: Cloud, id: string): Promise<Image | undefined> {
  try {
    return parseImage(await (await cloud.request('image', { method: 'GET', path: imagePath(id) })).json());
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Creates a private image without data. Undefined if the id is or has ever been in use, to both of
 * which Glance answers 409. Safe to repeat, because the id is given.
 */
export async function createImage(cloud: Cloud, image: NewImage): Promise<Image | undefined> {
  const { properties, ...rest } = image;
  const body = JSON.stringify({ ...properties, ...rest, visibility: 'private' });
  const answer = await cloud.request('image', {
    method: 'POST',
    path: '/v2/images',
    headers: { 'Content-Type': 'application/json' },
    body,
    expect: [201, 409],
    repeatable: true,
  });
  if (answer.status === 409) {
    await answer.text();
    return undefined;
  }
  return parseImage(await answer.json());
}

/** Applies all changes or none. Values are absolute, so repeating is harmless. */
export async function patchImage(cloud: Cloud, id: string, changes: readonly ImageChange[]): Promise<Image> {
  const body = JSON.stringify(
    changes.map(({ op, attribute, value }) => ({
      op,
      path: `/${attribute.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      ...(op === 'remove' ? {} : { value }),
    })),
  );
  const answer = await cloud.request('image', {
    method: 'PATCH',
    path: imagePath(id),
    headers: { 'Content-Type': 'application/openstack-images-v2.1-json-patch' },
    body,
    repeatable: changes.every(({ op }) => op !== 'remove'),
  });
  return parseImage(await answer.json());
}

/** Deletes the image; it is not an error if it has already been deleted. */
export async function deleteImage(cloud: Cloud, id: string): Promise<void> {
  const answer = await cloud.request('image', {
    method: 'DELETE',
    path: imagePath(id),
    expect: [200, 202, 204, 404, 410],
  });
  await answer.text();
}

/**
 * Uploads the data of a queued image, exactly `bytes` bytes. `answerSeconds` is the maximum wait
 * for the response, including the transfer.
 */
export async function uploadImage(
  cloud: Cloud,
  id: string,
  data: { body: Readable; bytes: number; answerSeconds: number; signal: AbortSignal },
): Promise<void> {
  const answer = await cloud.request('image', {
    method: 'PUT',
    path: `${imagePath(id)}/file`,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(data.bytes) },
    body: data.body,
    timeoutSeconds: data.answerSeconds,
    signal: data.signal,
  });
  await answer.text();
}

/**
 * Starts to download the data of an image, or a part of them with `Range` in `headers`. The status
 * of the response is one of `expect`.
 */
export function downloadImage(
  cloud: Cloud,
  id: string,
  { headers, expect }: { headers: Readonly<Record<string, string>>; expect: readonly number[] },
): Promise<HttpAnswer> {
  return cloud.request('image', {
    method: 'GET',
    path: `${imagePath(id)}/file`,
    headers,
    expect,
    repeatable: false,
  });
}

/** The import methods that this Glance offers; none if it does not support imports. */
export async function importMethods(cloud: Cloud): Promise<readonly string[]> {
  const answer = await cloud.request('image', { method: 'GET', path: '/v2/info/import', expect: [200, 404] });
  if (answer.status === 404) {
    await answer.text();
    return [];
  }
  const body = await answer.json();
  const offer = isMapping(body) ? body['import-methods'] : undefined;
  const methods = isMapping(offer) ? offer.value : undefined;
  return Array.isArray(methods) ? methods.map(String) : [];
}

/** Asks Glance to download the data of a queued image from a URL. */
export async function importFromUrl(cloud: Cloud, id: string, uri: string): Promise<HttpAnswer> {
  return cloud.request('image', {
    method: 'POST',
    path: `${imagePath(id)}/import`,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ method: { name: 'web-download', uri } }),
  });
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

/**
 * Whether this login sees the images of all projects. Without the admin role Glance lists only the
 * images of the project and those for everybody, and answers 200. Its tasks are shown only to
 * admins. A Glance without that list (404) proves nothing.
 */
export async function seesAllImages(cloud: Cloud): Promise<boolean> {
  try {
    await (await cloud.request('image', { method: 'GET', path: '/v2/tasks?limit=1', expect: [200, 404] })).text();
    return true;
  } catch (error) {
    if ([401, 403].includes(statusOf(error) ?? 0)) return false;
    throw error;
  }
}

function imagePath(id: string): string {
  return `/v2/images/${encodeURIComponent(id)}`;
}

function parseImage(raw: unknown): Image {
  const image = isMapping(raw) ? raw : {};
  if (typeof image.id !== 'string' || typeof image.status !== 'string') {
    throw new OperationError('UNEXPECTED_ANSWER', 'Glance returned something that is not an image');
  }
  const text = (key: string): string => textAt(image, key);
  const amount = (key: string): number => (typeof image[key] === 'number' ? image[key] : 0);
  const optional = (key: string): Record<string, string> => (text(key) === '' ? {} : { [key]: text(key) });
  return {
    id: image.id,
    name: text('name'),
    owner: text('owner'),
    status: image.status,
    visibility: text('visibility'),
    os_hidden: image.os_hidden === true,
    protected: image.protected === true,
    created_at: text('created_at'),
    updated_at: text('updated_at'),
    ...optional('disk_format'),
    ...optional('container_format'),
    min_disk: amount('min_disk'),
    min_ram: amount('min_ram'),
    tags: Array.isArray(image.tags) ? image.tags.map(String) : [],
    ...(typeof image.size === 'number' ? { size: image.size } : {}),
    ...optional('checksum'),
    ...optional('os_hash_algo'),
    ...optional('os_hash_value'),
    properties: Object.fromEntries(
      Object.entries(image).flatMap(([key, value]) =>
        imageAttributes.has(key) || value === null || value === undefined ? [] : [[key, String(value)]],
      ),
    ),
  };
}
