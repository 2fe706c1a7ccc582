// PUT of the image store's Swift container: an object, or a static large object of its segments.

import { createHash } from 'node:crypto';

import { header, readAll } from './http-double.js';
import type { Answer, Call } from './http-double.js';
import type { PutOptions, StoredObject } from './image-store.js';

interface Writing {
  readonly call: Call;
  readonly name: string;
  readonly container: string;
  readonly now: () => number;
  readonly newObject: (name: string, content: Buffer, options: PutOptions & { modified: number }) => StoredObject;
}

/** The object appears when all of it has been received. */
export async function writeObject(objects: Map<string, StoredObject>, writing: Writing): Promise<Answer> {
  const { call, name, now, newObject } = writing;
  const isTaken = (): boolean => header(call, 'if-none-match') === '*' && objects.has(name);
  const isList = call.query.get('multipart-manifest') === 'put';
  if (isTaken() && !isList) return { status: 412 };
  const body = await readAll(call.message);
  const options = { modified: now(), metadata: metadataOf(call), contentType: header(call, 'content-type') ?? '' };
  if (isList && header(call, 'if-none-match') !== undefined) return { status: 400, body: 'Errors:\n304 Not Modified' };
  if (isList) return writeLarge(objects, body, { ...writing, options });
  const object = newObject(name, body, options);
  const expected = header(call, 'etag');
  if (expected !== undefined && expected !== object.etag) return { status: 422, body: 'Unprocessable Entity' };
  if (isTaken()) return { status: 412 };
  objects.set(name, object);
  return { status: 201, headers: { Etag: object.etag } };
}

function metadataOf({ headers }: Call): Record<string, string> {
  const prefix = 'x-object-meta-';
  return Object.fromEntries(
    Object.entries(headers).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), String(value)]] : [],
    ),
  );
}

interface Listed {
  readonly path: string;
  readonly etag?: string;
  readonly size_bytes?: number;
}

function writeLarge(
  objects: Map<string, StoredObject>,
  body: Buffer,
  { name, container, newObject, options }: Writing & { readonly options: PutOptions & { modified: number } },
): Answer {
  const segments = (JSON.parse(body.toString()) as Listed[]).map(({ path, etag, size_bytes: bytes }) => {
    const segment = objects.get(path.slice(`/${container}/`.length));
    const isRight =
      (etag ?? segment?.etag) === segment?.etag && (bytes ?? segment?.content.length) === segment?.content.length;
    return isRight ? segment : undefined;
  });
  const found = segments.filter((segment) => segment !== undefined);
  if (found.length < segments.length) return { status: 400, body: 'Errors:\nEtag Mismatch or 404 Not Found' };
  const object = newObject(name, Buffer.concat(found.map(({ content }) => content)), options);
  object.etag = `"${md5(found.map(({ hash }) => hash).join(''))}"`;
  object.hash = md5(JSON.stringify(found.map(({ hash }) => hash)));
  object.headers['X-Static-Large-Object'] = 'True';
  objects.set(name, object);
  return { status: 201, headers: { Etag: object.etag } };
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
