// Imports of the Glance double: what is asked for, what is refused, and the task that does it.

import { randomUUID } from 'node:crypto';

import { activate } from './glance-data.js';
import { convertedOnImport } from './glance-conversion.js';
import { instant, mutableImage, refusal, storesOf, visibleImage } from './glance-image.js';
import type { GlanceState, StoredImage, StoredTask } from './glance-image.js';
import type { Answer, Call } from './http-double.js';
import { header } from './http-double.js';
import type { Identity } from './keystone.js';

interface ImportBody {
  readonly method?: { readonly name?: string; readonly uri?: string };
  readonly stores?: readonly string[];
  readonly all_stores?: boolean;
  readonly all_stores_must_succeed?: boolean;
}

interface Work {
  readonly image: StoredImage;
  readonly task: StoredTask;
  readonly method: string;
  readonly uri: string | undefined;
  readonly stores: readonly string[];
  readonly mustAllSucceed: boolean;
}

/** Accepts an import and begins it; the image shows how it goes on. */
export async function importImage(state: GlanceState, identity: Identity, call: Call, id: string): Promise<Answer> {
  const body = (await call.json()) as ImportBody | undefined;
  const { name, uri } = methodOf(state, body);
  const image = visibleImage(state, identity, id);
  refuseByState(image, name);
  if (name !== 'copy-image') mutableImage(state, identity, id);
  else if (!identity.isAdmin) throw refusal(403, 'You are not authorized to complete copy_image action.');
  if (image.properties['os_glance_import_task'] !== undefined) throw refusal(409, 'Image has active task');
  const stores = requestedStores(state, call, body ?? {}, name === 'copy-image' ? image : undefined);
  if (stores.length === 0) return { status: 202 };
  if (name === 'web-download' && !isAllowed(state, uri))
    throw refusal(400, `URI for web-download does not pass filtering: ${uri ?? 'None'}`);
  const task = newTask(state, { image, identity, body, stores });
  image.properties['os_glance_import_task'] = task.id;
  state.tasks.unshift(task);
  void run(state, { image, task, method: name, uri, stores, mustAllSucceed: body?.all_stores_must_succeed ?? true });
  return { status: 202 };
}

function methodOf(state: GlanceState, body: ImportBody | undefined): { name: string; uri: string | undefined } {
  if (body?.method === undefined) throw refusal(400, "Import request requires a 'method' field.");
  const { name, uri } = body.method;
  if (name === undefined) throw refusal(400, "Import request requires a 'name' field.");
  if (!state.importMethods.includes(name)) throw refusal(400, `Unknown import method name '${name}'.`);
  return { name, uri };
}

function refuseByState(image: StoredImage, method: string): void {
  const { status } = image;
  if (status === 'active' && method !== 'copy-image')
    throw refusal(409, 'Image with status active cannot be target for import');
  if (status !== 'active' && method === 'copy-image')
    throw refusal(409, 'Only images with status active can be targeted for copying');
  if (status !== 'queued' && method === 'web-download')
    throw refusal(409, `Image needs to be in 'queued' state to use '${method}' method`);
  if (status !== 'uploading' && method === 'glance-direct')
    throw refusal(409, "Image needs to be staged before 'glance-direct' method can be used");
  for (const key of ['container_format', 'disk_format'] as const) {
    if (image[key] === null) throw refusal(409, `'${key}' needs to be set before import`);
  }
}

/** `copied`: the image of a copy, which must not be where it is already. */
function requestedStores(state: GlanceState, call: Call, body: ImportBody, copied: StoredImage | undefined): string[] {
  const named = header(call, 'x-image-meta-store');
  const present = copied ? storesOf(copied) : [];
  if (body.all_stores === true) {
    if (body.stores !== undefined || named !== undefined)
      throw refusal(400, "All_stores parameter can't be used with x-image-meta-store header or stores parameter");
    return state.stores.map(({ id }) => id).filter((id) => !present.includes(id));
  }
  const stores = [...(body.stores ?? [named ?? defaultStore(state)])];
  for (const store of stores) {
    if (!state.stores.some(({ id }) => id === store)) throw refusal(409, `Unknown scheme '${store}' found in URI`);
    if (present.includes(store)) throw refusal(400, `Image is already present at store '${store}'`);
  }
  return stores;
}

function defaultStore(state: GlanceState): string {
  return state.stores.find((store) => store.default === 'true')?.id ?? '';
}

function isAllowed(state: GlanceState, uri: string | undefined): boolean {
  if (uri === undefined || !URL.canParse(uri)) return false;
  return state.isImportAllowed(new URL(uri));
}

function newTask(
  state: GlanceState,
  of: { image: StoredImage; identity: Identity; body: unknown; stores: readonly string[] },
): StoredTask {
  const { image, identity, body, stores } = of;
  const time = taskTime(state);
  return {
    id: randomUUID(),
    type: 'api_image_import',
    status: 'processing',
    owner: identity.project?.id ?? null,
    expires_at: null,
    created_at: time,
    updated_at: time,
    deleted_at: null,
    deleted: false,
    image_id: image.id,
    request_id: `req-${randomUUID()}`,
    user_id: identity.user.id,
    input: { image_id: image.id, import_req: body, backend: stores },
    result: null,
    message: '',
  };
}

async function run(state: GlanceState, work: Work): Promise<void> {
  const { image, method, stores } = work;
  if (state.imports === 'stall' || method === 'copy-image') {
    if (method !== 'copy-image') image.status = 'importing';
    Object.assign(image.properties, {
      os_glance_importing_to_stores: stores.join(','),
      os_glance_failed_import: '',
    });
    if (state.imports === 'stall') return;
  }
  if (method === 'copy-image') return copy(state, work);
  const staged = state.staged.get(image.id);
  const data = state.imports === 'fail' ? undefined : method === 'glance-direct' ? staged : await fetched(work.uri);
  if (!state.images.has(image.id)) return;
  state.staged.delete(image.id);
  delete image.properties['os_glance_import_task'];
  if (data === undefined || stores.some((store) => state.brokenStores.has(store))) return fail(state, work);
  Object.assign(image.properties, { os_glance_importing_to_stores: '', os_glance_failed_import: '' });
  activate(state, image, convertedOnImport(state, image, data), stores);
  succeed(state, work, data.length);
}

/** Before 2025.1 an image with staged data stays as it was when its import failed. */
function fail(state: GlanceState, { image, task, method, stores }: Work): void {
  const isStuck = method === 'glance-direct' && !state.revertsStaged;
  const failed = stores.filter((store) => state.imports === 'fail' || state.brokenStores.has(store)).join(',');
  Object.assign(image.properties, {
    os_glance_importing_to_stores: '',
    os_glance_failed_import: failed || stores.join(','),
  });
  Object.assign(image, { status: isStuck ? 'importing' : 'queued', updated_at: instant(state.now()) });
  const message = 'Task failed due to Internal Error';
  Object.assign(task, { status: 'failure', message, updated_at: taskTime(state) });
}

function succeed(state: GlanceState, { image, task }: Work, bytes: number): void {
  Object.assign(task, {
    status: 'success',
    message: `Copied ${bytes >> 20} MiB`,
    result: { image_id: image.id },
    updated_at: taskTime(state),
  });
}

/** Copies an active image to other stores; one that fails does not stop the others unless all must succeed. */
async function copy(state: GlanceState, work: Work): Promise<void> {
  const { image, stores, mustAllSucceed } = work;
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (!state.images.has(image.id)) return;
  const failed = stores.filter((store) => state.brokenStores.has(store));
  const copied = failed.length > 0 && mustAllSucceed ? [] : stores.filter((store) => !failed.includes(store));
  image.stores = [...storesOf(image), ...copied].join(',');
  delete image.properties['os_glance_import_task'];
  Object.assign(image.properties, { os_glance_importing_to_stores: '', os_glance_failed_import: failed.join(',') });
  image.updated_at = instant(state.now());
  if (failed.length > 0 && mustAllSucceed)
    Object.assign(work.task, { status: 'failure', message: 'Task failed due to Internal Error' });
  else succeed(state, work, image.size ?? 0);
}

/** The whole body, or undefined where the source refuses or breaks off. */
async function fetched(uri: string | undefined): Promise<Buffer | undefined> {
  try {
    const response = await fetch(uri ?? '');
    return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined;
  } catch {
    return undefined;
  }
}

function taskTime(state: GlanceState): string {
  return instant(state.now()).replace('Z', '.000000');
}
