// image_deploy on the older image store: what is selected, what becomes of it, and both stores in
// one run.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { markers } from '../../modules/images/policy/site-image.js';
import { publishRelease } from '../sandbox/releases.js';
import {
  actionsOf,
  agent,
  disk,
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

/** One object for each image of supports.yaml. */
function fill(): { focal: string; gpu: string; jammy: string; kernel: string; initramfs: string } {
  const [focal, gpu, jammy] = [
    site.put(),
    site.put({ 'build-variant': 'gpu' }),
    site.put({ 'build-release': 'jammy', 'build-ipa': 'false' }),
  ];
  site.objectsStore.put('not-an-image', 'x');
  site.objectsStore.put(`${focal}/000000`, 'segment');
  return { focal, gpu, jammy, ...site.putPair() };
}

const everything = [
  'CC-IPA-Debian11-AMD64.initramfs',
  'CC-IPA-Debian11-AMD64.kernel',
  'CC-Ubuntu20.04',
  'CC-Ubuntu20.04-CUDA',
  'CC-Ubuntu22.04',
];

describe('with nothing selected', () => {
  test('everything that supports.yaml lists is deployed in the first run, and nothing in the second', async () => {
    const { focal, kernel } = fill();

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
    fill();

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
    fill();

    const outcome = await site.deploy({ catalog: 'releases', object_store_url: null, ...args }, { checkMode: true });

    expect(actionsOf(outcome)).toEqual(names.map((name) => `${name} deploy`));
  });

  test('by an id deploys this object, older than the newest, and by that of a half the pair', async () => {
    const { kernel } = fill();
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

describe('both stores in one run', () => {
  const both = { catalog: 'releases,objects' };

  test('deploy side by side, and a name that both have comes from the first', async () => {
    fill();
    publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1-amd', content: disk('release') });
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk('release') });

    const first = await site.deploy(both);

    expect(actionsOf(first)).toEqual([...everything, 'CC-Ubuntu24.04'].map((name) => `${name} deploy`));
    expect(site.published().get('CC-Ubuntu22.04')?.properties.current).toBe('20250422-v1-amd');
    expect(site.published().get('CC-Ubuntu20.04')?.properties.current).toBeUndefined();
    expect(await site.deploy(both)).toMatchObject({ changed: false, failures: [] });
    expect(resultsOf(await site.deploy({ catalog: 'objects,releases', images: 'CC-Ubuntu22.04' }))).toMatchObject([
      { action: 'deploy', archived_name: 'CC-Ubuntu22.04_2025-04-22 15:30:45.123456' },
    ]);
  });

  test('of which the first cannot be read, deploy from the other, leave what came from the first, and fail', async () => {
    fill();
    publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1-amd', content: disk('release') });
    await site.deploy({ catalog: 'releases' });
    site.store.refusals.set('prod/current', 403);

    const outcome = await site.deploy(both);

    expect(actionsOf(outcome)).toEqual(
      everything.map((name) => `${name} ${name === 'CC-Ubuntu22.04' ? 'failed' : 'deploy'}`),
    );
    expect(outcome.failures.join()).toContain('the catalogue releases could not be read: ');
    expect(site.published().get('CC-Ubuntu22.04')?.properties.current).toBe('20250422-v1-amd');
  });

  test('of which the second cannot be listed, deploy from the first, and fail', async () => {
    fill();
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk('release') });
    site.objectsStore.refusals.set('', 403);

    const outcome = await site.deploy(both);

    expect(actionsOf(outcome)).toEqual(['CC-Ubuntu24.04 deploy']);
    expect(outcome.failures).toEqual([expect.stringMatching(/^the catalogue objects could not be read: .*403/)]);
  });

  test('select by name from either, and report a name that neither has', async () => {
    fill();
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk() });

    const outcome = await site.deploy(
      { ...both, images: 'CC-Ubuntu24.04,CC-Ubuntu20.04,CC-Ubuntu26.04' },
      { checkMode: true },
    );

    expect(actionsOf(outcome)).toEqual(['CC-Ubuntu20.04 deploy', 'CC-Ubuntu24.04 deploy', 'CC-Ubuntu26.04 failed']);
  });

  test('do not ask the older one if only names of the other are selected', async () => {
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk() });

    await site.deploy({ ...both, images: 'CC-Ubuntu24.04' });

    expect(site.objectsStore.requests).toEqual([]);
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
});
