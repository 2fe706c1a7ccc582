// What a site and an image list want of an image besides its data, on the real Glance.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { call, fact, tokenOf } from './cloud.js';
import { makeDisk } from './disk.js';
import type { ModuleResult } from './executable.js';
import { newRelease, onlyImage, publicImages } from './images.js';
import { startNginx } from './nginx.js';
import { withSite, writesTo, type Site } from './site.js';

test.concurrent(
  'gives images the properties of the site, when they are new and when they are up to date',
  withSite(async (site) => {
    await site.store.publish(site.name, newRelease);
    const bus = { '*': { hw_disk_bus: 'scsi' } };
    const more = { '*': { hw_disk_bus: 'virtio' }, [site.name]: { hw_scsi_model: 'virtio-scsi' } };

    const created = await site.deploy({ properties: bus });
    const writes = writesTo(site.glanceProxy).length;
    const planned = await site.deploy({ properties: more, _ansible_check_mode: true, _ansible_diff: true });
    const writesOfPlan = writesTo(site.glanceProxy).length - writes;
    const updated = await site.deploy({ properties: more });
    const second = await site.deploy({ properties: more });

    const changes = [
      { name: 'hw_disk_bus', before: 'scsi', after: 'virtio' },
      { name: 'hw_scsi_model', before: null, after: 'virtio-scsi' },
    ];
    expect([created, planned, updated, second].map(({ msg }) => msg)).toEqual([
      '1 deploy',
      'planned: 1 update',
      '1 update',
      '1 up_to_date',
    ]);
    expect([writesOfPlan, writesTo(site.glanceProxy).length - writes]).toEqual([0, 1]);
    expect(onlyImage(planned)).toMatchObject({ action: 'update', changes });
    expect(onlyImage(updated)).toMatchObject({ action: 'update', changes });
    expect(second.changed).toBe(false);
    expect(await publicImages(site)).toEqual([
      expect.objectContaining({ hw_disk_bus: 'virtio', hw_scsi_model: 'virtio-scsi', current: newRelease }),
    ]);
  }),
);

test.concurrent(
  'refuses what a site may not set, before anything is asked',
  withSite(async (site) => {
    const result = await site.deploy({ properties: { '*': { image_tools_id: 'x', min_ram: 1, kernel_id: 'y' } } });

    expect(result).toMatchObject({ failed: true, code: 'INVALID_INPUT' });
    expect(result.msg).toContain('"kernel_id" of "*" cannot be set');
    expect(site.glanceProxy.requests).toEqual([]);
  }),
);

/** A list of one image, served by an nginx; another version each time that it is written. */
async function openList(site: Site): Promise<(entry: Readonly<Record<string, unknown>>) => Promise<ModuleResult>> {
  const nginx = await startNginx('');
  const folder = mkdtempSync(join(tmpdir(), 'lists-'));
  site.afterwards(() => rmSync(folder, { recursive: true }));
  site.afterwards(() => nginx.close());
  site.afterwards(async () => {
    for (const image of await site.glance.list()) await site.glance.change(image.id, { protected: false });
  });
  const content = makeDisk();
  writeFileSync(join(nginx.served, 'disk.qcow2'), content);
  const checksum = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  const path = join(folder, 'list.yml');
  return (entry) => {
    const image = { name: site.name, url: `${nginx.url}/disk.qcow2`, checksum, version: '1', ...entry };
    writeFileSync(path, JSON.stringify({ images: [image] }));
    return site.deploy({ catalog: ['list'], image_lists: [path] });
  };
}

async function named(site: Site) {
  return (await site.glance.list()).filter(({ name }) => name === site.name);
}

test.concurrent(
  'shares an image with the projects of a list, which accept it, and with no others',
  withSite(async (site) => {
    const deploy = await openList(site);
    const [token, project] = [await tokenOf(site.cloud, 'demo'), fact(site.cloud, 'demo_project_id')];
    const shared = { visibility: 'shared', tags: ['os:test'], min_ram: 512, protected: true };
    const seen = async (id: string): Promise<boolean> => {
      const answer = await fetch(`${site.cloud.glance_url}/v2/images?id=${id}`, { headers: { 'X-Auth-Token': token } });
      return ((await answer.json()) as { images: unknown[] }).images.length > 0;
    };

    const first = await deploy({ ...shared, members: [project] });
    const { id = '' } = onlyImage(first);
    const seenBefore = await seen(id);
    await call('PUT', `${site.cloud.glance_url}/v2/images/${id}/members/${project}`, {
      headers: { 'X-Auth-Token': token, 'Content-Type': 'application/json' },
      body: JSON.stringify({ status: 'accepted' }),
    });
    const seenAccepted = await seen(id);
    const second = await deploy({ ...shared, members: [project] });
    const third = await deploy({ ...shared, members: [] });

    expect([first.msg, second.msg, third.msg]).toEqual(['1 deploy', '1 up_to_date', '1 update']);
    expect([seenBefore, seenAccepted, await seen(id)]).toEqual([false, true, false]);
    expect(onlyImage(third)).toMatchObject({ changes: [{ name: 'members', before: [project], after: [] }] });
    expect(await named(site)).toEqual([
      expect.objectContaining({ visibility: 'shared', tags: ['os:test'], min_ram: 512, protected: true }),
    ]);
  }),
);

test.concurrent(
  'replaces, changes, deactivates and rolls back images that are not public',
  withSite(async (site) => {
    const deploy = await openList(site);

    const first = await deploy({ visibility: 'private', protected: true });
    const second = await deploy({ visibility: 'private', protected: true, version: '2' });
    const { archived_id: archived = '' } = onlyImage(second) as unknown as { archived_id?: string };
    const kept = await site.glance.get(archived);
    const third = await deploy({ visibility: 'community', status: 'deactivated', version: '2' });
    const fourth = await deploy({ visibility: 'community', status: 'deactivated', version: '2' });
    const deactivated = await named(site);
    const back = await site.rollback();

    expect([first, second, third, fourth].map(({ msg }) => msg)).toEqual([
      '1 deploy',
      '1 deploy',
      '1 update',
      '1 up_to_date',
    ]);
    expect(kept).toMatchObject({ id: onlyImage(first).id, visibility: 'private', protected: false, status: 'active' });
    expect(deactivated).toEqual([expect.objectContaining({ visibility: 'community', status: 'deactivated' })]);
    expect(back).toMatchObject({ changed: true });
    expect(await named(site)).toEqual([
      expect.objectContaining({ id: archived, visibility: 'community', status: 'active' }),
    ]);
  }),
);
