// The file of node_exporter, in directories that others may write to.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { metricsOfRun } from '../../modules/runtime/run-metrics.js';
import { writeMetricsFile } from '../../modules/runtime/metrics-file.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metrics-'));
  path = join(folder, 'image_deploy.prom');
});
afterEach(() => rmSync(folder, { recursive: true }));

const name = 'image_deploy';
const failed = metricsOfRun({ name, endedAt: new Date(2e12), seconds: 1, result: { code: 'TIMEOUT' } });
const write = (): Promise<void> => writeMetricsFile(path, failed, name);
const lastSuccess = (): string | undefined => /^periodic_task_last_success.*$/m.exec(readFileSync(path, 'utf8'))?.[0];
const former = 'periodic_task_last_success{name="image_deploy"} 1700000000';

test('is readable for everybody, whatever the umask, and keeps the last success', async () => {
  const umask = process.umask(0o077);
  try {
    writeFileSync(path, `${former}\n`);

    await write();
  } finally {
    process.umask(umask);
  }

  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(lastSuccess()).toBe(former);
  expect(readdirSync(folder)).toEqual(['image_deploy.prom']);
});

test('takes the place of a file with a second name, or of one that is empty, and writes to neither', async () => {
  const other = join(folder, 'other');
  writeFileSync(other, `${former}\n`);
  linkSync(other, path);

  await write();

  expect(readFileSync(other, 'utf8')).toBe(`${former}\n`);
  expect(statSync(path).nlink).toBe(1);
  expect(lastSuccess()).toBe(former);
  writeFileSync(path, '');
  await write();
  expect(readFileSync(path, 'utf8')).toContain('TIMEOUT');
});

test.each([
  ['settings of the site', () => writeFileSync(path, 'cloud: admin\n')],
  ['metrics among other lines', () => writeFileSync(path, `root:x:0:0\n${former}\n`)],
  ['metrics of another tool', () => writeFileSync(path, `${former}\nnode_load1 1\n`)],
  ['what no run writes that much of', () => writeFileSync(path, `${former}\n`.repeat(2 ** 15))],
  ['a link', () => symlinkSync('other', path)],
  ['a pipe', () => execFileSync('mkfifo', [path])],
  ['a link to a device', () => symlinkSync('/dev/null', path)],
])('leaves %s alone', async (_, put) => {
  const other = join(folder, 'other');
  writeFileSync(other, `${former}\n`);
  put();
  const { ino, size } = lstatSync(path);

  await expect(write()).rejects.toThrow(/left alone/);

  expect(lstatSync(path)).toMatchObject({ ino, size });
  expect(readFileSync(other, 'utf8')).toBe(`${former}\n`);
  expect(readdirSync(folder).sort()).toEqual(['image_deploy.prom', 'other']);
});

test('says why it cannot be written, and leaves no draft', async () => {
  mkdirSync(path);
  await expect(write()).rejects.toThrow(/EISDIR|ENOTEMPTY|is a directory/);
  expect(readdirSync(folder)).toEqual(['image_deploy.prom']);

  path = join(folder, 'missing/image_deploy.prom');
  await expect(write()).rejects.toThrow(`there is no directory ${join(folder, 'missing')}`);
});

test('follows no link that another user may have put into the way', async () => {
  const [shared, real] = [join(folder, 'shared'), join(folder, 'real')];
  mkdirSync(shared);
  mkdirSync(real);
  chmodSync(shared, 0o777);
  symlinkSync(real, join(shared, 'link'));
  path = join(shared, 'link/image_deploy.prom');

  await expect(write()).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
  expect(existsSync(join(real, 'image_deploy.prom'))).toBe(false);
});
