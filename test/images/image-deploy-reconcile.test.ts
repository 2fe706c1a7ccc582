// Properties of production images that are up to date are kept as the site says.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import { startFaultProxy } from '../cloud/fault-proxy.js';
import { publishRelease } from '../sandbox/releases.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const properties = { 'CC-*': { hw_disk_bus: 'scsi', hw_scsi_model: 'virtio-scsi' } };
let site: TestSite;

beforeEach(async () => {
  site = await startSite();
  publish('20250422-v1-amd');
  await site.run(imageDeploy);
});

afterEach(() => site.close());

function publish(release: string): void {
  const content = Buffer.alloc(1024);
  content.write('QFI\xfb', 0, 'latin1');
  content.writeUInt32BE(3, 4);
  publishRelease(site.store, { name, release, content, manifest: { os_distro: 'ubuntu' } });
}

function resultsOf({ values }: Outcome) {
  return values.images as Record<string, unknown>[];
}

function production() {
  const found = [...site.glance.state.images.values()].find((image) => image.name === name);
  if (!found) throw new Error('there is no production image');
  return found;
}

describe('an image that is up to date', () => {
  test('gets in one request what differs, once', async () => {
    const before = site.writes().length;

    const first = await site.run(imageDeploy, { properties });
    const second = await site.run(imageDeploy, { properties });

    expect(site.writes().slice(before)).toEqual([`PATCH /v2/images/${production().id}`]);
    expect(first).toMatchObject({ changed: true, message: '1 update', failures: [] });
    expect(resultsOf(first)).toMatchObject([
      {
        action: 'update',
        id: production().id,
        reason: 'the site has release 20250422-v1-amd, and differs in hw_disk_bus, hw_scsi_model',
        changes: [
          { name: 'hw_disk_bus', before: null, after: 'scsi' },
          { name: 'hw_scsi_model', before: null, after: 'virtio-scsi' },
        ],
      },
    ]);
    expect(first.differences).toEqual([
      {
        header: `image ${name} (${production().id})`,
        before: { hw_disk_bus: null, hw_scsi_model: null },
        after: { hw_disk_bus: 'scsi', hw_scsi_model: 'virtio-scsi' },
      },
    ]);
    expect(production().properties).toMatchObject({
      hw_disk_bus: 'scsi',
      os_distro: 'ubuntu',
      current: '20250422-v1-amd',
    });
    expect(second).toMatchObject({ changed: false, message: '1 up_to_date' });
  });

  test('in check mode is shown with what differs, and is left as it is', async () => {
    const before = site.writes();

    const planned = await site.run(imageDeploy, { properties }, { checkMode: true });

    expect(planned).toMatchObject({ changed: true, message: 'planned: 1 update' });
    expect(planned.differences).toMatchObject([{ after: { hw_disk_bus: 'scsi' } }]);
    expect(site.writes()).toEqual(before);
  });

  test('is left as it is with reconcile: false', async () => {
    const outcome = await site.run(imageDeploy, { properties, reconcile: false });

    expect(outcome).toMatchObject({ changed: false, message: '1 up_to_date' });
  });

  test('keeps what an operator has set, unless the site says otherwise', async () => {
    Object.assign(production().properties, { by_hand: 'x', hw_disk_bus: 'virtio', gone: 'y' });

    await site.run(imageDeploy, { properties: { ...properties, [name]: { gone: null } } });

    expect(production().properties).toMatchObject({ by_hand: 'x', hw_disk_bus: 'scsi', os_distro: 'ubuntu' });
    expect(production().properties).not.toHaveProperty('gone');
  });

  test('keeps what the site says no longer', async () => {
    await site.run(imageDeploy, { properties });

    const outcome = await site.run(imageDeploy, { properties: { 'CC-*': { hw_disk_bus: 'scsi' } } });

    expect(outcome.changed).toBe(false);
    expect(production().properties).toMatchObject({ hw_scsi_model: 'virtio-scsi' });
  });

  test('that Glance refuses to change is reported, and tried again by the next run', async () => {
    const proxy = await startFaultProxy(site.glance.url);
    proxy.addFault({ method: 'PATCH', nth: 1, status: 403 });

    const failed = await site.run(imageDeploy, { properties, endpoint_override: { image: proxy.url } });
    await proxy.close();
    const next = await site.run(imageDeploy, { properties });

    expect(failed.failures.join()).toContain('is in production, but not all of its attributes could be set');
    expect(next).toMatchObject({ changed: true, message: '1 update' });
  });
});

test('an image that is held after a rollback is left as it is', async () => {
  publish('20250601-v1-amd');
  await site.run(imageDeploy);
  await site.run(imageRollback, { image: name });

  const outcome = await site.run(imageDeploy, { properties });

  expect(resultsOf(outcome)).toMatchObject([{ action: 'held' }]);
  expect(production().properties).not.toHaveProperty('hw_disk_bus');
});

test('an image with two candidates for production is left as it is', async () => {
  site.glance.seed({ name, properties: {} });
  const before = structuredClone([...site.glance.state.images.values()]);

  const outcome = await site.run(imageDeploy, { properties });

  expect(resultsOf(outcome)).toMatchObject([{ action: 'conflict' }]);
  expect([...site.glance.state.images.values()]).toEqual(before);
});
