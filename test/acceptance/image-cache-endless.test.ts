// A server that never comes to an end, on a small file system of the test's own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startModule } from './executable.js';

let folder: string;
let server: Server;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'image-cache-endless-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1100m,mode=755', 'tmpfs', folder]);
  const chunk = Buffer.alloc(2 ** 20, 'x');
  server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
    if (request.method === 'HEAD') return void response.end();
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
});

test('an endless body of unknown length neither fills the disk nor leaves anything behind', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/endless.img`;
  const checksum = `sha256:${'0'.repeat(64)}`;

  const { exitCode, stdout } = await startModule(
    'image_cache',
    { files: [{ url, dest: join(folder, 'endless.img'), checksum }] },
    {},
  ).ended;

  expect(exitCode).toBe(1);
  expect(stdout).toContain('endless.img, which has no Content-Length, needs 1024 MiB');
  expect(readdirSync(folder).filter((name) => name !== '.image_cache')).toEqual([]);
  const { bavail, bsize } = statfsSync(folder);
  expect(bavail * bsize).toBeGreaterThan(1090 * 2 ** 20);
});
