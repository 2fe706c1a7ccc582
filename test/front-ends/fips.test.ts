// A host without MD5: the executables themselves, since the algorithms are those of the process.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { qcow2 } from '../images/policy/disk-samples.js';
import { publishRelease } from '../sandbox/releases.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { library, root, runModule, withFolder } from './run.js';

const environment = { NODE_OPTIONS: `--require ${join(root, 'test/front-ends/without-md5.cjs')}` };
const content = Buffer.concat([qcow2(), Buffer.alloc(100_000, 1)]);
const digestOf = (algorithm: string): string => createHash(algorithm).update(content).digest('hex');

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(() => sandbox.close());

function deploy(metadata: Record<string, string>, args: object = {}) {
  publishRelease(sandbox.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1', content, put: { metadata } });
  return withFolder((folder) =>
    runModule(
      join(library, 'image_deploy.mjs'),
      { auth: sandbox.auth, object_store_url: sandbox.store.objectStoreUrl, lock_dir: folder, ...args },
      { environment },
    ),
  );
}

describe('on a host without MD5', () => {
  test.each([
    [
      'MD5 and SHA-256',
      { 'x-sdk-md5': digestOf('md5'), 'x-sdk-sha256': digestOf('sha256') },
      {},
      ["store's sha256", "Glance's sha512"],
    ],
    ['SHA-256', { 'x-sdk-sha256': digestOf('sha256') }, {}, ["store's sha256", "Glance's sha512"]],
    ['MD5, which Glance has computed', { 'x-sdk-md5': digestOf('md5') }, {}, ["store's md5", "Glance's sha512"]],
    [
      'MD5 and SHA-256, by web-download',
      { 'x-sdk-md5': digestOf('md5'), 'x-sdk-sha256': digestOf('sha256') },
      { import_method: 'web-download' },
      ["store's sha256"],
    ],
  ])('an image is deployed, of which the store publishes %s', async (_, metadata, args, verified) => {
    const { result } = await deploy(metadata, args);

    expect(result).toMatchObject({ changed: true, images: [{ action: 'deploy', verified_by: ['size', ...verified] }] });
    expect(result.failed).toBeUndefined();
  });

  test('a file is cached by its SHA-256, and an MD5 is refused with a message', async () => {
    await withFolder(async (folder) => {
      const source = join(folder, 'source.img');
      writeFileSync(source, content);
      const cache = (checksum: string) =>
        runModule(
          join(library, 'image_cache.mjs'),
          { files: [{ url: `file://${source}`, dest: join(folder, 'copy.img'), checksum }], allowed_paths: [folder] },
          { environment },
        );

      const refused = await cache(digestOf('md5'));
      const cached = await cache(digestOf('sha256'));

      expect(refused.result).toMatchObject({ failed: true, msg: expect.stringMatching(/cannot compute md5/) });
      expect(cached.result).toMatchObject({ changed: true });
      expect(readFileSync(join(folder, 'copy.img')).equals(content)).toBe(true);
    });
  });
});
