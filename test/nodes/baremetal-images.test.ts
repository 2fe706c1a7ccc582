// The images that a node refers to are looked up before it is changed, as Ironic will do it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startFileServer, type FileServer } from '../sandbox/file-server.js';
import { startNodeSite, type NodeSite } from './baremetal-site.js';

let site: NodeSite;
let files: FileServer;
let folder: string;
beforeEach(async () => {
  site = await startNodeSite();
  files = await startFileServer();
  folder = mkdtempSync(join(tmpdir(), 'node-images-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await files.close();
  await site.close();
});

const pair = (kernel: string): Record<string, unknown> => ({
  name: 'n1',
  driver: 'fake-hardware',
  driver_info: { deploy_kernel: kernel, deploy_ramdisk: `${files.url}/ramdisk` },
});

describe('an image on a web server', () => {
  beforeEach(() => {
    files.serve('/kernel', 'kernel');
    files.serve('/ramdisk', 'ramdisk');
  });

  test('that is there is accepted, and asked for once by HEAD', async () => {
    expect(await site.node(pair(`${files.url}/kernel`))).toMatchObject({ changed: true, warnings: [] });
    expect(files.seen().sort()).toEqual(['HEAD /kernel', 'HEAD /ramdisk']);
  });

  test.each<[string, string, RegExp]>([
    ['that is not there', '/missing', /deploy_kernel: \S+\/missing: HEAD was answered by 404, and Ironic needs 200$/],
    ['without a length', '/chunked', /HEAD was answered without Content-Length, which Ironic needs$/],
    [
      'that redirects',
      '/moved',
      /it redirects to http:\/\/127\.0\.0\.1\/elsewhere, which this Ironic does not follow: use that URL$/,
    ],
  ])('%s is refused before the node is created', async (_, path, message) => {
    files.serve('/chunked', 'x', { framing: 'chunked' });
    files.serve('/moved', 'x', {
      headStatus: 302,
      headHeaders: { Location: 'http://user:secret@127.0.0.1/elsewhere' },
    });

    await expect(site.node(pair(`${files.url}${path}`))).rejects.toMatchObject({
      code: 'CHANGE_REFUSED',
      message: expect.stringMatching(message),
    });
    expect(site.nodeWrites()).toEqual([]);
  });

  test('that redirects is followed where Ironic follows it', async () => {
    site.ironic.minor = 104;
    files.serve('/moved', 'x', { headStatus: 302, headHeaders: { Location: `${files.url}/kernel` } });

    expect(await site.node(pair(`${files.url}/moved`))).toMatchObject({ changed: true });
  });

  test('that cannot be reached is refused with the reason', async () => {
    await expect(site.node(pair('http://127.0.0.1:9/kernel'))).rejects.toMatchObject({
      code: 'CHANGE_REFUSED',
      message: expect.stringMatching(/driver_info\.deploy_kernel: http:\/\/127\.0\.0\.1:9\/kernel: .*ECONNREFUSED/),
    });
    expect(site.nodeWrites()).toEqual([]);
  });
});

describe('an image in a file', () => {
  test('is accepted; a folder is refused; one that this host lacks is reported', async () => {
    files.serve('/ramdisk', 'ramdisk');
    writeFileSync(join(folder, 'kernel'), 'kernel');
    const allowed = { file_url_allowed_paths: [folder] };

    await expect(site.node({ ...pair(`file://${folder}`), file_url_allowed_paths: [tmpdir()] })).rejects.toThrow(
      'it is not a file',
    );
    expect(site.nodeWrites()).toEqual([]);
    expect((await site.node({ ...pair(`file://${folder}/kernel`), ...allowed })).warnings).toEqual([]);
    expect((await site.node({ ...pair(`file://${folder}/none`), ...allowed })).warnings).toEqual([
      expect.stringMatching(/none: this host does not have it; the hosts of the conductors must$/),
    ]);
  });
});

describe('an image_source without a checksum', () => {
  const content = 'disk'.repeat(1000);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const task = (): Record<string, unknown> => ({
    name: 'n1',
    driver: 'fake-hardware',
    instance_info: { image_source: `${files.url}/disk.raw` },
  });

  test('gets the SHA-256 of its bytes, which are not read again', async () => {
    files.serve('/disk.raw', content);

    await site.node(task());
    expect(site.ironic.nodes).toMatchObject([
      { instance_info: { image_os_hash_algo: 'sha256', image_os_hash_value: sha256 } },
    ]);

    const reads = files.seen().length;
    expect(await site.node(task())).toMatchObject({ changed: false });
    expect(files.seen()).toHaveLength(reads);
  });

  test('that is not there creates no node', async () => {
    await expect(site.node(task())).rejects.toThrow(/has no image \S+\/disk\.raw$/);
    expect(site.nodeWrites()).toEqual([]);
  });
});
