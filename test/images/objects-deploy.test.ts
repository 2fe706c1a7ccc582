// image_deploy on the older image store: what is selected, and what becomes of it.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { markers } from '../../modules/images/policy/site-image.js';
import {
  actionsOf,
  agent,
  everything,
  fill,
  focalOnly,
  initramfsName,
  kernelName,
  resultsOf,
  startObjectsSite,
  type ObjectsSite,
} from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(30_000);

let site: ObjectsSite;

beforeEach(async () => {
  site = await startObjectsSite();
});

afterEach(() => site.close());

describe('with nothing selected', () => {
  test('everything that supports.yaml lists is deployed in the first run, and nothing in the second', async () => {
    const { focal, kernel } = fill(site);

    const first = await site.deploy();
    const writes = site.writes();
    const second = await site.deploy();

    expect(actionsOf(first)).toEqual(everything.map((name) => `${name} deploy`));
    expect(first).toMatchObject({ changed: true, failures: [], warnings: [] });
    expect([...site.published().keys()].sort()).toEqual(everything);
    expect(site.published().get('CC-Ubuntu20.04')).toMatchObject({
      ...{ disk_format: 'qcow2', container_format: 'bare', owner: site.keystone.admin.project.id },
      properties: {
        'build-distro': 'ubuntu',
        'build-timestamp': '1677628504.897832',
        'build-ipa': 'na',
        [markers.name]: 'CC-Ubuntu20.04',
        [markers.source]: `${site.objectsStore.containerUrl}/${focal}`,
      },
    });
    expect(site.published().get('CC-Ubuntu20.04')?.properties).not.toHaveProperty('current');
    expect(site.published().get(kernelName)).toMatchObject({
      disk_format: 'aki',
      container_format: 'aki',
      properties: { 'build-ipa': 'kernel', [markers.source]: expect.stringContaining(kernel) },
    });
    expect(second).toMatchObject({ changed: false, failures: [] });
    expect(resultsOf(second)[0]?.reason).toBe('the site has the build of 1677628504.897832, revision 20230302');
    expect(site.writes()).toEqual(writes);
  });

  test('check mode reports the same and sends no write', async () => {
    fill(site);

    const planned = await site.deploy({}, { checkMode: true });

    expect(actionsOf(planned)).toEqual(everything.map((name) => `${name} deploy`));
    expect(site.writes()).toEqual([]);
  });

  test('a newer build replaces the previous one, which gets an archive name with its revision', async () => {
    site.writeSupports(focalOnly);
    site.put();
    const [before] = resultsOf(await site.deploy());
    const newer = site.put({ 'build-timestamp': '2023-06-01 10:00:00', 'build-os-base-image-revision': '20230531' });

    const outcome = await site.deploy();

    expect(resultsOf(outcome)).toMatchObject([
      {
        action: 'deploy',
        release: `${newer} 2023-06-01 10:00:00`,
        reason: 'the site has the build of 1677628504.897832, revision 20230302',
        archived_id: before?.id,
      },
    ]);
    expect(site.glance.state.images.get(before?.id ?? '')).toMatchObject({
      name: 'CC-Ubuntu20.04-20230302-1677628504.897832',
      visibility: 'public',
      properties: { 'chameleon-supported': 'no' },
    });
    expect(await site.deploy()).toMatchObject({ changed: false });
  });

  test('an image that the store lacks fails, and stops no other', async () => {
    site.put();

    const outcome = await site.deploy({ exclude: 'CC-IPA*' });

    expect(actionsOf(outcome)).toEqual([
      'CC-Ubuntu20.04 deploy',
      'CC-Ubuntu20.04-CUDA failed',
      'CC-Ubuntu22.04 failed',
    ]);
    expect(outcome.failures[0]).toContain('the store has no object for ubuntu focal gpu');
  });

  test('a leftover of an earlier run, of a build that is no longer the newest, is removed', async () => {
    site.writeSupports(focalOnly);
    site.put();
    await site.deploy();
    const image = site.published().get('CC-Ubuntu20.04');
    const left = site.glance.seed({
      ...image,
      id: 'aaaaaaaa-0000-4000-8000-000000000000',
      name: 'testing_CC-Ubuntu20.04',
      visibility: 'private',
      properties: { ...image?.properties, 'build-timestamp': '2022-01-01 00:00:00' },
    });
    left.properties[markers.id] = left.id;

    expect(actionsOf(await site.deploy())).toEqual(['CC-Ubuntu20.04 delete', 'CC-Ubuntu20.04 up_to_date']);
    expect(site.glance.state.images.get(left.id)?.status ?? 'deleted').toBe('deleted');
  });
});

describe('a selection', () => {
  test.each([
    ['latest in one word', { latest: 'ubuntu,focal,base' }, ['CC-Ubuntu20.04']],
    ['latest in three words', { latest: ['ubuntu', 'focal', 'base'] }, ['CC-Ubuntu20.04']],
    ['latest with two words', { latest: 'ubuntu,focal' }, ['CC-Ubuntu20.04', 'CC-Ubuntu20.04-CUDA']],
    ['latest of an agent', { latest: 'ipa_debian,bullseye,amd64', ipa: 'kernel' }, [initramfsName, kernelName]],
    ['ipa', { ipa: 'initramfs' }, [initramfsName, kernelName]],
    ['a name', { catalog: 'objects', images: 'CC-Ubuntu22.04' }, ['CC-Ubuntu22.04']],
    ['a pattern that names one half', { catalog: 'objects', images: '*.kernel' }, [initramfsName, kernelName]],
    ['an exclusion', { catalog: 'objects', exclude: 'CC-IPA*,*CUDA' }, ['CC-Ubuntu20.04', 'CC-Ubuntu22.04']],
  ])('by %s means this store, whatever catalog says', async (_, args, names) => {
    fill(site);

    const outcome = await site.deploy({ catalog: 'releases', object_store_url: null, ...args }, { checkMode: true });

    expect(actionsOf(outcome)).toEqual(names.map((name) => `${name} deploy`));
  });

  test('by an id deploys this object, older than the newest, and by that of a half the pair', async () => {
    const { kernel } = fill(site);
    const older = site.put({ 'build-timestamp': '2020-01-01 00:00:00' });
    site.objectsStore.refusals.set('', 500);

    const outcome = await site.deploy({ catalog: 'releases', image: older });
    site.objectsStore.refusals.clear();
    const pair = await site.deploy({ image: kernel });

    expect(resultsOf(outcome)).toMatchObject([
      { name: 'CC-Ubuntu20.04', action: 'deploy', release: `${older} 2020-01-01 00:00:00` },
    ]);
    expect(actionsOf(pair)).toEqual([`${initramfsName} deploy`, `${kernelName} deploy`]);
    expect(actionsOf(await site.deploy({ images: 'CC-Ubuntu20.04' }))).toEqual(['CC-Ubuntu20.04 deploy']);
  });

  test('by an id that the store lacks, or that exclude leaves out, fails', async () => {
    const id = site.put();

    const absent = await site.deploy({ image: 'aaaaaaaa-0000-4000-8000-000000000000' });
    const excluded = await site.deploy({ image: id, exclude: 'CC-*' });

    expect(absent.failures).toEqual([
      expect.stringContaining('aaaaaaaa-0000-4000-8000-000000000000: the store has no image http'),
    ]);
    expect(excluded.failures).toEqual(['CC-Ubuntu20.04: it is requested by its id, but exclude leaves it out']);
  });

  test.each([
    [
      { latest: 'ubuntu,xenial' },
      'latest ubuntu,xenial: supports.yaml lists no such image; it lists: ubuntu,focal,base ubuntu,focal,gpu',
    ],
    [
      { latest: 'ubuntu,focal', ipa: 'kernel' },
      'latest ubuntu,focal and ipa kernel: supports.yaml lists no such image',
    ],
    [
      { image: 'aaaaaaaa-0000-4000-8000-000000000000', latest: 'ubuntu' },
      'images: an id cannot be combined with latest',
    ],
    [
      { supports_yaml: '/nonexistent/supports.yaml' },
      'supports_yaml: /nonexistent/supports.yaml cannot be read: there is no such file',
    ],
    [{ objects_store_url: 'ftp://x' }, 'objects_store_url: "ftp://x" is not allowed'],
  ])('that is wrong, as %j, is refused before the store is asked', async (args, message) => {
    await expect(site.deploy(args)).rejects.toThrow(message);
    expect([...site.objectsStore.requests, ...site.writes()]).toEqual([]);
  });
});

test('min_disk is set from a disk and never from a kernel', async () => {
  site.putPair();
  site.put();

  await site.deploy({ images: 'CC-IPA*,CC-Ubuntu20.04', min_disk: 'auto' });

  expect([...site.published().values()].map(({ name, min_disk }) => [name, min_disk]).sort()).toEqual([
    [initramfsName, 0],
    [kernelName, 0],
    ['CC-Ubuntu20.04', 0],
  ]);
});

test('an agent whose kernel is a page of HTML is refused, both halves of it', async () => {
  site.put({ ...agent, 'build-ipa': 'kernel', 'disk-format': 'aki' }, { content: '<html>'.padEnd(200) });
  site.put({ ...agent, 'build-ipa': 'initramfs', 'disk-format': 'ari' }, { content: 'x'.repeat(200) });

  const outcome = await site.deploy({ ipa: 'kernel' });

  expect(resultsOf(outcome).map(({ name, reason }) => [name, reason])).toEqual([
    [kernelName, expect.stringContaining('is HTML, not aki')],
    [
      initramfsName,
      expect.stringContaining(`it goes into production only together with ${kernelName}, which is not ready`),
    ],
  ]);
  expect(site.writes()).toEqual([]);
  expect(site.progress.filter(({ isAnnounced }) => isAnnounced)).toEqual([]);
});
