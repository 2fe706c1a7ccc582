// A Glance with several stores, which each image is to be in.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import type { StoredImage } from '../sandbox/glance.js';
import { publishRelease } from '../sandbox/releases.js';
import { qcow2 } from './policy/disk-samples.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const content = Buffer.concat([qcow2(), Buffer.alloc(200_000, 1)]);
const sha256 = createHash('sha256').update(content).digest('hex');
const both = { stores: ['slow', 'fast'] };

let site: TestSite;

beforeEach(async () => {
  site = await startSite();
  publishRelease(site.store, {
    name,
    release: '20250422-v1',
    content,
    format: 'qcow2',
    put: { metadata: { 'x-sdk-sha256': sha256 } },
  });
});

afterEach(() => site.close());

interface Result {
  readonly action: string;
  readonly reason: string;
  readonly stores?: string[];
  readonly copied_to?: string[];
}

const onlyResult = ({ values }: Outcome): Result | undefined => (values.images as Result[])[0];
const onlyImage = (): StoredImage | undefined => [...site.glance.state.images.values()][0];
const imports = (): unknown[] =>
  site.glance.requests
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/import'))
    .map(({ body }) => body);
const copyTo = (...stores: string[]) => ({
  method: { name: 'copy-image' },
  stores,
  all_stores_must_succeed: false,
});

test.each([
  ['stream', [copyTo('fast')]],
  ['glance-direct', [{ method: { name: 'glance-direct' }, stores: ['slow'] }, copyTo('fast')]],
])(
  'an image goes into the first store by %s, and when it is public it is copied to the others',
  async (method, sent) => {
    const outcome = await site.run(imageDeploy, { import_method: method, ...both });

    expect(outcome.failures).toEqual([]);
    expect(onlyResult(outcome)).toMatchObject({ action: 'deploy', stores: ['slow', 'fast'], copied_to: ['fast'] });
    expect(onlyImage()).toMatchObject({ name, visibility: 'public', stores: 'slow,fast' });
    expect(imports()).toEqual(sent);
    const order = site.writes().map((write) => write.replace(/[0-9a-f-]{36}/, 'ID'));
    expect(order.lastIndexOf('PATCH /v2/images/ID')).toBeLessThan(order.lastIndexOf('POST /v2/images/ID/import'));
    expect(site.progress).toContainEqual(expect.objectContaining({ subject: name, stage: 'copy' }));
    expect((await site.run(imageDeploy, both)).changed).toBe(false);
  },
);

test('all stores are those that take data, and the default one gets the data first', async () => {
  site.glance.state.stores = [{ id: 'slow' }, { id: 'web', 'read-only': 'true' }, { id: 'fast', default: 'true' }];

  const outcome = await site.run(imageDeploy, { all_stores: true });

  expect(onlyResult(outcome)).toMatchObject({ stores: ['fast', 'slow'], copied_to: ['slow'] });
});

test('an image that is up to date is copied to the stores that lack it, and a dry run tells it', async () => {
  await site.run(imageDeploy);
  expect(onlyImage()?.stores).toBe('fast');

  const planned = await site.run(imageDeploy, both, { checkMode: true });

  const copied = { action: 'copy', stores: ['fast', 'slow'], copied_to: ['slow'] };
  expect(onlyResult(planned)).toMatchObject(copied);
  expect(planned).toMatchObject({ changed: true, message: expect.stringMatching(/1 copy/) as unknown });
  expect(planned.differences).toMatchObject([{ before: { stores: ['fast'] }, after: { stores: ['fast', 'slow'] } }]);
  expect(imports()).toEqual([]);
  const outcome = await site.run(imageDeploy, both);
  expect(onlyResult(outcome)).toMatchObject(copied);
  expect(outcome.differences).toEqual(planned.differences);
  expect(imports()).toEqual([copyTo('slow')]);
});

test('a store that fails is the failure of this image alone, which stays in production, and the next run tries again', async () => {
  site.glance.state.brokenStores.add('fast');

  const outcome = await site.run(imageDeploy, both);

  expect(outcome.failures).toEqual([
    expect.stringMatching(new RegExp(`^${name}: Glance could not copy \\S+ to its store fast: its log tells why$`)),
  ]);
  expect(onlyResult(outcome)).toMatchObject({ action: 'deploy', stores: ['slow'] });
  expect(onlyImage()).toMatchObject({ name, visibility: 'public', status: 'active', stores: 'slow' });
  const again = await site.run(imageDeploy, both);
  expect(again.failures).toHaveLength(1);
  expect(onlyResult(again)).toMatchObject({ action: 'up_to_date', stores: ['slow'] });
  site.glance.state.brokenStores.clear();
  expect(onlyResult(await site.run(imageDeploy, both))).toMatchObject({ action: 'copy', copied_to: ['fast'] });
});

test('a copy that another run has begun is waited for', async () => {
  await site.run(imageDeploy);
  const image = onlyImage() as StoredImage;
  image.properties['os_glance_import_task'] = 'a-task';

  const running = site.run(imageDeploy, both);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  image.stores = 'fast,slow';
  delete image.properties['os_glance_import_task'];

  expect(onlyResult(await running)).toMatchObject({ stores: ['fast', 'slow'] });
  expect(imports()).toHaveLength(1);
});

describe('before anything is touched', () => {
  test.each<[string, object, () => void, string, RegExp]>([
    [
      'unknown',
      { stores: ['slow', 'slwo'] },
      () => undefined,
      'GLANCE_STORE_UNKNOWN',
      /no store "slwo"; .*: fast, slow$/,
    ],
    [
      'read-only',
      { stores: ['web'] },
      () => {
        site.glance.state.stores = [{ id: 'fast' }, { id: 'web', 'read-only': 'true' }];
      },
      'GLANCE_STORE_UNKNOWN',
      /the store "web" of this Glance is read-only; it takes data into: fast$/,
    ],
    [
      'not named by Glance',
      { all_stores: true },
      () => {
        site.glance.state.stores = [];
      },
      'GLANCE_STORE_UNKNOWN',
      /all_stores: this Glance does not have several stores/,
    ],
    [
      'chosen in two ways',
      { stores: ['slow'], all_stores: true },
      () => undefined,
      'INVALID_INPUT',
      /exclude each other/,
    ],
    [
      'to be copied to by a Glance that does not copy',
      { stores: ['slow', 'fast'] },
      () => {
        site.glance.state.importMethods = ['web-download'];
      },
      'IMPORT_NOT_OFFERED',
      /requires the import method copy-image, which is not offered .*: web-download$/,
    ],
  ])('a store is refused that is %s', async (_, args, prepare, code, message) => {
    prepare();

    await expect(site.run(imageDeploy, { ...args })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as unknown,
    });
    expect(site.writes()).toEqual([]);
  });

  test('a single store needs no copies', async () => {
    site.glance.state.importMethods = [];

    const outcome = await site.run(imageDeploy, { stores: ['slow'] });

    expect(onlyResult(outcome)).toMatchObject({ action: 'deploy', stores: ['slow'] });
    expect(onlyImage()?.stores).toBe('slow');
  });
});
