import { afterEach, describe, expect, test } from '@jest/globals';
import type { Cloud } from '../../modules/clients/keystone/cloud.js';
import { readPages } from '../../modules/clients/paging.js';
import { startHttpDouble, type Answer, type HttpDouble } from '../sandbox/http-double.js';
import { all } from './cloud-of.js';
import { testClient } from './http-server.js';

let double: HttpDouble;

afterEach(() => double.close());

type Row = Readonly<Record<string, unknown>>;

/** Reads a list whose pages are answered by their number, as the query has it. */
async function read(answerTo: (page: number) => Answer): Promise<Row[]> {
  double = await startHttpDouble(({ query }) => answerTo(Number(query.get('page') ?? 0)));
  const http = testClient();
  const cloud = {
    request: (_: string, { path }: { path: string }) => http({ method: 'GET', url: `${double.url}${path}` }),
  } as unknown as Cloud;
  return all(
    readPages(
      { service: 'image', path: '/v2/images', key: 'images', id: 'id', next: ({ next }) => next as string | undefined },
      cloud,
    ),
  );
}

function page(rows: readonly Row[], next?: number): Answer {
  return { status: 200, body: { images: rows, ...(next === undefined ? {} : { next: `/v2/images?page=${next}` }) } };
}

describe('a list that does not end', () => {
  test.each<[string, (number: number) => Answer, string]>([
    [
      'another next on each page, and always the same element',
      (number) => page([{ id: 'a' }], number + 1),
      'PAGING_LOOP',
    ],
    ['another next on each page, and no element', (number) => page([], number + 1), 'PAGING_LOOP'],
    ['two elements by turns', (number) => page([{ id: String(number % 2) }], number + 1), 'PAGING_LOOP'],
    ['the same next', () => page([{ id: 'a' }], 1), 'PAGING_LOOP'],
    [
      'always new elements',
      (number) =>
        page(
          Array.from({ length: 30_000 }, (_, index) => ({ id: `${number}-${index}` })),
          number + 1,
        ),
      'LIST_TOO_LONG',
    ],
    [
      'always elements without an id',
      (number) =>
        page(
          Array.from({ length: 30_000 }, () => ({})),
          number + 1,
        ),
      'LIST_TOO_LONG',
    ],
    [
      'a marker that is always gone',
      (number) => (number === 0 ? page([{ id: 'a' }], 1) : { status: 404 }),
      'HTTP_ERROR',
    ],
  ])('%s', async (_, answerTo, code) => {
    await expect(read(answerTo)).rejects.toMatchObject({ code });
    expect(double.requests.length).toBeLessThan(20);
  });
});

test.each([[[null]], [['a']], [[['a']]]])('a page whose elements are %j is refused', async (images) => {
  await expect(read(() => ({ status: 200, body: { images } }))).rejects.toMatchObject({
    code: 'UNEXPECTED_ANSWER',
    message: 'GET /v2/images of the image service holds no list of images',
  });
});

test('a page or two without new elements do no harm', async () => {
  const rows = [['a'], [], ['a'], ['b'], [], ['c']];

  const found = await read((number) =>
    page(
      (rows[number] as string[]).map((id) => ({ id })),
      number + 1 < rows.length ? number + 1 : undefined,
    ),
  );

  expect(found).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
});

test('a list that is restarted after ten pages is read to its end', async () => {
  let isGone = true;
  const found = await read((number) => {
    if (number === 10 && isGone) {
      isGone = false;
      return { status: 404 };
    }
    return page([{ id: String(number) }], number < 12 ? number + 1 : undefined);
  });

  expect(found).toHaveLength(13);
});
