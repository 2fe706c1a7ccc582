// The images of nodes, looked at before anything is changed, on the real Ironic and Glance.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseResult, startModule } from './executable.js';
import { withIronic, type BareResult, type BareSite } from './baremetal-site.js';
import { startImageServer } from './image-server.js';

test(
  'what Ironic could not use is refused before the node is created or changed, each with its reason',
  withIronic('keystone', async (bare) => {
    const server = await startImageServer(bare.site);
    server.files.set('ok', { content: 'kernel' });
    server.files.set('moved', { status: 302, headers: { Location: server.url('ok') } });
    server.files.set('no-head', { content: 'kernel', headStatus: 405 });
    server.files.set('no-length', { content: 'kernel', chunked: true });
    const queued = await bare.site.glance.create({ name: bare.name('queued') });
    const active = await bare.site.glance.create({ name: bare.name('active') }, Buffer.alloc(512, 'k'));
    const name = bare.name('images');
    const plan = (driver_info: Record<string, unknown>): Promise<BareResult> =>
      bare.run('baremetal_node', { name, driver: 'fake-hardware', driver_info });
    const pair = (deploy_kernel: string): Record<string, unknown> => ({
      deploy_kernel,
      deploy_ramdisk: server.url('ok'),
    });

    for (const [image, reason] of [
      [server.url('gone'), 'answered by 404'],
      [server.url('moved'), 'it redirects to'],
      [server.url('no-head'), 'answered by 405'],
      [server.url('no-length'), 'without Content-Length'],
      ['http://127.0.0.1:1/kernel', 'the connection was refused'],
      ['ftp://h/kernel', 'protocol ftp is not supported'],
      ['kernel', 'not a UUID'],
      ['file:///etc/shadow', 'is not permitted'],
      ['file:///srv/kernel', 'is not allowed'],
      [queued.id, 'not active but queued'],
      ['11111111-2222-4333-8444-555555555555', 'Glance has no such image'],
    ]) {
      expect([image, await plan(pair(image!))]).toEqual([
        image,
        expect.objectContaining({
          failed: true,
          changed: false,
          code: 'CHANGE_REFUSED',
          msg: expect.stringContaining(`driver_info.deploy_kernel: `),
        }),
      ]);
      expect((await plan(pair(image!))).msg).toContain(reason);
    }
    expect(await plan({ deploy_kernel: server.url('ok') })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('without deploy_ramdisk'),
    });
    expect(bare.writes()).toEqual([]);

    // Mixed as one likes; a file that only the conductors have is a warning.
    expect(
      await plan({
        ...pair(active.id),
        rescue_kernel: 'file:///var/lib/ironic/rescue.kernel',
        rescue_ramdisk: `glance://${active.id}`,
      }),
    ).toMatchObject({
      changed: true,
      warnings: [expect.stringContaining('this host does not have it')],
    });
    // What has not changed is not looked at again.
    server.files.clear();
    server.requests.length = 0;
    expect(await plan(pair(active.id))).toMatchObject({ changed: false });
    expect(server.requests).toEqual([]);
    expect(await plan({ deploy_kernel: null })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('without deploy_kernel'),
    });
    expect(
      await bare.run('baremetal_node', { name, driver_info: pair('ftp://h/kernel'), check_images: false }),
    ).toMatchObject({ changed: true });
  }),
);

test(
  'the checksum of an image by URL is taken apart or computed',
  withIronic('noauth', async (bare) => {
    const server = await startImageServer(bare.site);
    server.files.set('disk.raw', { content: 'a disk' });
    const name = bare.name('sum');
    const image_source = server.url('disk.raw');
    const given = (instance_info: Record<string, unknown>): Promise<BareResult> =>
      bare.run('baremetal_node', { name, driver: 'fake-hardware', instance_info });
    const hex = `${'0C9E5C'.repeat(10)}ABCD`;

    expect(await given({ image_source, image_checksum: `sha256:${hex}` })).toMatchObject({ changed: true });
    expect((await bare.find(name))?.instance_info).toEqual({
      image_source,
      image_os_hash_algo: 'sha256',
      image_os_hash_value: hex.toLowerCase(),
    });
    expect(await given({ image_source, image_checksum: `sha256:${hex}` })).toMatchObject({ changed: false });
    expect(await given({ image_source, image_os_hash_algo: 'sha512' })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('is not a sha512 checksum'),
    });
    // Another source without a checksum: the old one would be wrong for it.
    server.files.set('other.raw', { content: 'another disk' });
    expect(await given({ image_source: server.url('other.raw') })).toMatchObject({ changed: true });
    expect((await bare.find(name))?.instance_info).toMatchObject({
      image_source: server.url('other.raw'),
      image_os_hash_value: await sha256Of('another disk'),
    });
    server.requests.length = 0;
    expect(await given({ image_source: server.url('other.raw') })).toMatchObject({ changed: false });
    expect(server.requests.filter((request) => request.startsWith('GET'))).toEqual([]);
  }),
);

test(
  'a node enrolled with images from the cache is deployed by direct as far as the call of its agent',
  withIronic('noauth', async (bare) => {
    const server = await startImageServer(bare.site);
    for (const file of ['disk.raw', 'ipa.kernel', 'ipa.initramfs']) server.files.set(file, { content: `the ${file}` });
    const folder = mkdtempSync(join(tmpdir(), 'cache-'));
    bare.site.afterwards(() => rmSync(folder, { recursive: true }));
    const cached = parseCache(await runCache(bare, folder, server.url));
    // A web server beside the cache offers the copies.
    for (const [path, source] of [
      ['cached/disk.raw', 'disk.raw'],
      ['cached/ipa/kernel', 'ipa.kernel'],
      ['cached/ipa/ramdisk', 'ipa.initramfs'],
    ])
      server.files.set(path!, server.files.get(source!)!);

    const nodes = [{ name: bare.name('cached'), driver: 'fake-hardware', deploy_interface: 'direct', ...cached }];
    expect(await bare.run('baremetal_enroll', { nodes })).toMatchObject({
      changed: true,
      nodes: [{ action: 'create', provision_state: 'available' }],
    });
    const waiting = await bare.run('baremetal_node', { name: bare.name('cached'), state: 'active', state_timeout: 3 });
    expect(waiting).toMatchObject({
      failed: true,
      changed: true,
      error_code: 'WAIT_TIMEOUT',
      msg: expect.stringContaining('it is in state wait call-back'),
    });
    expect(server.requests).toContain('HEAD cached/disk.raw');
  }),
);

interface Cached {
  readonly driver_info: Record<string, string>;
  readonly instance_info: Record<string, string>;
}

async function runCache(bare: BareSite, folder: string, url: (path: string) => string): Promise<BareResult> {
  const running = startModule(
    'image_cache',
    {
      files: [{ url: url('disk.raw'), dest: join(folder, 'disk.raw') }],
      sets: [{ name: 'ipa', dest: folder, kernel: { url: url('ipa.kernel') }, ramdisk: { url: url('ipa.initramfs') } }],
      url_prefix: `${folder}=${url('cached')}`,
    },
    {},
  );
  bare.site.afterwards(() => running.kill());
  return parseResult(await running.ended) as unknown as BareResult;
}

function parseCache(result: BareResult): Cached {
  const [file] = result.files as { instance_info: Record<string, string> }[];
  const [set] = result.sets as { driver_info: Record<string, string> }[];
  if (!file || !set) throw new Error(`nothing was cached: ${result.msg}`);
  return { driver_info: set.driver_info, instance_info: file.instance_info };
}

async function sha256Of(text: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(text).digest('hex');
}
