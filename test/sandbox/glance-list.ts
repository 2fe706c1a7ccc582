// GET /v2/images of the Glance double: filters, order and pages.

import { attributes, isVisible, refusal, viewOf, visibleImage } from './glance-image.js';
import type { GlanceState, StoredImage } from './glance-image.js';
import type { Identity } from './keystone.js';

const defaultLimit = 25;
const maximumLimit = 1000;
const sortKeys = [
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
] as const;
const visibilities = ['community', 'public', 'private', 'shared', 'all'];
/** Filters that may have an operator before a colon. */
const operatorKeys = ['name', 'id', 'status', 'container_format', 'disk_format'];

type SortKey = (typeof sortKeys)[number];
type Condition = (image: StoredImage) => boolean;
type Order = readonly { readonly key: SortKey; readonly direction: 'asc' | 'desc' }[];

/** The page of images that the query asks for, as JSON. */
export function listImages(state: GlanceState, identity: Identity, query: URLSearchParams): object {
  const limit = limitOf(query.get('limit'));
  const order = orderOf(query);
  const conditions = [hiddenFilter(query), visibilityFilter(query, identity), ...filters(query)];
  const marker = query.get('marker');
  if (marker !== null) {
    const last = state.deleted.get(marker) ?? visibleImageOr400(state, identity, marker);
    conditions.push((image) => compare(last, image, order) < 0);
  }
  const found = [...state.images.values()].filter(
    (image) =>
      isVisible(image, identity, state) &&
      isAccepted(image, identity, state) &&
      conditions.every((holds) => holds(image)),
  );
  const page = found.sort((one, other) => compare(one, other, order)).slice(0, limit);
  return { images: page.map(viewOf), ...links(query, page.length === limit ? page.at(-1) : undefined) };
}

/** What another project shares is listed once it was accepted. */
function isAccepted({ id, owner, visibility }: StoredImage, identity: Identity, { members }: GlanceState): boolean {
  const project = identity.project?.id ?? '';
  if (visibility !== 'shared' || identity.isAdmin || owner === project) return true;
  return members.get(id)?.get(project) === 'accepted';
}

function visibleImageOr400(state: GlanceState, identity: Identity, id: string): StoredImage {
  try {
    return visibleImage(state, identity, id);
  } catch {
    throw refusal(400, `No image found with ID ${id}`);
  }
}

/** `next` is there whenever the page is full, even when nothing follows. */
function links(query: URLSearchParams, last: StoredImage | undefined): object {
  const rest = new URLSearchParams(query);
  rest.delete('marker');
  const first = rest.size === 0 ? '/v2/images' : `/v2/images?${rest}`;
  const schema = '/v2/schemas/images';
  if (last === undefined) return { first, schema };
  rest.append('marker', last.id);
  return { first, schema, next: `/v2/images?${rest}` };
}

function limitOf(text: string | null): number {
  if (text === null) return defaultLimit;
  if (!/^-?\d+$/.test(text)) throw refusal(400, 'limit param must be an integer');
  if (Number(text) < 0) throw refusal(400, 'limit param must be positive');
  return Math.min(Number(text), maximumLimit);
}

function orderOf(query: URLSearchParams): Order {
  const sort = query.get('sort');
  const classicKeys = query.getAll('sort_key');
  const classicDirections = query.getAll('sort_dir');
  const pairs =
    sort === null
      ? (classicKeys.length === 0 ? ['created_at'] : classicKeys).map((key, at) => [
          key,
          classicDirections[at] ?? classicDirections[0],
        ])
      : sort.split(',').map((part) => part.trim().split(':'));
  const order = pairs.map(([key = '', direction = 'desc']) => ({
    key: sortKeyOf(key),
    direction: directionOf(direction),
  }));
  // What is equal so far is told apart by these, in the direction asked for when there was only
  // one.
  const fallback = order.length === 1 ? order[0]!.direction : 'desc';
  const missing = (['created_at', 'id'] as const).filter((key) => !order.some((entry) => entry.key === key));
  return [...order, ...missing.map((key) => ({ key, direction: fallback }))];
}

function sortKeyOf(key: string): SortKey {
  if ((sortKeys as readonly string[]).includes(key)) return key as SortKey;
  throw refusal(400, `Invalid sort key: ${key}. It must be one of the following: ${sortKeys.join(', ')}.`);
}

function directionOf(direction: string): 'asc' | 'desc' {
  if (direction === 'asc' || direction === 'desc') return direction;
  throw refusal(400, `Invalid sort direction: ${direction}`);
}

function compare(one: StoredImage, other: StoredImage, order: Order): number {
  for (const { key, direction } of order) {
    const [left, right] = [comparable(one[key]), comparable(other[key])];
    if (left !== right) return (left < right ? -1 : 1) * (direction === 'asc' ? 1 : -1);
  }
  return 0;
}

/** The database ignores case, and puts what is absent first. */
function comparable(value: string | number | null): string | number {
  return typeof value === 'string' ? value.toLowerCase() : (value ?? '');
}

function hiddenFilter(query: URLSearchParams): Condition {
  const wanted = flagOf('os_hidden', query.get('os_hidden')?.toLowerCase() ?? 'false');
  return (image) => image.os_hidden === wanted;
}

function flagOf(key: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw refusal(400, `Invalid value '${value}' for '${key}' filter. Valid values are 'true' or 'false'.`);
}

/** Without a visibility, community images of others are left out, even for an admin. */
function visibilityFilter(query: URLSearchParams, identity: Identity): Condition {
  const wanted = query.get('visibility');
  if (wanted === null || wanted === '')
    return (image) => image.visibility !== 'community' || image.owner === identity.project?.id;
  if (!visibilities.includes(wanted)) throw refusal(400, `Invalid visibility value: ${wanted}`);
  return (image) => wanted === 'all' || image.visibility === wanted;
}

function filters(query: URLSearchParams): Condition[] {
  const notFilters = ['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'visibility', 'os_hidden', 'member_status'];
  return [...query].filter(([key]) => !notFilters.includes(key)).map(([key, value]) => filterOf(key, value));
}

function filterOf(key: string, value: string): Condition {
  if (key === 'tag') return (image) => image.tags.includes(value);
  if (key.endsWith('_min') || key.endsWith('_max')) return rangeFilter(key, value);
  if (operatorKeys.includes(key)) return operatorFilter(key as 'name', value);
  const isAttribute = (attributes as readonly string[]).includes(key);
  return (image) => equal(isAttribute ? image[key as 'owner'] : image.properties[key], value);
}

function rangeFilter(key: string, value: string): Condition {
  if (!/^-?\d+$/.test(value)) throw refusal(400, 'Unable to filter on a range with a non-numeric value.');
  const attribute = key.slice(0, -4) as 'size';
  return key.endsWith('_min')
    ? (image) => image[attribute] !== null && image[attribute] >= Number(value)
    : (image) => image[attribute] !== null && image[attribute] <= Number(value);
}

/** `name=a:b` is read as operator `a`: a value with a colon has to be given as `in:"a:b"`. */
function operatorFilter(key: 'name' | 'status', value: string): Condition {
  const colon = value.indexOf(':');
  const operator = colon === -1 ? 'eq' : value.slice(0, colon);
  const operand = value.slice(colon + 1);
  if (operator === 'eq') return (image) => equal(image[key], operand);
  if (operator !== 'in') throw refusal(400, `Unable to filter by unknown operator '${operator}'.`);
  const choices = splitQuoted(operand);
  return (image) => choices.some((choice) => equal(image[key], choice));
}

/** Splits at the commas that are not between double quotes. */
function splitQuoted(list: string): string[] {
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"|([^",]+)/g)].map(
    ([, quoted, plain]) => quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '',
  );
}

function equal(actual: unknown, wanted: string): boolean {
  return actual !== null && actual !== undefined && String(actual).toLowerCase() === wanted.toLowerCase();
}
