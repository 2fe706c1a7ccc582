// Images that the site pins to a release.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { imageInfo } from '../../modules/images/info/operation.js';
import {
  first,
  listedResults,
  name,
  second,
  startRollbackSite,
  third,
  type RollbackTestSite,
} from './rollback-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(60_000);

let site: RollbackTestSite;

beforeEach(async () => {
  site = await startRollbackSite();
  await site.have(first, second);
});

afterEach(() => site.close());

test('the pinned release is deployed, whatever the catalogue has, and is held then', async () => {
  const pins = { [name]: first };

  expect(listedResults(await site.deploy({ pins }))).toMatchObject([{ action: 'deploy', release: first }]);
  site.publish(third);
  const next = await site.deploy({ pins });

  expect(next).toMatchObject({ changed: false, message: '1 held' });
  expect(listedResults(next)[0]?.reason).toContain(`to which pins keeps it; the catalogue has ${third}`);
  expect(listedResults(await site.deploy({ pins: { [name]: third } }))).toMatchObject([{ action: 'deploy' }]);
  expect(listedResults(await site.deploy({ pins: { [name]: third } }))).toMatchObject([{ action: 'up_to_date' }]);
});

test('a pin to a release that the store does not have fails, unless it is in production', async () => {
  const failed = await site.deploy({ pins: { [name]: '20240101-v1-amd' } });

  expect(failed.failures.join()).toContain('pins keeps it at 20240101-v1-amd, which the store does not have');
  expect(failed.changed).toBe(false);
  for (const path of [...site.store.objects.keys()]) if (path.includes(second)) site.store.objects.delete(path);
  site.publish(third);
  expect(listedResults(await site.deploy({ pins: { [name]: second } }))).toMatchObject([{ action: 'held' }]);
});

test('a mistyped name is told, and a release that is no release is refused', async () => {
  const mistyped = await site.deploy({ pins: { 'CC-Ubuntu2204': first } });
  const refused = await site.deploy({ pins: { [name]: '../other' } });

  expect(mistyped.warnings).toEqual([
    'pins: no catalogue has an image named CC-Ubuntu2204; did you mean CC-Ubuntu22.04?',
  ]);
  expect(refused.failures.join()).toContain('pins has the release "../other"');
});

test('a rollback says that a pin contradicts it, and the release that was taken back stays away', async () => {
  const pins = { [name]: second };

  const back = await site.rollback({ pins });

  expect(back.warnings.join()).toContain(`pins keeps it at ${second}, which is held now`);
  expect(listedResults(await site.deploy({ pins }))).toMatchObject([{ action: 'held' }]);
});

test('image_clean leaves alone what is held or pinned, however old it is', async () => {
  await site.have(third);
  await site.rollback();
  const options = { now: new Date(Date.now()) };
  for (const image of site.glance.state.images.values()) image.created_at = '2020-01-01T00:00:00Z';

  const cleaned = await site.run(imageClean, { pins: { [name]: first } }, options);
  const shown = await site.run(imageInfo, { pins: { [name]: first } });

  expect(listedResults(cleaned).map(({ action, reason }) => [action, reason])).toEqual(
    expect.arrayContaining([
      ['keep', expect.stringMatching(/^held since /)],
      ['keep', 'pinned to this release'],
      ['keep', `the production image of ${name}`],
    ]),
  );
  expect(cleaned.changed).toBe(false);
  expect(shown.values.images).toEqual(expect.arrayContaining([expect.objectContaining({ pinned: true })]));
});
