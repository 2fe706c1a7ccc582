// Data that are staged in Glance and then imported.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
import { publishRelease } from '../sandbox/releases.js';
import type { StoredImage } from '../sandbox/glance.js';
import { qcow2 } from './policy/disk-samples.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const content = Buffer.concat([qcow2(), Buffer.alloc(200_000, 1)]);
const direct = { import_method: 'glance-direct' };

let site: TestSite;

beforeEach(async () => {
  site = await startSite();
});

afterEach(() => site.close());

const digestOf = (algorithm: string, data: Buffer): string => createHash(algorithm).update(data).digest('hex');
const sha256 = digestOf('sha256', content);

function publish(metadata: Record<string, string> = { 'x-sdk-sha256': sha256 }): string {
  return publishRelease(site.store, { name, release: '20250422-v1', content, format: 'qcow2', put: { metadata } });
}

function onlyResult({ values }: Outcome) {
  const [result] = values.images as { action: string; reason: string; id: string; verified_by?: string[] }[];
  return result;
}

const images = (): StoredImage[] => [...site.glance.state.images.values()];
const requests = (pattern: RegExp): string[] => site.writes().filter((write) => pattern.test(write));

/** What a run that was killed has left: the image is as it was after its creation, except for these changes. */
async function leaveIncoming(changes: Partial<StoredImage>, data?: Buffer): Promise<StoredImage> {
  site.glance.state.uploads = 'lose';
  await site.run(imageDeploy, { attempts: 1 });
  site.glance.state.uploads = 'keep';
  const [image] = images() as [StoredImage];
  Object.assign(image, changes, { properties: { ...image.properties, ...changes.properties } });
  if (data) site.glance.state.staged.set(image.id, data);
  return image;
}

test('the data are staged, compared with the checksum of the store, and imported', async () => {
  publish();

  const outcome = await site.run(imageDeploy, direct);

  expect(outcome.failures).toEqual([]);
  expect(onlyResult(outcome)?.verified_by).toEqual(['size', "store's sha256", "Glance's md5"]);
  expect(images()).toMatchObject([{ name, status: 'active', visibility: 'public', size: content.length }]);
  expect(images()[0]?.properties[markers.staged]).toBe(`sha256:${sha256}`);
  expect([requests(/^PUT .*\/stage$/).length, requests(/\/import$/).length, requests(/\/file$/).length]).toEqual([
    1, 1, 0,
  ]);
  expect((await site.run(imageDeploy, direct)).changed).toBe(false);
});

test('the import is not begun where the staged data are not what the store published', async () => {
  const production = site.glance.seed({ name, properties: { current: '20250101-v1' } }, content);
  publish({ 'x-sdk-sha256': '0'.repeat(64) });

  const outcome = await site.run(imageDeploy, direct);

  expect(outcome.failures.join()).toMatch(/the store's sha256 of the image is .*; the new image was deleted/);
  expect(requests(/\/import$/)).toEqual([]);
  expect(images()).toEqual([production]);
});

test('an MD5 alone is compared before the import too, and what it was is noted', async () => {
  publish({ 'x-sdk-md5': digestOf('md5', content) });

  const outcome = await site.run(imageDeploy, direct);

  expect(onlyResult(outcome)?.verified_by).toEqual(['size', "store's md5", "Glance's md5"]);
  expect(images()[0]?.properties[markers.staged]).toMatch(/^md5:/);
});

test('Glance is asked what it offers before anything is created', async () => {
  publish();
  site.glance.state.importMethods = ['web-download'];

  await expect(site.run(imageDeploy, direct)).rejects.toMatchObject({
    code: 'IMPORT_NOT_OFFERED',
    message: 'import_method: glance-direct is not offered by this Glance; it offers: web-download',
  });
  expect(site.writes()).toEqual([]);
});

test('data that a killed run has staged are imported if it has noted what they are, and read back', async () => {
  publish();
  const noted = { [markers.staged]: `sha256:${sha256}` };
  const { id } = await leaveIncoming({ status: 'uploading', size: content.length, properties: noted }, content);

  const outcome = await site.run(imageDeploy, direct);

  expect(onlyResult(outcome)).toMatchObject({ action: 'resume', id, verified_by: ['size', "store's sha256"] });
  expect(requests(/\/stage$/)).toEqual([]);
});

test.each([
  ['nobody has noted what they are', { ...direct }, {}],
  ['the site streams now', { import_method: 'stream' }, { [markers.staged]: `sha256:${sha256}` }],
])('data that a killed run has staged are discarded if %s', async (_, args, properties) => {
  publish();
  const { id } = await leaveIncoming({ status: 'uploading', size: content.length, properties }, Buffer.from('a part'));

  const outcome = await site.run(imageDeploy, args);

  expect(outcome.failures).toEqual([]);
  expect(images()).toMatchObject([{ name, status: 'active', size: content.length }]);
  expect(images()[0]?.id).not.toBe(id);
  expect(site.glance.state.staged.size).toBe(0);
});

test('an import that a killed run has begun is waited for', async () => {
  publish();
  const task = { os_glance_import_task: 'a-task', os_glance_importing_to_stores: 'fast', os_glance_failed_import: '' };
  const image = await leaveIncoming({ status: 'importing', size: content.length, properties: task });
  const running = site.run(imageDeploy, direct);
  await new Promise((resolve) => setTimeout(resolve, 700));
  // As the end of the import leaves it.
  delete image.properties['os_glance_import_task'];
  const { checksum, os_hash_value } = site.glance.seed({ id: 'of-the-same-content', visibility: 'private' }, content);
  Object.assign(image, { status: 'active', checksum, os_hash_algo: 'sha512', os_hash_value });
  site.glance.state.data.set(image.id, content);
  site.glance.state.images.delete('of-the-same-content');

  const outcome = await running;

  expect(onlyResult(outcome)).toMatchObject({ action: 'resume', id: image.id });
  expect(requests(/\/(stage|import)$/)).toEqual([]);
});

test.each([false, true])(
  'a failed import is told with its reason, and the next run succeeds (image queued again: %s)',
  async (revertsStaged) => {
    publish();
    site.glance.state.imports = 'fail';
    site.glance.state.revertsStaged = revertsStaged;

    const outcome = await site.run(imageDeploy, { ...direct, attempts: 2 });

    expect(outcome.failures.join()).toMatch(/Glance could not import the staged data: Task failed/);
    // An image that accepts nothing any more is deleted.
    expect(images().map(({ status }) => status)).toEqual(revertsStaged ? ['queued'] : []);
    expect(requests(/\/stage$/)).toHaveLength(revertsStaged ? 2 : 1);
    site.glance.state.imports = 'download';
    expect((await site.run(imageDeploy, direct)).failures).toEqual([]);
    expect(images()).toMatchObject([{ name, status: 'active' }]);
  },
);

test('an image that a failed import of a killed run has left is deleted, and the release deployed', async () => {
  publish();
  const properties = { os_glance_importing_to_stores: 'fast', os_glance_failed_import: '' };
  const { id } = await leaveIncoming({ status: 'importing', size: content.length, properties });

  const outcome = await site.run(imageDeploy, direct);

  expect(outcome.failures).toEqual([]);
  expect(images()).toMatchObject([{ name, status: 'active' }]);
  expect(images()[0]?.id).not.toBe(id);
});

test('a part of the data in the place of the staged ones is removed with its image', async () => {
  publish();
  const { id } = await leaveIncoming({}, Buffer.from('a part'));

  const outcome = await site.run(imageDeploy, direct);

  expect(outcome.failures.join()).toMatch(/has data on staging.*; the new image was deleted/);
  expect(site.glance.state.deleted.has(id)).toBe(true);
  expect((await site.run(imageDeploy, direct)).failures).toEqual([]);
});
