// The older image store on the real services: Swift with segmented objects, Glance, the built
// executables.
import { expect, test } from '@jest/globals';
import { mib, makeDisk } from './disk.js';
import { glanceDigest, onlyImage } from './images.js';
import { agent, downloads, expectContent, putPair, withObjects } from './objects-store.js';
import { uploadsTo, writesTo } from './site.js';

test.concurrent(
  'deploys everything that supports.yaml lists, segmented objects too, and nothing in the second run',
  withObjects(async (site) => {
    const { names, objects } = site;
    const focal = await objects.put({ content: makeDisk({ bytes: 5 * mib }), large: { kind: 'dynamic', segments: 3 } });
    await objects.put({ metadata: { 'build-timestamp': '2022-12-31 23:59:59.999999' } });
    const cuda = await objects.put({
      metadata: { 'build-variant': 'gpu', 'build-cuda-version': 'cuda11' },
      content: makeDisk({ bytes: 5 * mib }),
      large: { kind: 'static', segments: 2 },
      checksums: true,
    });
    const jammy = await objects.put({
      metadata: { 'build-release': 'jammy', 'build-ipa': 'false', 'disk-format': 'raw' },
      content: makeDisk({ format: 'raw' }),
    });
    const { kernel, initramfs } = await putPair(site);

    const first = await site.deployObjects();
    const [writes, read] = [writesTo(site.glanceProxy).length, downloads(site)];
    const second = await site.deployObjects();

    expect(first).toMatchObject({ changed: true, msg: '5 deploy' });
    expect(read).toBe(5);
    expect(first.failed).toBeUndefined();
    await expectContent(site, names.focal, focal, {
      disk_format: 'qcow2',
      'build-distro': 'ubuntu',
      'build-timestamp': '1677628504.897832',
      'build-os-base-image-revision': '20230302',
    });
    await expectContent(site, names.cuda, cuda, { 'build-cuda-version': 'cuda11', image_tools_sha256: cuda.sha256 });
    await expectContent(site, names.jammy, jammy, { disk_format: 'raw', 'build-ipa': 'false' });
    await expectContent(site, names.kernel, kernel, {
      disk_format: 'aki',
      container_format: 'aki',
      'build-ipa': 'kernel',
    });
    await expectContent(site, names.initramfs, initramfs, {
      disk_format: 'ari',
      container_format: 'ari',
      'build-ipa': 'initramfs',
    });
    const verified = new Map(first.images.map(({ name, verified_by }) => [name, verified_by]));
    expect(verified.get(names.focal)).toEqual(['size', glanceDigest]);
    expect(verified.get(names.cuda)).toEqual(['size', "store's sha256", glanceDigest]);
    expect(verified.get(names.jammy)).toEqual(['size', "store's md5", glanceDigest]);
    expect((await site.production(names.focal)).current).toBeUndefined();
    expect(second).toMatchObject({ changed: false, msg: '5 up_to_date' });
    expect([writesTo(site.glanceProxy).length, downloads(site)]).toEqual([writes, read]);
  }),
);

test.concurrent(
  'upgrades: the image before keeps its id, and gets an archive name with its revision, with a counter where ' +
    'that is taken',
  withObjects(async (site) => {
    const { names, objects } = site;
    await objects.put();
    const { id: oldId } = onlyImage(await site.deployObjects({ images: [names.focal] }));
    const archiveName = `${names.focal}-20230302-1677628504.897832`;
    await site.glance.create({ name: archiveName, visibility: 'public' }, Buffer.from('older still'));
    const newer = await objects.put({ metadata: { 'build-timestamp': '2023-06-01 10:00:00' } });

    const result = await site.deployObjects({ images: [names.focal] });

    expect(onlyImage(result)).toMatchObject({
      action: 'deploy',
      archived_id: oldId,
      archived_name: `${archiveName}.2`,
      release: `${newer.id} 2023-06-01 10:00:00`,
    });
    expect(await site.glance.get(oldId)).toMatchObject({ visibility: 'public', 'chameleon-supported': 'no' });
    await expectContent(site, names.focal, newer, { image_tools_replaces: oldId });
    expect(await site.deployObjects({ images: [names.focal] })).toMatchObject({ changed: false });
  }),
);

test.concurrent(
  'takes what an earlier tool has deployed for what it is, whichever way its moment is spelt, and brings nothing in',
  withObjects(async (site) => {
    await site.objects.put();
    const properties = {
      'build-distro': 'ubuntu',
      'build-release': 'focal',
      'build-variant': 'base',
      'build-ipa': 'na',
      'build-os-base-image-revision': '20230302',
    };
    const old = await site.glance.create(
      { name: site.names.focal, visibility: 'public', ...properties, 'build-timestamp': '2023-02-28 23:55:04.897832' },
      Buffer.from('as it was'),
    );

    const result = await site.deployObjects({ images: [site.names.focal] });

    expect(onlyImage(result)).toMatchObject({
      action: 'up_to_date',
      id: old.id,
      reason: 'the site has the build of 2023-02-28 23:55:04.897832, revision 20230302',
    });
    expect(downloads(site)).toBe(0);
    expect(writesTo(site.glanceProxy)).toEqual([]);
  }),
);

test.concurrent(
  'deploys one object by its id, and the newest of a build by both spellings of --latest',
  withObjects(async (site) => {
    const { names, objects } = site;
    const older = await objects.put({ metadata: { 'build-timestamp': '2022-12-31 23:59:59' } });
    const newest = await objects.put();
    await objects.put({ metadata: { 'build-variant': 'gpu' } });
    const { object_store_url: _url, scope: _scope, lock_dir: lockDir } = site.argumentsOf();
    const flags = [
      '--objects-store-url',
      site.cloud.swift_url,
      '--objects-container',
      objects.container,
      '--supports-yaml',
      site.supportsYaml,
      '--lock-dir',
      String(lockDir),
      '--json',
    ];

    const byId = await site.startCommand(['deploy', '--image', older.id, ...flags]).ended;
    await expectContent(site, names.focal, older);
    const oneWord = await site.startCommand(['deploy', '--latest', 'ubuntu,focal,base', ...flags]).ended;
    await expectContent(site, names.focal, newest);
    const threeWords = await site.startCommand(['deploy', '--latest', 'ubuntu', 'focal', 'base', ...flags]).ended;
    const unknown = await site.startCommand(['deploy', '--latest', 'ubuntu,xenial,base', ...flags]).ended;

    expect([byId, oneWord, threeWords, unknown].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 2]);
    expect([byId, oneWord, threeWords].map(({ stdout }) => (JSON.parse(stdout) as { msg: string }).msg)).toEqual([
      '1 deploy',
      '1 deploy',
      '1 up_to_date',
    ]);
    expect(unknown.stdout + unknown.stderr).toContain('supports.yaml lists no such image');
  }),
);

test.concurrent(
  'brings kernel and initramfs of one build into production together, by --ipa, and keeps the whole pair before ' +
    'half a new one',
  withObjects(async (site) => {
    const { names, objects } = site;
    const older = await putPair(site, { 'build-timestamp': '2022-12-31 23:59:59' });
    await site.deployObjects({ ipa: 'kernel' });
    const { kernel, initramfs } = await putPair(site, { 'build-ipa': 'initramfs' });
    site.glanceProxy.addFault({ method: 'PATCH', nth: 2, status: 403 });

    const refused = await site.deployObjects({ ipa: 'initramfs' });
    await expectContent(site, names.kernel, older.kernel);
    await expectContent(site, names.initramfs, older.initramfs);
    const uploads = uploadsTo(site.glanceProxy).length;
    const resumed = await site.deployObjects({ ipa: 'initramfs' });

    expect(refused).toMatchObject({
      failed: true,
      code: 'PART_FAILED',
      images: [{ action: 'failed' }, { action: 'failed' }],
    });
    expect(resumed).toMatchObject({ changed: true, msg: '2 resume' });
    expect(uploadsTo(site.glanceProxy)).toHaveLength(uploads);
    await expectContent(site, names.kernel, kernel, { 'build-ipa': 'kernel', disk_format: 'aki' });
    await expectContent(site, names.initramfs, initramfs, { 'build-ipa': 'initramfs', disk_format: 'ari' });
    expect(resumed.images.map(({ archived_name: name }) => name)).toEqual(
      [names.kernel, names.initramfs].map((name) => `${name}-20230124-1270-2022-12-31 23:59:59`),
    );

    await objects.put({
      content: makeDisk({ format: 'raw' }),
      metadata: { ...agent, 'build-ipa': 'kernel', 'disk-format': 'aki', 'build-timestamp': '2024-01-01 00:00:00' },
    });
    const half = await site.deployObjects({ ipa: 'kernel' });

    expect(half).toMatchObject({
      changed: false,
      failed: true,
      images: [{ action: 'up_to_date' }, { action: 'up_to_date' }],
    });
    expect(half.msg).toContain(`${names.initramfs}: the build of 2024-01-01 00:00:00 has no initramfs`);
  }),
);

test.concurrent(
  'reads many objects without a word of its own on the terminal',
  withObjects(async (site) => {
    const content = Buffer.alloc(1024, 'disk');
    await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        site.objects.put({
          content,
          metadata: { 'disk-format': 'raw', 'build-timestamp': String(1_600_000_000 + index) },
        }),
      ),
    );
    const flags = [
      '--objects-store-url',
      site.cloud.swift_url,
      '--objects-container',
      site.objects.container,
      '--supports-yaml',
      site.supportsYaml,
      '--lock-dir',
      String(site.argumentsOf().lock_dir),
    ];

    const { exitCode, stdout, stderr } = await site.startCommand([
      'deploy',
      '--latest',
      'ubuntu,focal,base',
      '--dry-run',
      ...flags,
    ]).ended;

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(' 1600000023 ');
  }),
);
