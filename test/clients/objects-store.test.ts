import { afterEach, describe, expect, test } from '@jest/globals';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { openObjectsStore } from '../../modules/clients/store/objects-store.js';
import { startHttpDouble, type Answer, type HttpDouble } from '../sandbox/http-double.js';
import { startImageStore } from '../sandbox/image-store.js';

const http = createHttpClient({
  validateCerts: true,
  timeoutSeconds: 5,
  firstPauseMs: 1,
  signal: new AbortController().signal,
});
const ids = [
  '0b8f2d54-2a59-4f4e-9c0b-3f0a1e2d4c5b',
  '1B8F2D54-2A59-4F4E-9C0B-3F0A1E2D4C5B',
  '2b8f2d54-2a59-4f4e-9c0b-3f0a1e2d4c5b',
];

let server: HttpDouble | undefined;

afterEach(() => server?.close());

/** A store whose pages of the list are given by their markers. */
async function listing(answerTo: (marker: string) => Answer): Promise<() => Promise<string[]>> {
  const double = await startHttpDouble(({ query }) => answerTo(query.get('marker') ?? ''));
  server = double;
  return () => openObjectsStore({ url: double.url, container: 'images' }, http).listIds();
}

const text = (names: readonly string[]): Answer => ({
  status: names.length > 0 ? 200 : 204,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body: names.map((name) => `${name}\n`).join(''),
});
const json = (names: readonly string[]): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'application/json; charset=utf-8' },
  body: names.map((name) => ({ name, bytes: 1 })),
});

describe.each([
  ['text', text],
  ['JSON', json],
])('a list in %s', (_, page) => {
  const names = [ids[0], `${ids[0]}/000000`, ids[1], 'a name with ? & é', ids[2], 'zzz'] as string[];

  test.each([1, 2, 5, 6, 100])(
    'in pages of %i is read completely, and gives the names that are UUIDs',
    async (length) => {
      const list = await listing((marker) => page(names.slice(names.indexOf(marker) + 1).slice(0, length)));

      expect(await list()).toEqual(ids);
    },
  );

  test('of nothing gives nothing', async () => {
    expect(await (await listing(() => page([])))()).toEqual([]);
  });

  test('whose pages lead to each other is refused', async () => {
    const list = await listing((marker) => page([marker === ids[0] ? ids[1] : ids[0]] as string[]));

    await expect(list()).rejects.toMatchObject({ code: 'PAGING_LOOP' });
  });

  test('that leads back to itself is refused', async () => {
    await expect((await listing(() => page(names)))()).rejects.toMatchObject({ code: 'PAGING_LOOP' });
  });
});

test.each<[string, Answer, string]>([
  [
    'a page of HTML',
    { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>Index of /' },
    'STORE_DOCUMENT_UNUSABLE',
  ],
  [
    'JSON that is no list',
    { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"a": 1}' },
    'STORE_DOCUMENT_UNUSABLE',
  ],
  ['not found', { status: 404 }, 'STORE_OBJECT_MISSING'],
  ['forbidden', { status: 403 }, 'STORE_OBJECT_HIDDEN'],
])('instead of a list, %s is an error', async (_, answer, code) => {
  await expect((await listing(() => answer))()).rejects.toMatchObject({ code });
});

test('an object has all its headers, and no MD5 if it is a large one', async () => {
  const store = await startImageStore({ container: 'images' });
  server = store;
  store.put(ids[0] as string, 'chameleon', {
    metadata: { 'Build-Distro': 'ubuntu' },
    large: { kind: 'dynamic', segmentBytes: 4 },
  });
  const objects = openObjectsStore({ url: `${store.objectStoreUrl}/`, container: 'images' }, http);

  const { object, headers } = await objects.probe(ids[0] as string);

  expect(object).toMatchObject({ url: `${store.containerUrl}/${ids[0]}`, bytes: 9 });
  expect(object.md5).toBeUndefined();
  expect(headers).toContainEqual(['x-object-meta-build-distro', 'ubuntu']);
  await expect(objects.probe(ids[1] as string)).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
});

test('a list that is not public asks for the read ACL, and names the options of the older store', async () => {
  const list = await listing(() => ({ status: 401, body: 'Unauthorized' }));

  await expect(list()).rejects.toMatchObject({
    code: 'STORE_OBJECT_HIDDEN',
    message: expect.stringMatching(
      /"\.r:\*,\.rlistings".* container "images" \(.*objects_container.*\(.*objects_store_url/,
    ),
  });
});
