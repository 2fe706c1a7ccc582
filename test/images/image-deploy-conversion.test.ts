// A site whose Glance converts or decompresses images on import.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
import type { StoredImage } from '../sandbox/glance.js';
import { publishRelease } from '../sandbox/releases.js';
import { qcow2 } from './policy/disk-samples.js';
import { agent, initramfsName, startObjectsSite } from './objects-site.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const content = Buffer.concat([qcow2({ virtualBytes: 2n ** 20n }), Buffer.alloc(200_000, 1)]);
const virtualBytes = 2 ** 20;
const sha256 = createHash('sha256').update(content).digest('hex');

let site: TestSite;

beforeEach(async () => {
  site = await startSite();
  site.glance.state.plugins = { conversion: 'raw' };
});

afterEach(() => site.close());

const publish = (): string =>
  publishRelease(site.store, {
    name,
    release: '20250422-v1',
    content,
    format: 'qcow2',
    put: { metadata: { 'x-sdk-sha256': sha256 } },
  });

const images = (): StoredImage[] => [...site.glance.state.images.values()];

function onlyResult({ values }: Outcome) {
  const [result] = values.images as { action: string; verified_by?: string[]; converted?: string; id: string }[];
  return result;
}

describe.each([
  ['glance-direct', ["store's sha256", 'virtual size']],
  ['web-download', ['virtual size']],
])('%s', (method, verifiedBy) => {
  test('tells the conversion and what could still be compared, and the next run changes nothing', async () => {
    publish();

    const outcome = await site.run(imageDeploy, { import_method: method });

    expect(outcome.failures).toEqual([]);
    expect(onlyResult(outcome)).toMatchObject({ converted: 'from qcow2 to raw', verified_by: verifiedBy });
    const warning: unknown = expect.stringContaining('no published checksum could be compared');
    expect(outcome.warnings).toEqual(method === 'web-download' ? [warning] : []);
    expect(images()).toMatchObject([{ name, visibility: 'public', disk_format: 'raw', size: virtualBytes }]);
    expect(images()[0]?.properties).toMatchObject({ [markers.sha256]: sha256 });
    expect((await site.run(imageDeploy, { import_method: method })).changed).toBe(false);
  });

  test('takes up a converted image that a killed run has left', async () => {
    publish();
    await site.run(imageDeploy, { import_method: method });
    const [image] = images() as [StoredImage];
    const { [markers.promoted]: _never, ...properties } = image.properties;
    Object.assign(image, { name: `testing_${name}`, visibility: 'private', properties });

    const outcome = await site.run(imageDeploy, { import_method: method });

    const result = onlyResult(outcome);
    expect(result).toMatchObject({ action: 'resume', id: image.id, verified_by: verifiedBy });
    expect(images()).toMatchObject([{ name, visibility: 'public' }]);
  });

  test('refuses an image whose disk has another size than the object', async () => {
    const production = site.glance.seed({ name, properties: { current: '20250101-v1' } }, content);
    publish();
    site.glance.state.plugins = { conversion: 'raw', convertedBytes: 512 };

    const outcome = await site.run(imageDeploy, { import_method: method });

    expect(outcome.failures.join()).toMatch(/the virtual size of the image is 512, but that of .*image was deleted/);
    expect(images()).toEqual([production]);
  });
});

test('an image is not converted, and compared as a whole, where it is streamed', async () => {
  publish();

  const outcome = await site.run(imageDeploy);

  expect(onlyResult(outcome)?.converted).toBeUndefined();
  expect(images()).toMatchObject([{ disk_format: 'qcow2', size: content.length }]);
});

test('a converted image of a killed run is not taken up where images are streamed', async () => {
  publish();
  await site.run(imageDeploy, { import_method: 'glance-direct' });
  const [image] = images() as [StoredImage];
  const { [markers.promoted]: _never, ...properties } = image.properties;
  Object.assign(image, { name: `testing_${name}`, visibility: 'private', properties });

  const outcome = await site.run(imageDeploy, { import_method: 'stream' });

  expect(outcome.failures).toEqual([]);
  expect(images()).toMatchObject([{ disk_format: 'qcow2', size: content.length }]);
  expect(images()[0]?.id).not.toBe(image.id);
});

test('a ramdisk that Glance decompresses is compared with the object, decompressed here', async () => {
  const objects = await startObjectsSite();
  objects.glance.state.plugins = { decompression: true };
  const plain = Buffer.from('070701 and so on, '.repeat(1000));
  const kernel = Buffer.from('kernel'.repeat(100));
  const digests = (data: Buffer) => ({ 'x-sdk-sha256': createHash('sha256').update(data).digest('hex') });
  const packed = gzipSync(plain);
  objects.put({ ...agent, 'build-ipa': 'kernel', 'disk-format': 'aki', ...digests(kernel) }, { content: kernel });
  objects.put({ ...agent, 'build-ipa': 'initramfs', 'disk-format': 'ari', ...digests(packed) }, { content: packed });

  const outcome = await objects.deploy({ import_method: 'web-download', images: ['CC-IPA*'] });

  expect(outcome.failures).toEqual([]);
  const results = outcome.values.images as { name: string; converted?: string; verified_by?: string[] }[];
  expect(results.find(({ name: each }) => each === initramfsName)).toMatchObject({
    converted: 'from gzip to ari',
    verified_by: ['size', expect.stringMatching(/^(store|publisher)'s /), "Glance's md5"],
  });
  expect(objects.published().get(initramfsName)).toMatchObject({ size: plain.length });
  expect((await objects.deploy({ import_method: 'web-download', images: ['CC-IPA*'] })).changed).toBe(false);
  await objects.close();
});
