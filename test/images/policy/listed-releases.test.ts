// What tells a release of an image list from the one before.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planDeployment } from '../../../modules/images/policy/deployment.js';
import {
  disagreement,
  listSubscription,
  releaseByDate,
  releaseByDigests,
} from '../../../modules/images/policy/listed-releases.js';
import { newImageAttributes } from '../../../modules/images/policy/new-image.js';
import { markers, releaseProperty, type SiteImage } from '../../../modules/images/policy/site-image.js';
import { imagesIn } from './list-fixtures.js';

const sha256 = { algorithm: 'sha256', digest: 'a'.repeat(64) };
const sha512 = { algorithm: 'sha512', digest: 'b'.repeat(128) };

test('the strongest digest names a release, and each other one is enough to know it', () => {
  expect(releaseByDigests([sha256, sha512])).toEqual(['sha512-bbbbbbbbbbbbbbbb', 'sha256-aaaaaaaaaaaaaaaa']);
  expect(releaseByDigests([])).toBeUndefined();
});

test('date and length name a release without a checksum', () => {
  const lastModified = 'Tue, 10 Nov 2026 10:30:00 GMT';

  expect(releaseByDate({ lastModified, bytes: 42 })).toBe('20261110T103000Z-42');
  expect(releaseByDate({ lastModified: 'yesterday', bytes: 42 })).toBeUndefined();
  expect(releaseByDate({ bytes: 42 })).toBeUndefined();
});

test('checksums of one kind must be equal, those of several kinds cannot be compared', () => {
  const from = (source: string, digest = sha256.digest) => ({ ...sha256, digest, from: source });

  expect(disagreement([from('a'), { ...sha512, from: 'b' }, from('c')])).toBeUndefined();
  expect(disagreement([from('a'), { ...sha512, from: 'b' }, from('c', 'd'.repeat(64))])).toBe(
    `its sha256 is ${sha256.digest} by a, but ${'d'.repeat(64)} by c`,
  );
});

const owner = 'project-0';
const recovery = { now: new Date('2026-11-27T00:00:00Z'), uploadTimeoutSeconds: 14_400, lock: 'lock' };

const listed = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,30}[a-z]$/),
    url: fc.webUrl({ validSchemes: ['https'] }),
    version: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._+~:-]{0,20}$/),
    properties: fc.dictionary(
      fc.stringMatching(/^hw_[a-z]{1,10}$/),
      fc.string({ maxLength: 20, unit: 'grapheme-ascii' }),
    ),
  }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 5 },
);

test('any list is deployed by the first plan, and the second one has nothing to do', async () => {
  await fc.assert(
    fc.asyncProperty(listed, async (images) => {
      const read = await imagesIn(JSON.stringify({ images }));
      const subscriptions = read.map((image) => listSubscription(image, [image.version ?? '']));
      const plan = (site: readonly SiteImage[]) =>
        planDeployment({
          subscriptions,
          isInScope: () => true,
          sourcePrefixes: read.map(({ url }) => url),
          images: site,
          owner,
          prefix: 'testing_',
          force: false,
          metadataField: 'chameleon-supported',
          recovery,
        });
      const first = plan([]);
      const deployed = first.images.map((planned, index): SiteImage => {
        const { name, release } = planned;
        const properties = { ...read[index]?.properties, [releaseProperty]: release, [markers.name]: name };
        const content = { diskFormat: 'qcow2', properties, minDiskGib: undefined };
        const request = {
          planned,
          isBuiltFrom: () => true,
          content,
          owner,
          prefix: 'testing_',
          recovery,
          importMethod: 'stream' as const,
        };
        const created = newImageAttributes(`00000000-0000-4000-8000-00000000000${index}`, request);
        const at = '2026-11-26T00:00:00Z';
        return {
          ...created,
          name,
          owner,
          status: 'active',
          visibility: 'public',
          os_hidden: false,
          created_at: at,
          updated_at: at,
        };
      });

      expect(first.images.map(({ action }) => action)).toEqual(images.map(() => 'deploy'));
      expect(plan(deployed).images.map(({ action }) => action)).toEqual(images.map(() => 'up_to_date'));
      expect(plan(deployed).leftovers).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
