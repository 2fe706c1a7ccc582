// Uploads and downloads of the Glance double.

import { createHash } from 'node:crypto';

import { instant, mutableImage, refusal, visibleImage } from './glance-image.js';
import type { GlanceState, StoredImage } from './glance-image.js';
import { header } from './http-double.js';
import type { Answer, Call } from './http-double.js';
import type { Identity } from './keystone.js';
import { rangeOf } from './range.js';

/**
 * PUT of an image's data. Glance keeps the image as it was when the upload began and writes it back
 * when it ends, well or badly, so changes made meanwhile are lost here too.
 */
export async function uploadData(state: GlanceState, identity: Identity, call: Call, id: string): Promise<Answer> {
  if (header(call, 'content-type') !== 'application/octet-stream') throw refusal(415, 'Invalid content type');
  const image = mutableImage(state, identity, id);
  if (image.status !== 'queued') {
    throw refusal(409, `Image status transition from ${image.status} to saving is not allowed`);
  }
  refuseWithoutFormats(image);
  const store = header(call, 'x-image-meta-store');
  if (store !== undefined && !state.stores.some(({ id: each }) => each === store))
    throw refusal(400, `Unknown scheme '${store}' found in URI`);
  const before = structuredClone(image);
  image.status = 'saving';
  try {
    const data = await received(call);
    if (!state.images.has(id)) throw refusal(410, `Image ${id} could not be found after upload.`);
    Object.assign(image, before);
    if (state.uploads === 'lose') return { status: 204 };
    // Glance 30 of Debian 13: its reason is in its log alone, and the answer is webob's own.
    if (state.uploads === 'refuse')
      throw refusal(415, 'The request media type application/octet-stream is not supported by this server.');
    if (store !== undefined && state.brokenStores.has(store))
      throw refusal(
        503,
        'Insufficient permissions on image storage media: Permission to write image storage media denied.',
      );
    activate(state, image, data, store === undefined ? undefined : [store]);
    return { status: 204 };
  } catch (error) {
    Object.assign(image, before, { status: 'queued', updated_at: instant(state.now()) });
    throw error;
  }
}

/** PUT of data that are to be imported: Glance tells their size when it has all of them. */
export async function stageData(state: GlanceState, identity: Identity, call: Call, id: string): Promise<Answer> {
  if (!state.importMethods.includes('glance-direct'))
    throw refusal(404, "'glance-direct' method is not available at this site.");
  if (header(call, 'content-type') !== 'application/octet-stream') throw refusal(415, 'Invalid content type');
  const image = mutableImage(state, identity, id);
  if (image.status !== 'queued')
    throw refusal(409, `Image status transition from ${image.status} to uploading is not allowed`);
  image.status = 'uploading';
  try {
    const data = await received(call);
    if (!state.images.has(id)) throw refusal(404, `No image found with ID ${id}`);
    if (state.staged.has(id)) throw refusal(409, `The image ${id} has data on staging`);
    state.staged.set(id, data);
    Object.assign(image, { size: data.length, updated_at: instant(state.now()) });
    return { status: 204 };
  } catch (error) {
    Object.assign(image, { status: 'queued', updated_at: instant(state.now()) });
    throw error;
  }
}

function refuseWithoutFormats(image: StoredImage): void {
  const missing = (['disk_format', 'container_format'] as const).filter((key) => image[key] === null);
  if (missing.length === 0) return;
  const subject = missing.length === 1 ? 'Property' : 'Properties';
  throw refusal(400, `${subject} ${missing.join(', ')} must be set prior to saving data.`);
}

async function received(call: Call): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of call.message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Stores the bytes and all that Glance computes from them. */
export function activate(state: GlanceState, image: StoredImage, data: Buffer, stores?: readonly string[]): void {
  state.data.set(image.id, data);
  Object.assign(image, {
    status: 'active',
    size: data.length,
    virtual_size: virtualSize(image.disk_format, data),
    checksum: createHash('md5').update(data).digest('hex'),
    os_hash_algo: 'sha512',
    os_hash_value: createHash('sha512').update(data).digest('hex'),
    stores: stores ? stores.join(',') : (state.stores.find((store) => store.default === 'true')?.id ?? undefined),
    updated_at: instant(state.now()),
  } satisfies Partial<StoredImage>);
}

function virtualSize(format: string | null, data: Buffer): number | null {
  if (data.length === 0) return null;
  if (format === 'qcow2') {
    const isQcow = data.length >= 32 && data.subarray(0, 4).equals(Buffer.from('QFI\xfb', 'latin1'));
    return isQcow ? Number(data.readBigUInt64BE(24)) : null;
  }
  return format === 'raw' ? data.length : null;
}

/** GET of an image's data, or of a range of it. */
export function downloadData(state: GlanceState, identity: Identity, call: Call, id: string): Answer {
  const image = visibleImage(state, identity, id);
  if (image.status === 'deactivated' && !identity.isAdmin)
    throw refusal(403, 'The requested image has been deactivated. Image data download is forbidden.');
  const data = state.data.get(id);
  if (data === undefined) return { status: 204 };
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-MD5': image.checksum ?? '' };
  const range = rangeOf(header(call, 'range'), data.length);
  if (range === 'unsatisfiable') throw refusal(416, 'The Range requested is not available.');
  if (range === undefined) return { status: 200, headers, body: data };
  const { from, to } = range;
  const part = { 'Content-Range': `bytes ${from}-${to}/${data.length}` };
  return { status: 206, headers: { ...headers, ...part }, body: data.subarray(from, to + 1) };
}
