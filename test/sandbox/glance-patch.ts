// PATCH of the Glance double: Glance's own reading of JSON patch, all or nothing.

import { attributes, instant, mutableImage, refusal } from './glance-image.js';
import type { GlanceState, StoredImage } from './glance-image.js';
import { refuseForbidden, refuseInvalid } from './glance-schema.js';
import { header } from './http-double.js';
import type { Call } from './http-double.js';
import type { Identity } from './keystone.js';

const mediaTypes = ['application/openstack-images-v2.0-json-patch', 'application/openstack-images-v2.1-json-patch'];
const operations = ['add', 'remove', 'replace'];

interface Change {
  readonly op: string;
  readonly key: string;
  readonly value: unknown;
}

/**
 * Changes an image. While the image is `saving` this works like any other time, and the end of the
 * upload undoes it: see glance-data.ts.
 */
export async function patchImage(state: GlanceState, identity: Identity, call: Call, id: string): Promise<StoredImage> {
  // Only the newer of the two media types is understood here.
  if (header(call, 'content-type') !== mediaTypes[1]) {
    throw refusal(415, 'The request media type is not supported by this server.', {
      'Accept-Patch': mediaTypes.join(', '),
    });
  }
  const body = await call.json();
  if (!Array.isArray(body)) throw refusal(400, 'Request body must be a JSON array of operation objects.');
  const changes = (body as unknown[]).map(changeOf);
  const image = mutableImage(state, identity, id);
  const changed: StoredImage = { ...image, properties: { ...image.properties } };
  for (const change of changes) {
    refuseUnauthorized(change, state, identity);
    refuseProtected(change, changed, { state, identity });
    apply(change, changed);
  }
  if (changes.length > 0) Object.assign(image, changed, { updated_at: instant(state.now()) });
  return image;
}

function changeOf(raw: unknown): Change {
  if (typeof raw !== 'object' || raw === null) throw refusal(400, 'Operations must be JSON objects.');
  const { op, path, value } = raw as Record<string, unknown>;
  if (typeof op !== 'string' || !operations.includes(op)) {
    throw refusal(
      400,
      `Invalid operation: \`${String(op)}\`. It must be one of the following: ${operations.join(', ')}.`,
    );
  }
  if (typeof path !== 'string') throw refusal(400, "Unable to find 'path' in JSON Schema change");
  const key = keyOf(path);
  if (op !== 'remove' && value === undefined) throw refusal(400, `Operation "${op}" requires a member named "value".`);
  refuseForbidden(key, 'change');
  if (op !== 'remove') refuseInvalid(key, value);
  return { op, key, value };
}

function keyOf(pointer: string): string {
  if (!pointer.startsWith('/')) throw refusal(400, `Pointer \`${pointer}\` does not start with "/".`);
  const key = pointer.slice(1);
  if (key.includes('/')) throw refusal(400, `Invalid JSON pointer for this resource: '${pointer}'`);
  if (/~([^01]|$)/.test(key))
    throw refusal(400, `Pointer \`${pointer}\` contains "~" not part of a recognized escape sequence.`);
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

function apply({ op, key, value }: Change, image: StoredImage): void {
  if ((attributes as readonly string[]).includes(key)) {
    if (op === 'remove') throw refusal(403, `Property ${key} may not be removed.`);
    if (key.endsWith('_format') && image.status !== 'queued' && image.status !== 'importing') {
      throw refusal(403, `Attribute ${key} can be only replaced for a queued image.`);
    }
    Object.assign(image, { [key]: key === 'tags' ? [...new Set(value as string[])] : value });
    return;
  }
  if (op !== 'add' && !Object.hasOwn(image.properties, key)) throw refusal(409, `Property ${key} does not exist.`);
  if (op === 'remove') delete image.properties[key];
  else image.properties[key] = value as string;
}

function refuseUnauthorized({ op, key, value }: Change, { isPublisher }: GlanceState, identity: Identity): void {
  if (key === 'visibility' && value === 'public' && !isPublisher(identity))
    throw refusal(403, 'You are not authorized to complete publicize_image action.');
  if (identity.isAdmin) return;
  if (key === 'owner' && op === 'replace') throw refusal(403, "Owner can't be updated by non admin.");
}

/** glance/api/property_protections.py */
function refuseProtected(
  { op, key }: Change,
  { properties }: StoredImage,
  { state, identity }: { readonly state: GlanceState; readonly identity: Identity },
): void {
  if ((attributes as readonly string[]).includes(key)) return;
  const isThere = Object.hasOwn(properties, key);
  if (!isThere && op !== 'add') return;
  const action = op === 'remove' ? 'delete' : isThere ? 'update' : 'create';
  if (state.isProtected(key, action, identity)) throw refusal(403, `Attribute '${key}' is reserved.`);
}
