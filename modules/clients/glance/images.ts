// Images of the Image service, API v2 (https://docs.openstack.org/api-ref/image/v2/). Each call is
// one request, except for paging.
import { OperationError } from '../../core/errors.js';
import { imageAttributes } from '../../core/image-attributes.js';
import { isMapping } from '../../core/mapping.js';
import type { HttpAnswer } from '../http/client.js';
import { isNotFound, statusOf } from '../http/errors.js';
import type { Cloud, ServiceRequest } from '../keystone/cloud.js';
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
  /** Bytes of the disk, if Glance knows them. */
  readonly virtual_size?: number;
  /** MD5 of the data, if Glance computes it. */
  readonly checksum?: string;
  readonly os_hash_algo?: string;
  readonly os_hash_value?: string;
  /** Ids of the stores with its data, if Glance has several. */
  readonly stores?: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

export interface NewImage {
  readonly id: string;
  readonly name: string;
  readonly disk_format: string;
  readonly container_format: string;
  readonly min_disk: number;
  readonly min_ram?: number;
  readonly tags?: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * One operation of a JSON Patch (RFC 6902), with an attribute name instead of a path. `add`
 * overwrites.
 */
export interface ImageChange {
  readonly op: 'add' | 'replace' | 'remove';
  readonly attribute: string;
  readonly value?: string | boolean | number | readonly string[];
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
 * The images of this name, except hidden ones and community images of other projects. Glance ignores case with some
 * databases; this function does not.
 */
export async function listNamesakes(cloud: Cloud, name: string): Promise<Image[]> {
  // Quoted and with `in:`, because a colon in a bare value is parsed as an operator.
  const value = encodeURIComponent(`in:"${name}"`);
  const images = await listPages(cloud, `/v2/images?limit=1000&name=${value}`);
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
  const answer = await cloud.request('image', {
    ...patchRequest(id, changes),
    repeatable: changes.every(({ op }) => op !== 'remove'),
  });
  return parseImage(await answer.json());
}

/** The request that applies all changes or none. */
export function patchRequest(id: string, changes: readonly ImageChange[]): ServiceRequest {
  const body = JSON.stringify(
    changes.map(({ op, attribute, value }) => ({
      op,
      path: `/${attribute.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      ...(op === 'remove' ? {} : { value }),
    })),
  );
  return {
    method: 'PATCH',
    path: imagePath(id),
    headers: { 'Content-Type': 'application/openstack-images-v2.1-json-patch' },
    body,
  };
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

export function imagePath(id: string): string {
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
    ...(typeof image.virtual_size === 'number' ? { virtual_size: image.virtual_size } : {}),
    ...optional('checksum'),
    ...optional('os_hash_algo'),
    ...optional('os_hash_value'),
    ...(text('stores') === '' ? {} : { stores: text('stores').split(',') }),
    properties: Object.fromEntries(
      Object.entries(image).flatMap(([key, value]) =>
        imageAttributes.has(key) || value === null || value === undefined ? [] : [[key, String(value)]],
      ),
    ),
  };
}
