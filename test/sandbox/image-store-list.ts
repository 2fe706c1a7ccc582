// The listing of the image store's Swift container: text or JSON, by pages.

import { header } from './http-double.js';
import type { Answer, Call } from './http-double.js';
import type { StoredObject } from './image-store.js';

const mostNames = 10_000;

/**
 * GET of the container; a page has `pageLength` names at most, as of a store that gives fewer than
 * it is asked for.
 */
export function listObjects(
  objects: ReadonlyMap<string, StoredObject>,
  { query, headers }: Call,
  pageLength = mostNames,
): Answer {
  const limit = /^\d+$/.test(query.get('limit') ?? '') ? Number(query.get('limit')) : mostNames;
  if (limit > mostNames) return { status: 412, body: `Maximum limit is ${mostNames}` };
  const rows = rowsOf(objects, query).slice(0, Math.min(limit, pageLength));
  if (query.get('format') === 'json' || header({ headers }, 'accept') === 'application/json') {
    const type = { 'Content-Type': 'application/json; charset=utf-8' };
    return {
      status: 200,
      headers: type,
      body: rows.map((row) => (typeof row === 'string' ? { subdir: row } : entryOf(row))),
    };
  }
  const type = { 'Content-Type': 'text/plain; charset=utf-8' };
  if (rows.length === 0) return { status: 204, headers: type };
  return {
    status: 200,
    headers: type,
    body: rows.map((row) => `${typeof row === 'string' ? row : row.name}\n`).join(''),
  };
}

/** Objects and, with a delimiter, what stands for all objects below it. */
function rowsOf(objects: ReadonlyMap<string, StoredObject>, query: URLSearchParams): (StoredObject | string)[] {
  const prefix = query.get('prefix') ?? '';
  const marker = query.get('marker') ?? '';
  const end = query.get('end_marker') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const rows = new Map<string, StoredObject | string>();
  for (const object of objects.values()) {
    if (!object.name.startsWith(prefix)) continue;
    const at = delimiter === '' ? -1 : object.name.indexOf(delimiter, prefix.length);
    const key = at === -1 ? object.name : object.name.slice(0, at + delimiter.length);
    if (key > marker && (end === '' || key < end)) rows.set(key, at === -1 ? object : key);
  }
  return [...rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}

function entryOf({ name, content, hash, etag, contentType, modified, headers }: StoredObject): object {
  const isStatic = 'X-Static-Large-Object' in headers;
  const bytes = 'X-Object-Manifest' in headers ? 0 : content.length;
  const last_modified = new Date(modified).toISOString().replace('Z', '000');
  return { bytes, hash, name, content_type: contentType, last_modified, ...(isStatic ? { slo_etag: etag } : {}) };
}
