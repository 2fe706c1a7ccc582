// What a real web server does besides handing out files: redirects, refusals of HEAD, compression,
// pages of its own.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../cache/cache-site.js';
import { parseResult, startModule } from './executable.js';
import { startNginx, type Nginx } from './nginx.js';

const content = randomBytes(100_000);
const checksum = `sha256:${sha256(content)}`;
let nginx: Nginx;
let folder: string;

const rules = `
  location = /moved.img { return 302 /é.img; }
  location = /loop.img { return 302 /loop.img; }
  location = /portal.img { return 302 /login.html; }
  location = /login.html { default_type text/html; return 200 '<!DOCTYPE html><title>Log in</title>'; }
  location = /get-only.img { if ($request_method = HEAD) { return 403; } try_files /disk.img =404; }
  location = /no-head.img { if ($request_method = HEAD) { return 404; } try_files /disk.img =404; }
  location = /hangs-up.img { if ($request_method = HEAD) { return 444; } try_files /disk.img =404; }
  location = /weak.img { add_header ETag '"$request_id"'; etag off; try_files /disk.img =404; }
  location = /chunked.img { add_header Content-Encoding aws-chunked; try_files /disk.img =404; }
  location = /packed.img { add_header Content-Encoding gzip; try_files /disk.img =404; }
`;

beforeAll(async () => {
  nginx = await startNginx(rules);
  for (const name of ['disk.img', 'é.img']) writeFileSync(join(nginx.served, name), content);
});

afterAll(() => nginx.close());

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'image-cache-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function cache(
  name: string,
  more: Record<string, unknown> = {},
): Promise<{ readonly action: string; readonly code?: string; readonly detail: string; readonly bytes?: number }> {
  const files = [{ url: `${nginx.url}/${name}`, dest: `${folder}/${name}`, ...more }];
  const result = parseResult(await startModule('image_cache', { files, attempts: 1 }, {}).ended) as unknown as {
    files: readonly never[];
  };
  return result.files[0] as never;
}

test.each(['moved.img', 'get-only.img', 'no-head.img', 'hangs-up.img', 'chunked.img'])(
  '%s is fetched, with a checksum or without',
  async (name) => {
    expect(await cache(name)).toMatchObject({ action: 'fetch', bytes: content.length });
    rmSync(`${folder}/${name}`);
    expect(await cache(name, { checksum })).toMatchObject({ action: 'fetch', bytes: content.length });
  },
);

test('another ETag in each answer needs a checksum', async () => {
  expect(await cache('weak.img', { checksum })).toMatchObject({ action: 'fetch', bytes: content.length });
});

test.each([
  ['loop.img', 'TOO_MANY_REDIRECTS', 'more than 10 times'],
  ['portal.img', 'WEB_PAGE', 'web page'],
  ['packed.img', 'SOURCE_ENCODED', 'gzip'],
  ['missing.img', 'HTTP_ERROR', '404'],
])('%s is refused with %s', async (name, code, detail) => {
  expect(await cache(name)).toMatchObject({ action: 'failed', code, detail: expect.stringContaining(detail) });
});
