// The built executables against nginx and a real Glance.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFile } from '../../modules/clients/files/lock.js';
import { april, june, may, sha256 } from '../cache/cache-site.js';
import { createProject, readCloud, root } from './cloud.js';
import { parseResult, startCommand, startModule, type Arguments, type Ended } from './executable.js';
import { openGlance } from './glance.js';

const cloud = readCloud();
const mebibyte = 2 ** 20;
let folder: string;
let served: string;
let url: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-cache-'));
  const name = `image-cache-${randomBytes(6).toString('hex')}`;
  served = join(cloud.cloud_state, 'store', name);
  mkdirSync(served);
  url = `${cloud.store_static_url}/${name}`;
});

afterEach(() => {
  for (const path of [folder, served]) rmSync(path, { recursive: true, force: true });
});

function publish(name: string, content: string | Buffer, date: string): void {
  writeFileSync(join(served, name), content);
  utimesSync(join(served, name), new Date(date), new Date(date));
}

/** Of zeros, without taking so much disk. */
function publishLarge(name: string, bytes: number, date = may): void {
  publish(name, '', date);
  truncateSync(join(served, name), bytes);
  utimesSync(join(served, name), new Date(date), new Date(date));
}

const one = (): Arguments => ({ files: [{ url: `${url}/disk.img`, dest: `${folder}/disk.img` }] });
const pair = (): Arguments => ({
  sets: [
    {
      name: 'ipa',
      dest: folder,
      kernel: { url: `${url}/kernel` },
      ramdisk: { url: `${url}/ramdisk`, checksum: `${url}/SHA256SUMS` },
    },
  ],
});

async function run(
  given: Arguments,
  environment: Record<string, string> = {},
): Promise<Record<string, unknown> & { readonly changed: boolean; readonly msg: string }> {
  return parseResult(await startModule('image_cache', given, environment).ended) as never;
}

/** What nginx answered for a path, oldest first, such as `GET 206`. */
function answers(name: string): string[] {
  const log = readFileSync(join(cloud.cloud_state, 'log/web-access.log'), 'utf8');
  const path = new URL(`${url}/${name}`).pathname;
  return [...log.matchAll(/"(HEAD|GET) (\S+) HTTP[^"]*" (\d+)/g)]
    .filter(([, , found]) => found === path)
    .map(([, method, , status]) => `${method} ${status}`);
}

test('a file is cached, kept, and replaced when nginx has a newer one', async () => {
  publish('disk.img', 'of april', april);

  const dry = await run({ ...one(), _ansible_check_mode: true });
  expect([dry.msg, readdirSync(folder)]).toEqual(['planned: 1 fetch', []]);
  expect(await run({ ...one(), _ansible_diff: true })).toMatchObject({
    changed: true,
    msg: '1 fetch',
    diff: [expect.anything()],
  });
  expect(await run(one())).toMatchObject({ changed: false, msg: '1 fresh' });
  publish('disk.img', 'of june', june);

  expect(await run(one())).toMatchObject({
    changed: true,
    files: [{ reason: 'newer', digests: { sha256: sha256('of june') }, last_modified: '2025-06-01T08:00:00Z' }],
  });
  expect(answers('disk.img').filter((answer) => answer === 'GET 200')).toHaveLength(2);
});

test('a set with a checksum file', async () => {
  for (const name of ['kernel', 'ramdisk']) publish(name, name, may);
  publish('SHA256SUMS', `${sha256('kernel')}  kernel\n${sha256('ramdisk')} *ramdisk\n`, may);

  expect(await run(pair())).toMatchObject({
    changed: true,
    sets: [
      { driver_info: { deploy_kernel: `file://${folder}/ipa/kernel`, deploy_ramdisk: `file://${folder}/ipa/ramdisk` } },
    ],
  });
  expect(await run(pair())).toMatchObject({ changed: false });
  expect(readFileSync(join(folder, 'ipa/ramdisk'), 'utf8')).toBe('ramdisk');
});

test('a download that kill -9 ended is resumed by Range', async () => {
  publishLarge('disk.img', 512 * mebibyte);
  const part = join(folder, '.image_cache/files/disk.img.part');
  const running = startModule('image_cache', one(), {});
  while ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) < 16 * mebibyte)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await running.kill();
  const before = statSync(part).size;
  expect(before).toBeLessThan(512 * mebibyte);

  expect(await run(one())).toMatchObject({ changed: true, files: [{ bytes: 512 * mebibyte }] });

  expect(answers('disk.img').at(-2)).toBe('GET 206');
  expect(readdirSync(join(folder, '.image_cache/files'))).toEqual(['disk.img.json']);
});

test('memory does not depend on the size', async () => {
  const peaks: number[] = [];
  for (const mebibytes of [16, 768]) {
    publishLarge('disk.img', mebibytes * mebibyte);
    const report = join(folder, 'memory');
    await run(
      { ...one(), force: true },
      { NODE_OPTIONS: `--require=${join(root, 'test/acceptance/report-memory.cjs')}`, MEMORY_REPORT: report },
    );
    peaks.push(Number(readFileSync(report, 'utf8')) / 1024);
  }

  const [small = 0, large = 0] = peaks;
  expect(small).toBeGreaterThan(20);
  expect(large).toBeLessThan(small + 60);
});

describe('the command line', () => {
  const command = (args: Arguments, ...words: string[]): Promise<Ended> => {
    const path = join(folder, 'files.json');
    writeFileSync(path, JSON.stringify(args.files));
    return startCommand(['cache', '--files', path, ...words], {}).ended;
  };

  test('ends with 0 when all is well, 1 when a part failed, 2 for bad input', async () => {
    publish('disk.img', 'of april', april);
    const good = one().files as unknown[];

    expect(await command({ files: good })).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('absent: there is no copy'),
    });
    const partly = await command({ files: [...good, { url: `${url}/missing`, dest: `${folder}/missing` }] }, '--json');
    expect(partly.exitCode).toBe(1);
    expect(JSON.parse(partly.stdout)).toMatchObject({
      failed: true,
      code: 'PART_FAILED',
      msg: expect.stringMatching(/^1 fresh, 1 failed; .*404/),
    });
    expect(await command({ files: [{ url: 'ftp://h/a', dest: '/a' }] })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Image download protocol ftp is not supported.'),
    });
  });

  test('ends with 75 if another run is using the folder', async () => {
    publish('disk.img', 'of april', april);
    mkdirSync(join(folder, '.image_cache'));
    const lock = await lockFile(join(folder, '.image_cache/lock'), {
      waitSeconds: 0,
      signal: new AbortController().signal,
    });

    expect(await command(one(), '--lock-timeout', '0')).toMatchObject({
      exitCode: 75,
      stderr: expect.stringContaining('another run holds'),
    });
    await lock.release();
    expect(await command(one(), '--lock-timeout', '0')).toMatchObject({ exitCode: 0 });
  });

  test('ends on a signal, and keeps the copy', async () => {
    publish('disk.img', 'of april', april);
    await run(one());
    publishLarge('disk.img', 2048 * mebibyte, june);
    const part = join(folder, '.image_cache/files/disk.img.part');
    writeFileSync(join(folder, 'files.json'), JSON.stringify(one().files));
    const child = spawn(
      join(root, 'roles/chameleon_image_tools/files/chameleon-image-tools.mjs'),
      ['cache', '--files', join(folder, 'files.json')],
      { stdio: 'ignore' },
    );
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    while ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) < mebibyte)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGTERM');

    expect(await ended).toBe(143);
    expect(readFileSync(join(folder, 'disk.img'), 'utf8')).toBe('of april');
  });
});

test('a pair from Glance, by id and by name, with the same kind of set', async () => {
  const name = `image-cache-${randomBytes(6).toString('hex')}`;
  const project = await createProject(cloud, name);
  const glance = openGlance(cloud.glance_url, project.token, project.id);
  const image = (part: string): Promise<{ readonly id: string }> =>
    glance.create({ name: `${name}.${part}`, disk_format: 'raw', visibility: 'private' }, Buffer.from(`the ${part}`));
  const [kernel, ramdisk] = [await image('kernel'), await image('ramdisk')];
  const auth = {
    auth_url: cloud.keystone_url,
    username: 'admin',
    password: cloud.admin_password,
    project_id: project.id,
    user_domain_id: 'default',
  };
  const given = {
    auth,
    sets: [{ name: 'ipa', dest: folder, glance: { kernel: kernel.id, ramdisk: `${name}.ramdisk` } }],
  };

  try {
    expect(await run(given)).toMatchObject({
      changed: true,
      digests: { 'ipa/kernel': sha256('the kernel'), 'ipa/ramdisk': sha256('the ramdisk') },
    });
    expect(await run(given)).toMatchObject({ changed: false, msg: '1 fresh' });
  } finally {
    for (const { id } of [kernel, ramdisk]) await glance.remove(id);
    await project.remove();
  }
});

test('an unwritable folder is named', async () => {
  closeSync(openSync(join(folder, 'file'), 'w'));

  expect(await run({ files: [{ url: `${url}/disk.img`, dest: `${folder}/file/disk.img` }] })).toMatchObject({
    failed: true,
    code: 'INVALID_INPUT',
    msg: expect.stringContaining('cannot be created'),
  });
});
