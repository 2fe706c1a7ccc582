// What an earlier deployer of the older store did wrong with the site's images, each shown to be
// right here. The numbers are those of the list of its faults.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { markers } from '../../modules/images/policy/site-image.js';
import { takeRunLock } from '../../modules/runtime/run-lock.js';
import { lockContext } from '../runtime/lock-context.js';
import { startImageStore } from '../sandbox/image-store.js';
import {
  actionsOf,
  disk,
  focalName as name,
  focalOnly,
  focalProperties,
  resultsOf,
  startProxiedSite,
  type ProxiedSite,
} from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(30_000);

let site: ProxiedSite;

beforeEach(async () => {
  site = await startProxiedSite({ objectsStore: { pageLength: 3 } });
  site.writeSupports(focalOnly);
});

afterEach(() => site.close());

const owner = (): string => site.keystone.admin.project.id;

test('8: what supports.yaml does not list stops no other image, and false means na', async () => {
  site.put({ 'build-distro': 'gentoo' });
  site.put({ 'build-ipa': 'false' });
  const { supported_distros, supported_variants } = focalOnly;
  site.writeSupports({
    supported_distros: {
      ...supported_distros,
      debian: { releases: { 12: { prod_name: 'CC-Debian12', variants: ['bass'] } } },
    },
    supported_variants,
  });

  const outcome = await site.deploy();

  expect(actionsOf(outcome)).toEqual([`${name} deploy`, 'debian 12 bass failed']);
  expect(outcome.failures[0]).toContain(
    'supported_distros.debian.releases.12.variants[0] is "bass", which is not in supported_variants; ' +
      'did you mean base?',
  );
});

test('9: a user’s image of the same name and properties is not mistaken for ours', async () => {
  site.put();
  for (const visibility of ['private', 'shared', 'community'])
    site.glance.seed({ name, owner: 'somebody', visibility, properties: focalProperties() });
  site.glance.seed({ name, owner: owner(), visibility: 'private', properties: focalProperties() });

  expect(actionsOf(await site.deploy())).toEqual([`${name} deploy`]);
});

test('10: two images of the name are detected before anything is uploaded, and leave nothing behind', async () => {
  site.put();
  for (let count = 0; count < 2; count++)
    site.glance.seed({
      name,
      owner: owner(),
      properties: focalProperties({ 'build-timestamp': `2022-01-0${count + 1} 00:00:00` }),
    });

  const outcome = await site.deploy();

  expect(actionsOf(outcome)).toEqual([`${name} conflict`]);
  expect(site.writes()).toEqual([]);
});

test('11: the production name always has an image, and a promotion whose archiving is refused is reverted', async () => {
  site.put();
  const old = site.glance.seed({
    name,
    owner: owner(),
    properties: focalProperties({ 'build-timestamp': '2022-01-01 00:00:00' }),
  });
  site.glanceProxy.addFault({ method: 'PATCH', path: new RegExp(old.id), nth: 1, status: 403 });

  const refused = await site.deploy();
  const present = site.published().get(name)?.id;
  const next = await site.deploy();

  expect(refused.failures).toEqual([expect.stringContaining('was rolled back, and the next run tries again')]);
  expect(present).toBe(old.id);
  expect(resultsOf(next)).toMatchObject([{ action: 'resume', archived_id: old.id }]);
});

test('12: an image without a revision is archived under its build time', async () => {
  site.put();
  const { 'build-os-base-image-revision': _revision, ...others } = focalProperties({
    'build-timestamp': '2022-01-01 00:00:00',
  });
  site.glance.seed({ name, owner: owner(), properties: others });

  expect(resultsOf(await site.deploy())).toMatchObject([{ archived_name: `${name}_2022-01-01 00:00:00` }]);
});

test('13: an application credential works as login, with a region and an interface', async () => {
  site.put();
  const { id, secret } = site.keystone.admin.applicationCredential;

  const outcome = await site.deploy({
    auth_type: 'v3applicationcredential',
    auth: { auth_url: site.auth.auth_url, application_credential_id: id, application_credential_secret: secret },
    region_name: site.keystone.region,
    interface: 'internal',
  });

  expect(actionsOf(outcome)).toEqual([`${name} deploy`]);
});

test('14: the URL of the store is configurable', async () => {
  const elsewhere = await startImageStore({ container: 'mirror' });
  try {
    elsewhere.put('0b8f2d54-2a59-4f4e-9c0b-3f0a1e2d4c5b', disk(), {
      metadata: { ...focalProperties(), 'disk-format': 'qcow2' },
    });

    const outcome = await site.deploy({
      objects_store_url: `${elsewhere.objectStoreUrl}/`,
      objects_container: 'mirror',
    });

    expect(actionsOf(outcome)).toEqual([`${name} deploy`]);
  } finally {
    await elsewhere.close();
  }
});

test('15: the previous image is marked as no longer supported, with the day, for the cleaner to hide', async () => {
  site.put();
  const old = site.glance.seed({
    name,
    owner: owner(),
    properties: { ...focalProperties({ 'build-timestamp': '2022-01-01 00:00:00' }), 'chameleon-supported': 'true' },
  });

  await site.deploy();

  expect(site.glance.state.images.get(old.id)?.properties).toMatchObject({
    'chameleon-supported': 'no',
    [markers.supersededAt]: expect.stringMatching(/Z$/),
  });
});

test('16: a second run is refused, images are selected by name, and several are uploaded at a time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  const variants = ['a', 'b', 'c', 'd'];
  site.writeSupports({
    supported_distros: { ubuntu: { releases: { focal: { prod_name: 'CC-X', variants } } } },
    supported_variants: Object.fromEntries(variants.map((variant) => [variant, { prod_name_suffix: variant }])),
  });
  for (const variant of variants) site.put({ 'build-variant': variant });
  let [present, most] = [0, 0];
  site.glanceProxy.addFault({
    method: 'PUT',
    delaySeconds: 0.05,
    before: () => void (most = Math.max(most, ++present)),
    answered: () => void present--,
  });

  const lock = await takeRunLock({
    context: lockContext(),
    directory: folder,
    operation: 'image_deploy',
    cloud: `${site.keystone.url} ${site.keystone.admin.project.id} ${site.keystone.region}`,
  });
  const args = { images: 'CC-X-*', exclude: 'CC-X-d', concurrency: 3, lock_dir: folder };

  await expect(site.deploy(args)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
  await lock.release();
  const outcome = await site.deploy(args);

  expect(actionsOf(outcome)).toEqual(['CC-X-a deploy', 'CC-X-b deploy', 'CC-X-c deploy']);
  expect(most).toBeGreaterThan(1);
  rmSync(folder, { recursive: true });
});
