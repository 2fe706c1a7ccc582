// What a store sends is not what it announced, and what Glance makes of it.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
import { qcow2, sample } from './policy/disk-samples.js';
import { header, type Answer, type Call } from '../sandbox/http-double.js';
import { publishRelease } from '../sandbox/releases.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const good = Buffer.concat([qcow2(), Buffer.alloc(200_000, 1)]);
const bad = Buffer.concat([qcow2({ backingFileOffset: 512n }), Buffer.alloc(200_000, 1)]);

let site: TestSite;

beforeEach(async () => {
  site = await startSite();
});

afterEach(() => site.close());

const digestOf = (algorithm: string, content: Buffer): string => createHash(algorithm).update(content).digest('hex');
const checksums = (content: Buffer): Record<string, string> => ({
  'x-sdk-md5': digestOf('md5', content),
  'x-sdk-sha256': digestOf('sha256', content),
});

function resultOf({ values }: Outcome) {
  return (values.images as { action: string; reason: string; id?: string; verified_by?: string[] }[])[0];
}

/** A present production image that must stay. */
const seedProduction = () => site.glance.seed({ name, properties: { current: '20250101-v1' } }, good);

function publish(
  content: Buffer,
  options: { format?: 'qcow2' | 'raw'; metadata?: Record<string, string> } = {},
): string {
  const { format = 'qcow2', metadata = checksums(content) } = options;
  return publishRelease(site.store, { name, release: '20250422-v1', content, format, put: { metadata } });
}

/** Every whole GET of an object is answered by other bytes than a look at its beginning. */
function lieAbout(object: string, whole: Buffer): void {
  site.store.alterations.set(object, (answer: Answer, call: Call) =>
    call.method === 'GET' && header(call, 'range') === undefined ? { ...answer, body: whole } : answer,
  );
}

/** Nothing new is there, and the production image is as it was. */
function expectUntouched(production: { id: string }): void {
  expect([...site.glance.state.images.keys()]).toEqual([production.id]);
  expect(site.glance.state.images.get(production.id)).toMatchObject({ name, visibility: 'public' });
}

describe('an object', () => {
  test('that is empty according to HEAD never becomes an empty production image', async () => {
    const production = seedProduction();
    const object = publish(good, { metadata: {} });
    site.store.alterations.set(object, (answer, call) =>
      call.method === 'HEAD' ? { ...answer, headers: { ...answer.headers, 'Content-Length': 0 } } : answer,
    );

    const outcome = await site.run(imageDeploy);

    const made = [...site.glance.state.images.values()].filter(({ id }) => id !== production.id);
    if (outcome.failures.length > 0) expectUntouched(production);
    else expect(made).toMatchObject([{ name, size: good.length }]);
  });

  test('that is empty is refused', async () => {
    const production = seedProduction();
    publish(Buffer.alloc(0), { metadata: {} });

    expect((await site.run(imageDeploy)).failures.join()).toMatch(/is empty, not qcow2/);
    expectUntouched(production);
  });

  test('with a clean beginning but another body is refused before Glance has all of it', async () => {
    const production = seedProduction();
    const object = publish(good, { metadata: checksums(bad) });
    lieAbout(object, bad);

    const outcome = await site.run(imageDeploy);

    expect(outcome.failures).toEqual([
      expect.stringMatching(
        /^CC-Ubuntu22.04: .*refers to a backing file; the new image was deleted, and the production image was not changed$/,
      ),
    ]);
    expectUntouched(production);
  });

  test.each([
    ['a LUKS volume', Buffer.concat([sample('LUKS\xba\xbe\0\x02'), Buffer.alloc(100_000)]), /is LUKS, not raw/],
    ['a COWD disk', Buffer.concat([sample('COWD'), Buffer.alloc(100_000)]), /is VMDK, not raw/],
    ['a QED disk', Buffer.concat([sample('QED\0'), Buffer.alloc(100_000)]), /is QED, not raw/],
    ['an ISO', Buffer.concat([sample('\x01CD001', { at: 32_768 }), Buffer.alloc(100_000)]), /is ISO, not raw/],
    ['a fixed VHD, by its end', Buffer.concat([Buffer.alloc(100_000), sample('conectix')]), /is VHD, not raw/],
  ])('that is raw, and is %s, is refused', async (_, content, reason) => {
    const production = seedProduction();
    publish(content, { format: 'raw' });

    expect((await site.run(imageDeploy, { image_type: 'raw' })).failures.join()).toMatch(reason);
    expectUntouched(production);
  });

  test('of which the store publishes two SHA-256 is refused', async () => {
    const production = seedProduction();
    const object = publish(good);
    site.store.alterations.set(object, (answer) => ({
      ...answer,
      headers: { ...answer.headers, 'x-amz-meta-x-sdk-sha256': '0'.repeat(64) },
    }));

    expect((await site.run(imageDeploy)).failures.join()).toMatch(/several different sha256 checksums of it/);
    expectUntouched(production);
  });

  test('with a wrong MD5 in the store is deployed by its SHA-256', async () => {
    seedProduction();
    publish(good, { metadata: { ...checksums(good), 'x-sdk-md5': '0'.repeat(32) } });

    const outcome = await site.run(imageDeploy);

    expect(outcome.failures).toEqual([]);
    expect(resultOf(outcome)?.verified_by).toEqual(['size', "store's sha256", "Glance's data by sha256"]);
  });
});

describe('an image that an earlier run brought in', () => {
  /**
   * Puts the production image back to where it was before it was promoted, with these bytes, which
   * have the MD5 of the good ones.
   */
  async function leaveBehind(data: Buffer): Promise<void> {
    const { id = '' } = resultOf(await site.run(imageDeploy)) ?? {};
    const image = site.glance.state.images.get(id);
    Object.assign(image ?? {}, {
      name: `testing_${name}`,
      visibility: 'private',
      os_hash_value: digestOf('sha512', data),
    });
    delete image?.properties[markers.promoted];
    site.glance.state.data.set(id, data);
  }

  test('is verified by the SHA-256 of its data, not by an MD5 that others may share', async () => {
    publish(good);
    const collision = Buffer.from(good);
    collision[100_000] = 2;
    await leaveBehind(collision);

    const outcome = await site.run(imageDeploy);

    expect(outcome.failures.join()).toMatch(/the store's sha256 of the image is .*; the new image was deleted/);
    expect([...site.glance.state.images.values()]).toEqual([]);
  });

  test('is promoted if its data have the SHA-256', async () => {
    publish(good);
    await leaveBehind(good);

    const outcome = await site.run(imageDeploy);

    expect(outcome.failures).toEqual([]);
    expect(resultOf(outcome)).toMatchObject({ action: 'resume', verified_by: ['size', "store's sha256"] });
  });

  test('is inspected, although the store publishes the MD5 of what it is', async () => {
    publish(good, { metadata: { 'x-sdk-md5': digestOf('md5', good) } });
    await leaveBehind(bad);

    expect((await site.run(imageDeploy)).failures.join()).toMatch(
      /refers to a backing file; the new image was deleted/,
    );
  });
});

describe('what Glance has fetched itself', () => {
  test('is read back if the store publishes a SHA-256', async () => {
    publish(good);

    const outcome = await site.run(imageDeploy, { import_method: 'web-download' });

    expect(outcome.failures).toEqual([]);
    expect(resultOf(outcome)?.verified_by).toEqual(['size', "store's sha256"]);
  });

  test.each<[string, Record<string, string>]>([
    ['MD5', { 'x-sdk-md5': digestOf('md5', bad) }],
    ['SHA-256', { 'x-sdk-sha256': digestOf('sha256', bad) }],
  ])('is looked into before it is promoted, where the store publishes its %s', async (_, metadata) => {
    const production = seedProduction();
    lieAbout(publish(good, { metadata }), bad);

    const outcome = await site.run(imageDeploy, { import_method: 'web-download' });

    expect(outcome.failures.join()).toMatch(
      /refers to a backing file; the new image was deleted, and the production image/,
    );
    expectUntouched(production);
  });

  test('is also inspected at its end', async () => {
    const production = seedProduction();
    const raw = Buffer.alloc(200_000);
    const vhd = Buffer.concat([raw.subarray(512), sample('conectix')]);
    lieAbout(publish(raw, { format: 'raw', metadata: { 'x-sdk-md5': digestOf('md5', vhd) } }), vhd);

    expect((await site.run(imageDeploy, { import_method: 'web-download', image_type: 'raw' })).failures.join()).toMatch(
      /is VHD, not raw/,
    );
    expectUntouched(production);
  });
});

describe('a Glance', () => {
  test('that loses an upload and answers 204 is reported in a sentence', async () => {
    publish(good);
    site.glance.state.uploads = 'lose';

    const outcome = await site.run(imageDeploy, { attempts: 1 });

    expect(outcome.failures.join()).toMatch(/Glance confirmed the data of image \S+, but the image is still queued/);
  });

  test('that finds another format in the bytes is reported in a sentence, and the image is not left behind', async () => {
    const production = seedProduction();
    publish(good);
    site.glance.state.uploads = 'refuse';

    const outcome = await site.run(imageDeploy);

    expect(outcome.failures.join()).toMatch(
      /Glance refuses the data of \S+ as not being qcow2 or not being safe to use as such \(.*415.*\); the new image was deleted/,
    );
    expectUntouched(production);
    expect(site.writes().filter((write) => write.startsWith('PUT'))).toHaveLength(1);
  });
});
