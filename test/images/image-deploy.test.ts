import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
import { publishRelease } from '../sandbox/releases.js';
import { startSite, type TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startSite();
});

afterEach(() => site.close());

/** A qcow2 header with something after it. */
function disk(content = 'data'): Buffer {
  const head = Buffer.alloc(1024);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(3, 4);
  return Buffer.concat([head, Buffer.from(content)]);
}

function publish(name: string, release: string, content = disk()): string {
  return publishRelease(site.store, { name, release, content });
}

function resultsOf({ values }: Outcome) {
  return values.images as {
    name: string;
    action: string;
    reason: string;
    id?: string;
    archived_name?: string;
    verified_by?: string[];
  }[];
}

describe('a deployment', () => {
  test('verifies the first image of a site by the same as any other', async () => {
    publish('CC-Ubuntu22.04', '20250422-v1-amd');
    const [first] = resultsOf(await site.run(imageDeploy));
    publish('CC-Ubuntu24.04', '20250422-v1-amd');

    const second = resultsOf(await site.run(imageDeploy)).find(({ name }) => name === 'CC-Ubuntu24.04');

    expect(first?.verified_by).toEqual(['size', expect.stringMatching("^store's "), "Glance's md5"]);
    expect(second?.verified_by).toEqual(first?.verified_by);
  });

  test('changes the site in the first run and nothing in the second', async () => {
    publish('CC-Ubuntu22.04', '20250422-v1-amd');

    const first = await site.run(imageDeploy);
    const writes = site.writes();
    const second = await site.run(imageDeploy);

    const end = 'at 127.0.0.1; nothing failed.';
    expect(first).toMatchObject({ changed: true, failures: [], summary: `1 image deployed (1.0 KiB) ${end}` });
    expect(second).toMatchObject({ changed: false, failures: [], summary: `1 image up to date ${end}` });
    expect(site.writes()).toEqual(writes);
    expect(writes.map((write) => write.split(' ')[0])).toEqual(['POST', 'PUT', 'PATCH']);
  });

  test('in check mode reports the plan and sends no write', async () => {
    publish('CC-Ubuntu22.04', '20250422-v1-amd');

    const planned = await site.run(imageDeploy, {}, { checkMode: true });

    const summary = 'Planned: 1 image to deploy (1.0 KiB) at 127.0.0.1; nothing failed.';
    expect(planned).toMatchObject({ changed: true, message: 'planned: 1 deploy', summary });
    expect(resultsOf(planned)).toMatchObject([
      { name: 'CC-Ubuntu22.04', action: 'deploy', reason: 'the site has no image of this name' },
    ]);
    expect(site.writes()).toEqual([]);
  });

  test('with nothing to do asks Keystone once, the store once and Glance twice', async () => {
    publish('CC-Ubuntu22.04', '20250422-v1-amd');
    await site.run(imageDeploy);
    const before = {
      glance: site.glance.requests.length,
      store: site.store.requests.length,
      keystone: site.keystone.requests.length,
    };

    await site.run(imageDeploy);

    expect(site.glance.requests.length - before.glance).toBe(2);
    expect(site.store.requests.length - before.store).toBe(1);
    expect(site.keystone.requests.length - before.keystone).toBe(1);
  });

  test('reports progress up to the last byte', async () => {
    publish('CC-Ubuntu22.04', '20250422-v1-amd');

    await site.run(imageDeploy);

    expect(site.progress).toContainEqual({
      subject: 'CC-Ubuntu22.04',
      stage: 'transfer',
      doneBytes: 1028,
      totalBytes: 1028,
    });
    expect(site.progress.at(-1)).toEqual({ subject: 'CC-Ubuntu22.04', stage: 'done' });
  });

  test('of one image fails without stopping the others', async () => {
    publish('CC-Good', '20250422-v1');
    site.store.objects.delete(publish('CC-Missing', '20250422-v1'));
    publish('CC-Html', '20250422-v1', Buffer.from('<html>'.padEnd(600)));

    const outcome = await site.run(imageDeploy);

    expect(resultsOf(outcome).map(({ name, action }) => [name, action])).toEqual([
      ['CC-Good', 'deploy'],
      ['CC-Html', 'failed'],
      ['CC-Missing', 'failed'],
    ]);
    expect(outcome.failures).toHaveLength(2);
    expect(outcome.failures.join()).toContain(
      `the store has no image ${site.store.containerUrl}/prod/versions/20250422-v1/CC-Missing.qcow2`,
    );
    expect(outcome.failures.join()).toContain('is HTML, not qcow2');
  });

  test('takes over the image of an older tool, which has no marker', async () => {
    publish('CC-Ubuntu22.04', '20250601-v1-amd');
    const owner = site.keystone.admin.project.id;
    const old = site.glance.seed({
      name: 'CC-Ubuntu22.04',
      owner,
      properties: { current: '20250422-v1-amd', 'build-timestamp': '2025-04-22 15:30:45' },
    });

    const outcome = await site.run(imageDeploy, {}, { now: new Date('2025-06-02T03:00:00Z') });

    expect(resultsOf(outcome)).toMatchObject([
      { action: 'deploy', archived_id: old.id, archived_name: 'CC-Ubuntu22.04_2025-04-22 15:30:45' },
    ]);
    expect(site.glance.state.images.get(old.id)).toMatchObject({
      name: 'CC-Ubuntu22.04_2025-04-22 15:30:45',
      visibility: 'public',
      properties: { 'chameleon-supported': 'no', [markers.supersededAt]: '2025-06-02T03:00:00Z' },
    });
  });

  test('warns of what a manifest may not set, and does not set it', async () => {
    const content = disk();
    publishRelease(site.store, {
      name: 'CC-Evil',
      release: '20250422-v1',
      content,
      manifest: { visibility: 'public', owner: 'stranger', image_tools_id: 'x', harmless: 'yes' },
    });

    const outcome = await site.run(imageDeploy);

    expect(outcome.warnings).toEqual([
      "CC-Evil: the manifest's visibility, owner, image_tools_id cannot be set by a manifest and were left out",
    ]);
    const image = site.glance.state.images.get(resultsOf(outcome)[0]?.id ?? '');
    expect(image).toMatchObject({
      owner: site.keystone.admin.project.id,
      properties: { harmless: 'yes', [markers.id]: image?.id },
    });
  });
});

describe('properties that a service acts on', () => {
  const manifest = {
    image_type: 'snapshot',
    base_image_ref: 'x',
    cinder_encryption_key_id: 'x',
    hw_firmware_type: 'uefi',
    os_distro: 'ubuntu',
  };

  test('are left out of an image with a warning, except those that the site allows', async () => {
    publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1', content: disk(), manifest });

    const outcome = await site.run(imageDeploy, { allowed_properties: ['hw_*'] });

    expect(outcome.warnings).toEqual([
      expect.stringMatching(
        /^CC-Ubuntu22.04: the manifest's image_type, base_image_ref, cinder_encryption_key_id cannot be set by a manifest, because .* act on it/,
      ),
    ]);
    const { properties } = site.glance.state.images.get(resultsOf(outcome)[0]?.id ?? '') ?? {};
    expect(properties).toMatchObject({ hw_firmware_type: 'uefi', os_distro: 'ubuntu' });
    for (const name of ['image_type', 'base_image_ref', 'cinder_encryption_key_id'])
      expect(properties).not.toHaveProperty(name);
  });

  test('cannot be allowed if they refer to resources of the site', async () => {
    await expect(site.run(imageDeploy, { allowed_properties: ['kernel_id', 'os_*'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('allowed_properties: kernel_id'),
    });
  });
});

describe('a selection', () => {
  beforeEach(() => {
    for (const name of ['CC-Ubuntu22.04', 'CC-Ubuntu24.04', 'CC-Ubuntu24.04-ARM64', 'CC-CentOS9-Stream'])
      publish(name, '20250422-v1');
  });

  test.each([
    ['a name', { images: ['CC-Ubuntu22.04'] }, ['CC-Ubuntu22.04']],
    ['a pattern', { images: ['CC-Ubuntu24*'] }, ['CC-Ubuntu24.04', 'CC-Ubuntu24.04-ARM64']],
    ['an exclusion', { exclude: ['*-ARM64', 'CC-Cent*'] }, ['CC-Ubuntu22.04', 'CC-Ubuntu24.04']],
    ['text with commas', { images: 'CC-Ubuntu22.04, CC-CentOS9-Stream' }, ['CC-CentOS9-Stream', 'CC-Ubuntu22.04']],
  ])('by %s', async (_, args, names) => {
    const outcome = await site.run(imageDeploy, args, { checkMode: true });

    expect(resultsOf(outcome).map(({ name }) => name)).toEqual(names);
  });

  test('of a name that is not in the catalogue fails and suggests the nearest', async () => {
    const outcome = await site.run(imageDeploy, { images: ['CC-Ubunto22.04'] }, { checkMode: true });

    expect(outcome.failures).toEqual([
      'CC-Ubunto22.04: the catalogue has no image of this name; did you mean CC-Ubuntu22.04?',
    ]);
  });

  test('by a pattern that matches nothing warns', async () => {
    const outcome = await site.run(imageDeploy, { images: ['CC-Debian*'] }, { checkMode: true });

    expect(outcome).toMatchObject({
      message: 'no images selected',
      warnings: ['images: no image of the catalogue matches CC-Debian*'],
      failures: [],
    });
  });

  test.each([
    [{ images: [{}] }, 'images[0]: {} is of the wrong type; it must be text'],
    [{ image_type: 'qcow3' }, 'image_type: "qcow3" is not allowed; allowed: qcow2, raw'],
    [{ immages: 'CC-Ubuntu22.04' }, 'immages is not an option of image_deploy; did you mean images?'],
    [{ concurrency: 0 }, 'concurrency: 0 is out of range; allowed: 1 to 16'],
    [{ scope: '../prod' }, 'scope'],
    [{ object_store_url: 'ftp://store' }, 'object_store_url'],
    [{ latest: 'a,b,c,d' }, 'latest'],
    [{ object_store_url: '' }, 'object_store_url'],
    [{ catalog: 'release' }, 'catalog[0]: "release" is not allowed; allowed: releases, objects'],
    [{ catalog: [] }, 'catalog must not be empty'],
    [{ images: ['CC-Ubuntu22.04', '0b8f2d54-2a59-4f4e-9c0b-3f0a1e2d4c5b'] }, 'mixes ids and names'],
    [{ image_prefix: 'CC Ubuntu/' }, 'image_prefix'],
  ])('that is wrong, as %j, is refused before anything is asked', async (args, message) => {
    await expect(site.run(imageDeploy, args)).rejects.toThrow(message);
    expect([...site.glance.requests, ...site.store.requests]).toEqual([]);
  });
});

test('a site with 5,000 images is planned with as many requests as there are pages', async () => {
  publish('CC-Ubuntu22.04', '20250422-v1-amd');
  for (let count = 0; count < 5000; count++) site.glance.seed({ name: `user image ${count}`, owner: 'somebody' });

  const outcome = await site.run(imageDeploy, {}, { checkMode: true });

  expect(resultsOf(outcome)).toMatchObject([{ action: 'deploy' }]);
  expect(site.glance.requests.length).toBeLessThanOrEqual(7);
});
