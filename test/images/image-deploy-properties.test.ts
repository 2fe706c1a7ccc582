// Properties that the site gives to images, over those of the catalogue.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { publishRelease } from '../sandbox/releases.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
let site: TestSite;

beforeEach(async () => {
  site = await startSite();
  publish('20250422-v1-amd');
});

afterEach(() => site.close());

function publish(release: string): void {
  const content = Buffer.alloc(1024);
  content.write('QFI\xfb', 0, 'latin1');
  content.writeUInt32BE(3, 4);
  const manifest = { os_distro: 'ubuntu', os_version: '22.04' };
  publishRelease(site.store, { name, release, content, manifest });
}

function resultOf({ values }: Outcome) {
  return (values.images as Record<string, unknown>[])[0] ?? {};
}

function production() {
  return [...site.glance.state.images.values()].find((image) => image.name === name);
}

describe('properties of the site', () => {
  test('are in the request that creates the image, over those of the manifest', async () => {
    const properties = { 'CC-*': { hw_disk_bus: 'scsi', os_version: 24 }, [name]: { os_distro: null } };

    const outcome = await site.run(imageDeploy, { properties });

    expect(outcome).toMatchObject({ changed: true, failures: [], warnings: [] });
    expect(production()?.properties).toMatchObject({
      hw_disk_bus: 'scsi',
      os_version: '24',
      current: '20250422-v1-amd',
    });
    expect(production()?.properties).not.toHaveProperty('os_distro');
    expect(site.writes().map((write) => write.split(' ')[0])).toEqual(['POST', 'PUT', 'PATCH']);
  });

  test('do not keep the image of an interrupted run from being resumed', async () => {
    const properties = { 'CC-*': { hw_disk_bus: 'scsi' } };
    site.glance.state.uploads = 'lose';
    await site.run(imageDeploy, { properties, attempts: 1 });
    site.glance.state.uploads = 'keep';
    const [begun] = [...site.glance.state.images.keys()];

    const outcome = await site.run(imageDeploy, { properties });

    expect(resultOf(outcome)).toMatchObject({ action: 'resume', id: begun });
  });

  test('that match no image are reported, unless only some images are deployed', async () => {
    const properties = { 'CC-Debian*': { hw_disk_bus: 'scsi' } };

    const whole = await site.run(imageDeploy, { properties }, { checkMode: true });
    const selected = await site.run(imageDeploy, { properties, images: [name] }, { checkMode: true });

    expect(whole.warnings).toEqual(['properties: no image of the catalogue matches CC-Debian*']);
    expect(selected.warnings).toEqual([]);
  });

  test.each([
    [{ '*': { visibility: 'public' } }, '"visibility" of "*" cannot be set: it is an attribute of Glance'],
    [{ '*': { image_tools_id: 'x' } }, 'these tools identify their images by this marker'],
    [{ '*': { ramdisk_id: 'x' } }, 'refers to resources of the site'],
    [{ '*': { x: ['y'] } }, 'its value must be text'],
    ['CC-*=x', 'properties'],
  ])('%j are refused before anything is asked', async (properties, message) => {
    await expect(site.run(imageDeploy, { properties })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message),
    });
    expect([...site.glance.requests, ...site.store.requests]).toEqual([]);
  });
});
