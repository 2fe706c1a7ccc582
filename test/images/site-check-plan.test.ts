// What a check says of the plans of the next runs: what a deployment would do, and what a clean-up
// would.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import type { Finding } from '../../modules/images/policy/check-findings.js';
import { name, now, release, startCheckSite, type CheckSite } from './check-site.js';

let site: CheckSite;

beforeEach(async () => {
  site = await startCheckSite();
});

afterEach(() => site.close());

describe('an image that Glance could not import', () => {
  test('is a failure where the store publishes no checksum of it', async () => {
    site.publish('CC-Debian12', release, { large: { kind: 'static', segmentBytes: 100_000 } });
    site.glance.state.importMethods = ['web-download'];

    expect(await site.faultsOf({ import_method: 'web-download' })).toMatchObject([
      { result: 'failed', check: 'object', subject: 'CC-Debian12', text: expect.stringContaining('no checksum') },
    ]);
    expect(await site.faultsOf()).toEqual([]);
  });
});

test('a clean-up is not planned for a login that sees only its own images, or with a wrong clock', async () => {
  const planOf = (findings: readonly Finding[]) => findings.filter(({ check }) => check === 'clean-up');
  const late = { now: new Date(now.getTime() - 4_000_000) };

  expect(planOf(await site.findingsOf())).toMatchObject([{ text: 'it has nothing to do' }]);
  expect(planOf(await site.findingsOf({}, late))).toEqual([]);
  site.keystone.admin.roles = ['member', 'reader'];
  expect(planOf(await site.findingsOf({ runs: ['clean'] }))).toEqual([]);
});

test('properties of the site that Glance protects keep an image that is up to date from being reconciled', async () => {
  await site.run(imageDeploy, {}, { now });
  site.glance.state.isProtected = (property) => property === 'wished';
  const wish = { properties: { '*': { wished: 'yes' } } };

  expect(await site.faultsOf({ ...wish, reconcile: false })).toEqual([]);
  expect(await site.faultsOf(wish)).toMatchObject([
    { result: 'failed', check: 'protections', text: expect.stringContaining('set wished') },
  ]);
  site.glance.state.isProtected = () => false;
  expect(await site.findingsOf(wish)).toContainEqual(
    expect.objectContaining({ check: 'catalogue', text: 'it has 1 image: 1 update' }),
  );
});

test('a few objects stand for all while Glance is down', async () => {
  for (let count = 1; count <= 9; count++) site.publish(`CC-Image${count}`, release);
  await site.glance.close();

  const findings = await site.findingsOf();

  expect(findings.filter(({ check }) => check === 'object')).toHaveLength(5);
  expect(findings).toContainEqual(
    expect.objectContaining({
      check: 'catalogue',
      text: expect.stringMatching(/, so only the first 5 are looked at$/),
    }),
  );
});

test('a clean-up that its own limits would refuse is a failure', async () => {
  expect(await site.faultsOf({ hide_image_age_in_month: 20 })).toMatchObject([
    { result: 'failed', check: 'clean-up', code: 'INVALID_INPUT', fails: ['clean'] },
  ]);
  for (const year of [2021, 2022]) {
    const marks = { 'chameleon-supported': 'no', current: `${year}0101-v1` };
    site.glance.seed({
      name: `${name}_${year}-01-01 00:00:00`,
      created_at: `${year}-01-01T00:00:00Z`,
      properties: marks,
    });
  }
  expect(await site.faultsOf({ max_deletes: 1 })).toMatchObject([
    { result: 'failed', check: 'clean-up', text: expect.stringContaining('max_deletes') },
  ]);
});
