import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InputError } from '../../modules/core/errors.js';
import { imageProperty } from '../../modules/images/property/operation.js';
import type { StoredImage } from '../sandbox/glance.js';
import { startSite, type TestSite } from './site.js';

const missing = '00000000-0000-4000-8000-000000000000';
const supported = 'chameleon-supported';

let site: TestSite;
let folder: string;
let one: StoredImage;
let two: StoredImage;

beforeEach(async () => {
  site = await startSite();
  folder = mkdtempSync(join(tmpdir(), 'image-property-'));
  one = site.glance.seed({ name: 'CC-One', properties: { [supported]: 'yes', 'build-distro': 'ubuntu' } });
  two = site.glance.seed({ name: 'CC-Two', properties: {} });
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await site.close();
});

function propertiesOf({ id }: StoredImage): Record<string, string> | undefined {
  return site.glance.state.images.get(id)?.properties;
}

function valuesFile(...lines: readonly string[]): string {
  const path = join(folder, 'values');
  writeFileSync(path, lines.join('\n'));
  return path;
}

/** The message with which the run is refused as bad input. */
async function refusalOf(args: Readonly<Record<string, unknown>>): Promise<string> {
  const error: unknown = await site.run(imageProperty, args).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

describe('a run', () => {
  test('sets and removes what differs in one request, and nothing in a second run', async () => {
    const args = { images: ['CC-One', two.id], set: { [supported]: 'no', 'a/b': 'c:d' }, remove: ['build-distro'] };

    const first = await site.run(imageProperty, args);
    const writes = site.writes();
    const second = await site.run(imageProperty, args);

    expect(first).toMatchObject({ changed: true, failures: [], message: '2 change' });
    expect(propertiesOf(one)).toEqual({ [supported]: 'no', 'a/b': 'c:d' });
    expect(propertiesOf(two)).toEqual({ [supported]: 'no', 'a/b': 'c:d' });
    expect(writes.sort()).toEqual([one, two].map(({ id }) => `PATCH /v2/images/${id}`).sort());
    expect(second).toMatchObject({ changed: false, failures: [], message: '2 up_to_date', differences: [] });
    expect(site.writes()).toHaveLength(2);
  });

  test('leaves alone what does not differ', async () => {
    await site.run(imageProperty, {
      images: ['CC-One'],
      set: { [supported]: 'yes', extra: 'new' },
      remove: ['not-there'],
    });

    const [patch] = site.glance.requests.filter(({ method }) => method === 'PATCH');
    expect(patch?.body).toEqual([{ op: 'add', path: '/extra', value: 'new' }]);
  });

  test('in check mode reports each difference and sends no write', async () => {
    const outcome = await site.run(
      imageProperty,
      { images: ['CC-One'], set: { [supported]: 'no', extra: 'new' }, remove: ['build-distro'] },
      { checkMode: true },
    );

    const reason = '"no", was "yes", extra: set to "new", build-distro: removed, was "ubuntu"';
    expect(outcome).toMatchObject({ changed: true, message: 'planned: 1 change' });
    expect(outcome.table.rows).toEqual([['CC-One', 'change', one.id, `${supported}: set to ${reason}`]]);
    expect(outcome.differences).toEqual([
      {
        header: `image CC-One (${one.id})`,
        before: { [supported]: 'yes', 'build-distro': 'ubuntu' },
        after: { [supported]: 'no', extra: 'new' },
      },
    ]);
    expect(site.writes()).toEqual([]);
  });

  test.each<[string, () => Record<string, unknown>]>([
    ['property and value', () => ({ images: ['CC-One', 'CC-Two'], property: supported, value: 'no' })],
    ['a mapping of ids and names', () => ({ property: supported, values: { 'CC-One': 'no', [two.id]: 'no' } })],
    [
      'a mapping with values that are not text',
      () => ({ property: supported, values: { 'CC-One': false, [two.id]: 'no' } }),
    ],
    ['a file', () => ({ property: supported, values_file: valuesFile('# all', '', `${one.id}:no`, `${two.id}: no`) })],
    [
      'a file and a line',
      () => ({ property: supported, values_file: valuesFile(`${one.id}:no`), single_value: `${two.id}:no` }),
    ],
    [
      'the names of the older tool',
      () => ({ metadata_field: supported, values_file: valuesFile(`${one.id}:no`, `${two.id}:no`) }),
    ],
  ])('takes its values from %s', async (how, args) => {
    expect(await site.run(imageProperty, args())).toMatchObject({ changed: true, failures: [] });

    expect(propertiesOf(one)?.[supported]).toBe(how.includes('not text') ? 'false' : 'no');
    expect(propertiesOf(two)).toEqual({ [supported]: 'no' });
  });

  test('finds a hidden image by name, and can correct current and build-*', async () => {
    const hidden = site.glance.seed({ name: 'CC-Hidden: 1', os_hidden: true, properties: { current: 'wrong' } });

    await site.run(imageProperty, {
      images: ['CC-Hidden: 1'],
      set: { current: '20250422-v1-amd', 'build-timestamp': '2025-04-22 15:30:45' },
    });

    expect(propertiesOf(hidden)).toEqual({ current: '20250422-v1-amd', 'build-timestamp': '2025-04-22 15:30:45' });
  });

  test('by id does not read the lists', async () => {
    await site.run(imageProperty, { images: [one.id], set: { [supported]: 'yes' } });

    expect(site.glance.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([`GET /v2/images/${one.id}`]);
  });

  test('with an empty list of images does nothing', async () => {
    expect(await site.run(imageProperty, { images: [], set: { a: 'b' } })).toMatchObject({
      changed: false,
      message: 'no images given',
      failures: [],
    });
  });

  test('sends one request for an image that is given in two places', async () => {
    await site.run(imageProperty, { images: ['CC-Two'], set: { a: '1' }, property: 'b', values: { [two.id]: '2' } });

    expect(propertiesOf(two)).toEqual({ a: '1', b: '2' });
    expect(site.writes()).toHaveLength(1);
  });
});

describe('all faults are reported together, and nothing is changed', () => {
  test('in a file, in names, and in properties', async () => {
    const twin = site.glance.seed({ name: 'CC-Two', created_at: '2999-01-01T00:00:00Z' });
    const path = valuesFile(`${one.id}:no`, 'no-colon', 'CC-One:no', `${missing}:no`, `${one.id}:yes`);

    const message = await refusalOf({
      images: ['CC-Two', 'CC-None', 'CC-One'],
      set: { visibility: 'public', image_tools_id: 'x' },
      property: supported,
      values_file: path,
    });

    expect(message.split('; ')).toEqual([
      `nothing was changed: set: "visibility" cannot be changed: it is an attribute of Glance, not a property`,
      'set: "image_tools_id" cannot be changed: these tools identify their images by this marker, and with ' +
        'another value would mistake the image for a different one',
      `${path} line 2: "no-colon" has no colon: each line must be UUID:value`,
      `${path} line 3: "CC-One" is not the id of an image: each line must be UUID:value`,
      `images: 2 images have the name "CC-Two", give the id of one: ${two.id} (public), ${twin.id} (public)`,
      'images: no image of this cloud that this login can see has the name "CC-None"',
      `${path} line 4: no image of this cloud that this login can see has the id "${missing}"`,
      `${path} line 5: "${supported}" of image ${one.id} is given twice with different values`,
    ]);
    expect(site.writes()).toEqual([]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{}, 'nothing is requested'],
    [{ images: ['CC-One'] }, 'images requires set, remove or value'],
    [{ set: { a: 'b' }, remove: ['c'] }, 'set requires images; remove requires images'],
    [{ images: ['CC-One'], value: 'x' }, 'value requires property'],
    [{ values: { 'CC-One': 'x' } }, 'values requires property'],
    [{ single_value: 'x' }, 'single_value requires property'],
    [{ property: 'x' }, 'property requires value, values, values_file or single_value'],
    [{ property: 'a', metadata_field: 'b' }, 'are the same option'],
    [
      { property: 'a', values_file: '/nonexistent/file' },
      'values_file: /nonexistent/file cannot be read: there is no such file',
    ],
    [{ images: ['CC-One'], set: { a: null } }, 'set.a: null is of the wrong type; it must be text'],
  ])('before anything is asked: %j', async (args, message) => {
    expect(await refusalOf(args)).toContain(message);
    expect(site.glance.requests).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    [
      'a property to set and to remove',
      { images: ['CC-One'], set: { a: 'b' }, remove: ['a'] },
      'property "a" is given twice for the same images',
    ],
    [
      'a property in set and with value',
      { images: ['CC-One'], set: { a: 'b' }, property: 'a', value: 'c' },
      'property "a" is given twice',
    ],
    [
      'an image by id and by name, with two values',
      { property: 'a', values: { 'CC-One': '1' }, images: ['CC-One'], set: { a: '2' } },
      'values: "a" of image',
    ],
    [
      'a mark to remove',
      { images: ['CC-One'], remove: ['image_tools_name'] },
      'remove: "image_tools_name" cannot be changed',
    ],
    [
      'an attribute as the property',
      { property: 'os_hidden', values: { 'CC-One': 'true' } },
      'property: "os_hidden" cannot be changed',
    ],
    [
      'a line that is only a comment',
      { property: 'a', single_value: '# x' },
      'single_value contains no line UUID:value',
    ],
    [
      'a line without value',
      { property: 'a', single_value: `${missing}:` },
      `single_value: no value is given for image ${missing}`,
    ],
  ])('%s', async (_, args, message) => {
    expect(await refusalOf(args)).toContain(message);
    expect(site.writes()).toEqual([]);
  });

  test('an empty file', async () => {
    expect(await refusalOf({ property: 'a', values_file: valuesFile('# nothing', '') })).toContain(
      'contains no line UUID:value',
    );
  });

  test('in check mode too', async () => {
    await expect(
      site.run(imageProperty, { images: ['CC-None'], set: { a: 'b' } }, { checkMode: true }),
    ).rejects.toThrow('CC-None');
  });
});
