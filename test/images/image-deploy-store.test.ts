// What a store or a gateway in front of one makes of its documents and headers.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { qcow2 } from './policy/disk-samples.js';
import { publishRelease } from '../sandbox/releases.js';
import { root } from '../front-ends/run.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const folder = 'prod/versions/20250422-v1';
const content = Buffer.concat([qcow2(), Buffer.alloc(1000, 1)]);
const md5 = createHash('md5').update(content).digest('hex');
const withMark = (text: Buffer | string): Buffer => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);

let site: TestSite;

beforeEach(async () => {
  site = await startSite();
  publishRelease(site.store, { name, release: '20250422-v1', content });
});

afterEach(() => site.close());

test.each([
  ['the catalogue', 'prod/current'],
  ['a manifest', `${folder}/${name}.manifest`],
])('a byte order mark before %s does no harm', async (_, path) => {
  const object = site.store.objects.get(path);
  if (object) object.content = withMark(object.content);

  expect(await site.run(imageDeploy)).toMatchObject({ changed: true, failures: [] });
});

test('a byte order mark before supports.yaml does no harm', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'supports-'));
  const supports = join(directory, 'supports.yaml');
  writeFileSync(supports, withMark(readFileSync(join(root, 'roles/chameleon_image_tools/files/supports.yaml'))));

  const outcome = await site.run(imageDeploy, { catalog: ['objects'], supports_yaml: supports }, { checkMode: true });

  expect((outcome.values.images as unknown[]).length).toBeGreaterThan(0);
  rmSync(directory, { recursive: true });
});

test.each([
  ['manifest', `${folder}/${name}.manifest`],
  ['image', `${folder}/${name}.qcow2`],
])('a store that hides what it lacks: a missing %s is told as missing or not public', async (what, path) => {
  for (const status of [401, 403]) {
    site.store.refusals.set(path, status);

    expect((await site.run(imageDeploy)).failures.join()).toMatch(
      new RegExp(`the store does not show the ${what} \\S+: it is missing or not public \\(${status}\\)`),
    );
  }
});

test.each<[string, Record<string, string>]>([
  ['S3 encrypts it by a key service', { 'x-amz-server-side-encryption': 'aws:kms' }],
  ['Ceph shows it by S3 as a large one', { 'X-Object-Meta-Static-Large-Object': 'True', 'x-amz-meta-x-sdk-md5': md5 }],
])('an object whose ETag is no MD5, since %s, is deployed', async (_, headers) => {
  const object = site.store.objects.get(`${folder}/${name}.qcow2`);
  Object.assign(object ?? {}, { etag: `"${'0'.repeat(32)}"`, headers });

  expect(await site.run(imageDeploy)).toMatchObject({ changed: true, failures: [] });
});

test.each([
  [
    401,
    'STORE_OBJECT_HIDDEN',
    /\(401\); is the container public\? Swift needs the read ACL "\.r:\*,\.rlistings" on it/,
  ],
  [403, 'STORE_OBJECT_HIDDEN', /or no such account \(object_store_url\)$/],
  [
    404,
    'STORE_OBJECT_MISSING',
    /does the container "chameleon-supported-images" exist .* does it have the scope "prod"/,
  ],
])('a catalogue that is answered with %i asks what is wrong with the container', async (status, code, question) => {
  site.store.refusals.set('prod/current', status);

  await expect(site.run(imageDeploy)).rejects.toMatchObject({ code, message: expect.stringMatching(question) });
});

test('a site without a store is told which option it lacks', async () => {
  await expect(site.run(imageDeploy, { object_store_url: undefined })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: 'object_store_url is required, here or in site.yaml, because catalog includes releases',
  });
});
