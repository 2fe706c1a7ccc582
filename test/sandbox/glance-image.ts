// The images of the Glance double: what is stored, what a client may see and change, and how it is
// shown.

import { randomUUID } from 'node:crypto';

import { Refusal } from './http-double.js';
import type { Identity } from './keystone.js';

export interface StoredImage {
  readonly id: string;
  name: string | null;
  status: string;
  visibility: string;
  os_hidden: boolean;
  protected: boolean;
  owner: string | null;
  disk_format: string | null;
  container_format: string | null;
  min_disk: number;
  min_ram: number;
  size: number | null;
  virtual_size: number | null;
  checksum: string | null;
  os_hash_algo: string | null;
  os_hash_value: string | null;
  /** To the second, as Glance's database keeps it. */
  created_at: string;
  updated_at: string;
  tags: readonly string[];
  stores: string | undefined;
  /** What is shown as flat keys beside the attributes. */
  properties: Record<string, string>;
}

/** A task as `GET /v2/images/{id}/tasks` shows it. */
export interface StoredTask {
  readonly id: string;
  readonly image_id: string;
  status: 'pending' | 'processing' | 'success' | 'failure';
  message: string;
  updated_at: string;
  readonly [key: string]: unknown;
}

/** A store that Glance keeps data in. */
export interface DoubledStore {
  readonly id: string;
  readonly default?: 'true';
  readonly 'read-only'?: 'true';
}

export type MemberStatus = 'pending' | 'accepted' | 'rejected';

/** All that the double remembers; tests read it and change it by hand. */
export interface GlanceState {
  readonly images: Map<string, StoredImage>;
  /** Images that were deleted: their ids can never be used again. */
  readonly deleted: Map<string, StoredImage>;
  /** Bytes of active images; a seeded image has none. */
  readonly data: Map<string, Buffer>;
  /** By image, then by project: of shared images, and left from the time when others were shared. */
  readonly members: Map<string, Map<string, MemberStatus>>;
  readonly tasks: StoredTask[];
  now: () => number;
  /** Owner of seeded images that have none. */
  readonly seedOwner: string | null;
  /**
   * What becomes of the data of a PUT: they are kept, lost although 204 is answered, or refused by
   * Glance's look at their format.
   */
  uploads: 'keep' | 'lose' | 'refuse';
  /** Data that wait for their import. */
  readonly staged: Map<string, Buffer>;
  /** What an import does: bring the data in, fail, or begin and never end. */
  imports: 'download' | 'fail' | 'stall';
  /** What the site has Glance do to images on import. */
  plugins: { conversion?: 'raw'; convertedBytes?: number; decompression?: boolean };
  /** Whether a failed import of staged data leaves the image queued, as since 2025.1, or importing. */
  revertsStaged: boolean;
  /** As `GET /v2/info/stores` shows them; none without several stores. */
  stores: readonly DoubledStore[];
  /** Ids of stores that take no data. */
  readonly brokenStores: Set<string>;
  importMethods: readonly string[];
  /** Who may make images public: the admins, unless the site has a policy of its own. */
  isPublisher: (identity: Identity) => boolean;
  /** Whether a property is protected from somebody (`property_protection_file`). */
  isProtected: (property: string, action: 'create' | 'update' | 'delete', identity: Identity) => boolean;
  /** What the project may keep (`use_keystone_limits`), as `GET /v2/info/usage` shows it. */
  quotas: Readonly<Record<string, { readonly limit: number; readonly usage: number }>>;
  /** Which URIs the site lets web-download fetch. */
  isImportAllowed: (uri: URL) => boolean;
}

export const attributes = [
  'name',
  'disk_format',
  'container_format',
  'visibility',
  'size',
  'virtual_size',
  'status',
  'checksum',
  'protected',
  'min_ram',
  'min_disk',
  'owner',
  'os_hidden',
  'os_hash_algo',
  'os_hash_value',
  'id',
  'created_at',
  'updated_at',
  'tags',
] as const;

export type Attribute = (typeof attributes)[number];

/** The image as JSON; an image without data has no `stores`. */
export function viewOf(image: StoredImage): object {
  const shown = Object.fromEntries(attributes.map((key) => [key, image[key]]));
  const self = `/v2/images/${image.id}`;
  const stores = image.stores === undefined ? {} : { stores: image.stores };
  return { ...image.properties, ...shown, self, file: `${self}/file`, schema: '/v2/schemas/image', ...stores };
}

/** Adds an image as if it had been there for long; see `seed` in glance.ts. */
export function seedImage(state: GlanceState, image: Partial<StoredImage>): StoredImage {
  const created_at = instant(image.created_at ?? state.now());
  const updated_at = instant(image.updated_at ?? created_at);
  const active = {
    status: 'active',
    visibility: 'public',
    disk_format: 'raw',
    container_format: 'bare',
    size: 1024,
    stores: 'fast',
  };
  const base = blankImage(image.id ?? randomUUID(), created_at);
  const stored = { ...base, ...active, owner: state.seedOwner, ...image, created_at, updated_at };
  state.images.set(stored.id, stored);
  return stored;
}

/** The ids of the stores with the data of an image. */
export function storesOf({ stores }: StoredImage): string[] {
  return stores === undefined || stores === '' ? [] : stores.split(',');
}

export function blankImage(id: string, createdAt: string): StoredImage {
  return {
    id,
    name: null,
    status: 'queued',
    visibility: 'shared',
    os_hidden: false,
    protected: false,
    owner: null,
    disk_format: null,
    container_format: null,
    min_disk: 0,
    min_ram: 0,
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    created_at: createdAt,
    updated_at: createdAt,
    tags: [],
    stores: undefined,
    properties: {},
  };
}

/** The instant to the second. */
export function instant(time: number | string): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The image, if this client may see it; otherwise it does not exist. */
export function visibleImage(state: GlanceState, identity: Identity, id: string): StoredImage {
  const image = state.images.get(id);
  if (image === undefined || !isVisible(image, identity, state)) throw refusal(404, `No image found with ID ${id}`);
  return image;
}

/** The image, if this client may change it. */
export function mutableImage(state: GlanceState, identity: Identity, id: string): StoredImage {
  const image = visibleImage(state, identity, id);
  if (!identity.isAdmin && image.owner !== identity.project?.id) throw refusal(403, 'You do not own this image');
  return image;
}

/** Lists leave out what a project has not accepted; by its id it can be read all the same. */
export function isVisible(image: StoredImage, identity: Identity, { members }: GlanceState): boolean {
  if (identity.isAdmin || image.owner === null || image.owner === identity.project?.id) return true;
  if (image.visibility === 'shared') return members.get(image.id)?.has(identity.project?.id ?? '') === true;
  return image.visibility === 'public' || image.visibility === 'community';
}

/** An error answer; the text is dressed as the client's Accept header asks for. */
export function refusal(status: number, explanation: string, headers = {}): Refusal {
  return new Refusal({ status, headers, body: explanation });
}
