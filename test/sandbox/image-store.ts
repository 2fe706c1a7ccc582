// A double of the public image store: a Swift container that everybody may read, or a plain web
// server with the same tree.

import { createHash } from 'node:crypto';

import { header, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import { listObjects } from './image-store-list.js';
import { writeObject } from './image-store-write.js';
import { rangeOf } from './range.js';

export interface StoredObject {
  readonly name: string;
  content: Buffer;
  /** As in the listing: MD5 of the content; of a large object that of its manifest. */
  hash: string;
  /** As in the header, with the quotes where the store has them; empty where it sends none. */
  etag: string;
  contentType: string;
  /** Milliseconds. */
  modified: number;
  /** Sent with GET and HEAD: X-Object-Meta-*, X-Static-Large-Object, X-Object-Manifest. */
  headers: Record<string, string>;
}

export interface PutOptions {
  readonly contentType?: string;
  readonly modified?: number;
  /** Names without `X-Object-Meta-`; an underscore becomes a hyphen, as in Swift. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Segments of a static or dynamic large object, stored beside it as `{name}/000000` and on. */
  readonly large?: { readonly kind: 'static' | 'dynamic'; readonly segmentBytes: number };
}

export interface ImageStoreOptions {
  /** `static`: no listing, no metadata headers, as nginx serves a folder. */
  readonly mode?: 'swift' | 'static';
  /**
   * Of `static` only: without ranges it answers 200 with everything, and has neither ETag nor
   * Accept-Ranges.
   */
  readonly ranges?: 'supported' | 'ignored';
  readonly container?: string;
  /** Names in a page of the list; 10,000 as in Swift unless given. */
  readonly pageLength?: number;
  readonly now?: () => number;
  /** Of `swift` only: whether a token may write here; without it nobody may. */
  readonly mayWrite?: (token: string | undefined) => 'yes' | 'no' | 'unknown token';
}

export interface ImageStoreDouble extends HttpDouble {
  /** What a site calls `object_store_url`. */
  readonly objectStoreUrl: string;
  readonly container: string;
  /** objectStoreUrl and the container. */
  readonly containerUrl: string;
  readonly objects: Map<string, StoredObject>;
  /**
   * Statuses that are answered for these names instead of the object; the empty name is the list.
   */
  readonly refusals: Map<string, number>;
  /** What becomes of the answers for these names: how a store lies. */
  readonly alterations: Map<string, (answer: Answer, call: Call) => Answer>;
  /** Who may read it, as its owner is shown. */
  readonly acl: { read: string };
  put(name: string, content: Buffer | string, options?: PutOptions): StoredObject;
}

/** Starts an empty store. */
export async function startImageStore(options: ImageStoreOptions = {}): Promise<ImageStoreDouble> {
  const {
    mode = 'swift',
    ranges = 'supported',
    container = 'chameleon-supported-images',
    pageLength = 10_000,
    now = Date.now,
    mayWrite = () => 'unknown token',
  } = options;
  const acl = { read: '.r:*,.rlistings' };
  const objects = new Map<string, StoredObject>();
  const refusals = new Map<string, number>();
  const alterations: ImageStoreDouble['alterations'] = new Map();
  const root = mode === 'swift' ? '/v1/AUTH_sandbox' : '';
  const prefix = [...root.split('/').slice(1), container];
  const server = await startHttpDouble((call) => {
    const isPut = call.method === 'PUT' && mode === 'swift';
    const permission = mode === 'swift' ? mayWrite(header(call, 'x-auth-token')) : 'unknown token';
    if (isPut && permission !== 'yes') return page(permission === 'no' ? 403 : 401);
    if (!isPut && call.method !== 'GET' && call.method !== 'HEAD') return page(mode === 'swift' ? 401 : 405);
    if (!prefix.every((segment, at) => call.segments[at] === segment))
      return page(mode === 'swift' && permission !== 'yes' ? 401 : 404);
    const name = call.segments.slice(prefix.length).join('/');
    if (isPut) return writeObject(objects, { call, name, container, now, newObject });
    if (name === '' && call.method === 'HEAD' && permission === 'yes')
      return { status: 204, headers: { 'X-Container-Read': acl.read } };
    const refusal = refusals.get(name);
    if (refusal !== undefined) return page(refusal);
    if (name === '' || (mode === 'static' && name.endsWith('/')))
      return mode === 'swift' ? listObjects(objects, call, pageLength) : page(403);
    const object = objects.get(name);
    if (object === undefined) return page(404);
    const answer = mode === 'static' && ranges === 'ignored' ? plain(object) : conditional(object, call, mode);
    return alterations.get(name)?.(answer, call) ?? answer;
  });

  function put(name: string, content: Buffer | string, putOptions: PutOptions = {}): StoredObject {
    const object = newObject(name, Buffer.from(content), { modified: now(), ...putOptions });
    if (mode === 'static') Object.assign(object, { etag: staticEtag(object), headers: {} });
    else if (putOptions.large !== undefined) makeLarge(object, putOptions.large, { container, put });
    objects.set(name, object);
    return object;
  }

  const objectStoreUrl = server.url + root;
  return {
    ...server,
    objectStoreUrl,
    container,
    containerUrl: `${objectStoreUrl}/${container}`,
    objects,
    refusals,
    alterations,
    acl,
    put,
  };
}

function newObject(name: string, content: Buffer, options: PutOptions & { modified: number }): StoredObject {
  const { contentType = 'application/octet-stream', modified, metadata = {} } = options;
  const headers = Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [`X-Object-Meta-${key.replaceAll('_', '-')}`, value]),
  );
  return { name, content, hash: md5(content), etag: md5(content), contentType, modified, headers };
}

/**
 * Makes what the ETag of a large object is in Swift: quoted, and a hash of the segments' hashes.
 */
function makeLarge(
  object: StoredObject,
  large: NonNullable<PutOptions['large']>,
  store: { container: string; put: (name: string, content: Buffer) => StoredObject },
): void {
  const { name, content } = object;
  const hashes: string[] = [];
  for (let at = 0; at < content.length; at += large.segmentBytes) {
    const segment = `${name}/${String(hashes.length).padStart(6, '0')}`;
    hashes.push(store.put(segment, content.subarray(at, at + large.segmentBytes)).hash);
  }
  object.etag = `"${md5(hashes.join(''))}"`;
  object.hash = md5(large.kind === 'static' ? JSON.stringify(hashes) : '');
  if (large.kind === 'static') object.headers['X-Static-Large-Object'] = 'True';
  else object.headers['X-Object-Manifest'] = `${store.container}/${name}/`;
}

function md5(content: Buffer | string): string {
  return createHash('md5').update(content).digest('hex');
}

/** nginx: seconds and size, in hexadecimal. */
function staticEtag({ modified, content }: StoredObject): string {
  return `"${Math.floor(modified / 1000).toString(16)}-${content.length.toString(16)}"`;
}

function plain(object: StoredObject): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': object.contentType, 'Last-Modified': httpDate(object) },
    body: object.content,
  };
}

/** GET or HEAD with the conditions that Swift and nginx know. */
function conditional(object: StoredObject, call: Call, mode: 'swift' | 'static'): Answer {
  const headers = {
    'Content-Type': object.contentType,
    ...object.headers,
    Etag: object.etag,
    'Last-Modified': httpDate(object),
    'Accept-Ranges': 'bytes',
  };
  const wanted = header(call, 'if-match');
  if (wanted !== undefined && !names(wanted, object.etag)) return { status: 412, headers };
  if (isUnchanged(object, call)) return { status: 304, headers };
  const { content } = object;
  // Swift does not know If-Range: whatever it says, the range is given.
  const validator = mode === 'static' ? header(call, 'if-range') : undefined;
  const isStale = validator !== undefined && validator !== object.etag && validator !== httpDate(object);
  const range = call.method === 'HEAD' || isStale ? undefined : rangeOf(header(call, 'range'), content.length);
  if (range === undefined) return { status: 200, headers, body: content };
  if (range === 'unsatisfiable') {
    return { ...page(416), headers: { ...headers, 'Content-Range': `bytes */${content.length}` } };
  }
  const { from, to } = range;
  const part = { 'Content-Range': `bytes ${from}-${to}/${content.length}` };
  return { status: 206, headers: { ...headers, ...part }, body: content.subarray(from, to + 1) };
}

function isUnchanged(object: StoredObject, call: Call): boolean {
  const none = header(call, 'if-none-match');
  if (none !== undefined) return names(none, object.etag);
  const since = Date.parse(header(call, 'if-modified-since') ?? '');
  return Date.parse(httpDate(object)) <= since;
}

/** Whether an ETag is in the list; quotes do not count. */
function names(list: string, etag: string): boolean {
  const bare = etag.replaceAll('"', '');
  return list.split(',').some((entry) => ['*', bare].includes(entry.trim().replaceAll('"', '')));
}

/** Swift rounds up to the second, so that If-Modified-Since is never too early. */
function httpDate({ modified }: StoredObject): string {
  return new Date(Math.ceil(modified / 1000) * 1000).toUTCString();
}

function page(status: number): Answer {
  const texts: Readonly<Record<number, string>> = {
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Not Allowed',
    416: 'Requested Range Not Satisfiable',
  };
  return { status, body: `<html><h1>${texts[status] ?? ''}</h1></html>` };
}
