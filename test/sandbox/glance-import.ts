// Imports of the Glance double: web-download, its task, and the properties that tell how it stands.

import { randomUUID } from 'node:crypto';

import { activate } from './glance-data.js';
import { instant, mutableImage, refusal } from './glance-image.js';
import type { GlanceState, StoredImage, StoredTask } from './glance-image.js';
import type { Answer, Call } from './http-double.js';
import type { Identity } from './keystone.js';

interface ImportBody {
  readonly method?: { readonly name?: string; readonly uri?: string };
}

/** Accepts a web-download and begins it; the image shows how it goes on. */
export async function importImage(state: GlanceState, identity: Identity, call: Call, id: string): Promise<Answer> {
  const body = (await call.json()) as ImportBody | undefined;
  const { name, uri } = methodOf(state, body);
  const image = mutableImage(state, identity, id);
  refuseByState(image, name);
  if (name !== 'web-download') throw refusal(400, `The double does not do ${name}.`);
  if (!isAllowed(state, uri)) throw refusal(400, `URI for web-download does not pass filtering: ${uri ?? 'None'}`);
  const task = newTask(state, { image, identity, body });
  image.properties['os_glance_import_task'] = task.id;
  state.tasks.unshift(task);
  void run(state, { image, task, uri: uri ?? '' });
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
  if (image.status === 'active') throw refusal(409, 'Image with status active cannot be target for import');
  for (const key of ['container_format', 'disk_format'] as const) {
    if (image[key] === null) throw refusal(409, `'${key}' needs to be set before import`);
  }
  if (image.properties['os_glance_import_task'] !== undefined) throw refusal(409, 'Image has active task');
  if (image.status !== 'queued') throw refusal(409, `Image needs to be in 'queued' state to use '${method}' method`);
}

function isAllowed(state: GlanceState, uri: string | undefined): boolean {
  if (uri === undefined || !URL.canParse(uri)) return false;
  return state.isImportAllowed(new URL(uri));
}

function newTask(state: GlanceState, of: { image: StoredImage; identity: Identity; body: unknown }): StoredTask {
  const { image, identity, body } = of;
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
    input: { image_id: image.id, import_req: body, backend: ['fast'] },
    result: null,
    message: '',
  };
}

async function run(state: GlanceState, work: { image: StoredImage; task: StoredTask; uri: string }): Promise<void> {
  const { image, task, uri } = work;
  if (state.imports === 'stall') {
    Object.assign(image, { status: 'importing' });
    Object.assign(image.properties, { os_glance_importing_to_stores: 'fast', os_glance_failed_import: '' });
    return;
  }
  const data = state.imports === 'fail' ? undefined : await fetched(uri);
  if (!state.images.has(image.id)) return;
  delete image.properties['os_glance_import_task'];
  Object.assign(image.properties, {
    os_glance_importing_to_stores: '',
    os_glance_failed_import: data === undefined ? 'fast' : '',
  });
  const updated_at = taskTime(state);
  if (data === undefined) {
    Object.assign(image, { status: 'queued', updated_at: instant(state.now()) });
    Object.assign(task, { status: 'failure', message: 'Task failed due to Internal Error', updated_at });
    return;
  }
  activate(state, image, data);
  Object.assign(task, {
    status: 'success',
    message: `Copied ${data.length >> 20} MiB`,
    result: { image_id: image.id },
    updated_at,
  });
}

/** The whole body, or undefined where the source refuses or breaks off. */
async function fetched(uri: string): Promise<Buffer | undefined> {
  try {
    const response = await fetch(uri);
    return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined;
  } catch {
    return undefined;
  }
}

function taskTime(state: GlanceState): string {
  return instant(state.now()).replace('Z', '.000000');
}
