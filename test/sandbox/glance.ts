// A double of Glance's v2 API, as release Zed behaves: images, their data, members, imports. No
// metadata definitions.

import { randomUUID } from 'node:crypto';

import { activate, downloadData, stageData, uploadData } from './glance-data.js';
import { blankImage, instant, mutableImage, refusal, seedImage, viewOf, visibleImage } from './glance-image.js';
import type { GlanceState, StoredImage } from './glance-image.js';
import { importImage } from './glance-import.js';
import { listImages } from './glance-list.js';
import { onActions, onMembers } from './glance-members.js';
import { patchImage } from './glance-patch.js';
import { refuseForbidden, refuseInvalid } from './glance-schema.js';
import { Refusal, header, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import type { Identity } from './keystone.js';

export type { GlanceState, StoredImage } from './glance-image.js';

export interface GlanceDouble extends HttpDouble {
  readonly state: GlanceState;
  /**
   * Adds an image as if it had been there for long: active, public and the admin project's unless
   * told otherwise. With the content it also has what Glance computes from it, and can be
   * downloaded.
   */
  seed(image: Partial<StoredImage>, content?: Buffer | string): StoredImage;
}

export interface GlanceOptions {
  readonly identify: (token: string | undefined) => Identity | undefined;
  readonly authUrl: string;
  readonly now?: (() => number) | undefined;
  readonly seedOwner?: string | undefined;
}

type Handler = (state: GlanceState, identity: Identity, call: Call) => Answer | Promise<Answer>;

/** Starts a Glance without images. */
export async function startGlance(options: GlanceOptions): Promise<GlanceDouble> {
  const state = emptyState(options);
  const server = await startHttpDouble(async (call) => {
    try {
      const identity = options.identify(header(call, 'x-auth-token'));
      // By its default since 2023.1, with `enforce_scope`.
      if (identity?.systemRoles) throw refusal(403, 'You are not authorized to complete this action.');
      if (identity?.project === undefined) throw unauthorized(options.authUrl);
      return await handlerOf(call)(state, identity, call);
    } catch (error) {
      if (error instanceof Refusal) return dressed(error.answer, header(call, 'accept'));
      throw error;
    }
  }, options.now);

  function seed(image: Partial<StoredImage>, content?: Buffer | string): StoredImage {
    const stored = seedImage(state, image);
    const { updated_at } = stored;
    if (content !== undefined) activate(state, stored, Buffer.from(content));
    return Object.assign(stored, { updated_at });
  }

  return { ...server, state, seed };
}

function emptyState({ now = Date.now, seedOwner }: GlanceOptions): GlanceState {
  return {
    images: new Map(),
    deleted: new Map(),
    data: new Map(),
    members: new Map(),
    tasks: [],
    now,
    seedOwner: seedOwner ?? null,
    uploads: 'keep',
    staged: new Map(),
    imports: 'download',
    plugins: {},
    revertsStaged: false,
    stores: [{ id: 'fast', default: 'true' }, { id: 'slow' }],
    brokenStores: new Set(),
    isPublisher: ({ isAdmin }) => isAdmin,
    isProtected: () => false,
    quotas: {},
    importMethods: ['glance-direct', 'web-download', 'copy-image'],
    isImportAllowed: ({ protocol }) => protocol === 'http:' || protocol === 'https:',
  };
}

function handlerOf({ method, segments }: Call): Handler {
  const [version, collection, id, part] = segments;
  if (version === 'versions')
    return () => ({
      status: 200,
      body: { versions: [15, 16, 9].map((minor) => ({ id: `v2.${minor}`, status: 'SUPPORTED' })) },
    });
  if (collection === 'info') return onInfo;
  if (collection === 'tasks' && id === undefined && method === 'GET') return listAllTasks;
  if (collection === 'images' && part === 'members' && segments.length <= 5) return onMembers;
  if (collection === 'images' && part === 'actions' && segments.length === 5) return onActions;
  if (collection !== 'images' || segments.length > 4)
    return () => Promise.reject(refusal(404, 'The resource could not be found.'));
  const routes = id === undefined || id === '' ? onImages : part === undefined ? onImage : (onPart[part] ?? {});
  const handler = routes[method];
  if (handler !== undefined) return handler;
  const Allow = Object.keys(routes).join(', ');
  if (Allow === '') throw refusal(404, 'The resource could not be found.');
  throw refusal(405, `The method ${method} is not allowed for this resource.`, { Allow });
}

const onInfo: Handler = (state, _, { segments }) => {
  if (segments[2] === 'stores') {
    if (state.stores.length === 0) throw refusal(404, 'Multi backend is not supported at this site.');
    return { status: 200, body: { stores: state.stores } };
  }
  if (segments[2] === 'usage') return { status: 200, body: { usage: state.quotas } };
  if (segments[2] !== 'import') throw refusal(404, 'The resource could not be found.');
  const methods = { description: 'Import methods available.', type: 'array', value: state.importMethods };
  return { status: 200, body: { 'import-methods': methods } };
};

const onImages: Readonly<Record<string, Handler>> = {
  GET: (state, identity, { query }) => ({ status: 200, body: listImages(state, identity, query) }),
  POST: createImage,
};

const onImage: Readonly<Record<string, Handler>> = {
  GET: (state, identity, call) => ({ status: 200, body: viewOf(visibleImage(state, identity, idOf(call))) }),
  PATCH: async (state, identity, call) => ({
    status: 200,
    body: viewOf(await patchImage(state, identity, call, idOf(call))),
  }),
  DELETE: deleteImage,
};

const onPart: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  file: {
    GET: (state, identity, call) => downloadData(state, identity, call, idOf(call)),
    PUT: (state, identity, call) => uploadData(state, identity, call, idOf(call)),
  },
  stage: { PUT: (state, identity, call) => stageData(state, identity, call, idOf(call)) },
  import: { POST: (state, identity, call) => importImage(state, identity, call, idOf(call)) },
  tasks: { GET: listTasks },
};

async function createImage(state: GlanceState, identity: Identity, call: Call): Promise<Answer> {
  const body = (await call.json()) as Record<string, unknown> | undefined;
  if (body === undefined) throw refusal(400, 'Malformed JSON in request body.');
  for (const [key, value] of Object.entries(body)) {
    refuseForbidden(key, 'creation');
    refuseInvalid(key, value);
  }
  const owner = body['owner'] ?? identity.project?.id;
  if (!identity.isAdmin && owner !== identity.project?.id) {
    throw refusal(403, `You are not permitted to create images owned by '${String(owner)}'.`);
  }
  if (body['visibility'] === 'public' && !state.isPublisher(identity)) {
    throw refusal(403, 'You are not authorized to complete publicize_image action.');
  }
  const image = blankImage((body['id'] as string | undefined) ?? randomUUID(), instant(state.now()));
  for (const [key, value] of Object.entries({ ...body, owner })) {
    if (key in image) Object.assign(image, { [key]: value });
    else if (state.isProtected(key, 'create', identity)) throw refusal(403, `Attribute '${key}' is reserved.`);
    else image.properties[key] = value as string;
  }
  if (state.images.has(image.id) || state.deleted.has(image.id))
    throw refusal(409, `Image ID ${image.id} already exists!`);
  state.images.set(image.id, image);
  const headers = {
    Location: `${call.url}/v2/images/${image.id}`,
    'OpenStack-image-import-methods': state.importMethods.join(','),
    'OpenStack-image-store-ids': state.stores.map(({ id: store }) => store).join(','),
  };
  return { status: 201, headers, body: viewOf(image) };
}

function deleteImage(state: GlanceState, identity: Identity, call: Call): Answer {
  const id = idOf(call);
  const image = mutableImage(state, identity, id);
  if (image.protected) throw refusal(403, `Image ${id} is protected and cannot be deleted.`);
  state.images.delete(id);
  state.data.delete(id);
  state.staged.delete(id);
  state.deleted.set(id, image);
  return { status: 204 };
}

function listTasks(state: GlanceState, identity: Identity, call: Call): Answer {
  const { id } = visibleImage(state, identity, idOf(call));
  return { status: 200, body: { tasks: state.tasks.filter((task) => task.image_id === id) } };
}

/** glance/policies/tasks.py: `tasks_api_access` is an admin's. */
function listAllTasks(state: GlanceState, { isAdmin }: Identity): Answer {
  if (!isAdmin) throw refusal(403, 'You are not authorized to complete tasks_api_access action.');
  return { status: 200, body: { tasks: state.tasks, first: '/v2/tasks', schema: '/v2/schemas/tasks' } };
}

function idOf({ segments }: Call): string {
  return segments[2] ?? '';
}

function unauthorized(authUrl: string): Refusal {
  return refusal(401, 'This server could not verify that you are authorized to access the document you requested.', {
    'WWW-Authenticate': `Keystone uri="${authUrl}"`,
  });
}

/**
 * An error as Glance's framework writes it: HTML for whoever takes anything, JSON or plain text for
 * whoever insists.
 */
function dressed({ status, headers, body }: Answer, accept: string | undefined): Answer {
  const title = titles[status] ?? 'Error';
  const text = typeof body === 'string' ? body : '';
  if (accept === undefined) {
    return {
      status,
      headers: { ...headers, 'Content-Type': 'text/plain; charset=UTF-8' },
      body: `${status} ${title}\n\n${text}\n\n   `,
    };
  }
  if (/json/.test(accept) && !/html/.test(accept)) {
    return {
      status,
      headers: headers ?? {},
      body: { message: `${escaped(text)}<br /><br />\n\n\n`, code: `${status} ${title}`, title },
    };
  }
  const page =
    `<html>\n <head>\n  <title>${status} ${title}</title>\n </head>\n <body>\n  <h1>${status} ${title}</h1>\n` +
    `  ${escaped(text)}<br /><br />\n\n\n\n </body>\n</html>`;
  return { status, headers: headers ?? {}, body: page };
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  415: 'Unsupported Media Type',
  416: 'Request Range Not Satisfiable',
};

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;');
}
