// A rollback that is killed at each write, or made by hand: the next run finishes it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
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

test.each([
  [1, 'rollback'],
  [1, 'deploy'],
  [2, 'rollback'],
  [2, 'deploy'],
] as const)('killed after write %i, it is finished by the next %s', async (nth, next) => {
  await site.killedAt(nth, (options) => site.rollback({}, options));
  const atDeath = site.inProduction().length;

  const outcome = await site[next]();

  expect(atDeath).toBe(nth === 1 ? 2 : 1);
  expect(outcome.failures).toEqual([]);
  expect(site.inProduction()).toMatchObject([{ properties: { current: first, [markers.heldRelease]: second } }]);
  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'held' }]);
});

test('two renames by hand are recorded as a hold in the first run, which says so, and stay in the second', async () => {
  Object.assign(site.imageOf(second), { name: 'CC-Ubuntu22.04-bad' });
  Object.assign(site.imageOf(first), { name });
  const before = site.writes().length;

  const planned = await site.deploy({}, { checkMode: true });
  const writesOfCheckMode = site.writes().length - before;
  const night = await site.deploy();
  const next = await site.deploy();

  expect(writesOfCheckMode).toBe(0);
  expect(planned).toMatchObject({ changed: true, differences: [{ after: { [markers.heldRelease]: second } }] });
  expect(listedResults(night)).toMatchObject([{ action: 'held' }]);
  expect(night).toMatchObject({ changed: true });
  expect(next).toMatchObject({ changed: false });
  expect(site.writes().slice(before)).toEqual([`PATCH /v2/images/${site.imageOf(first).id}`]);
  expect(site.imageOf(second).name).toBe('CC-Ubuntu22.04-bad');
});

test('a rollback by hand after which the bad image was deleted holds what the catalogue has', async () => {
  site.glance.state.images.delete(site.imageOf(second).id);
  Object.assign(site.imageOf(first), { name });

  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'held' }]);

  site.publish(third);
  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'deploy' }]);
});

test('where recording a rollback by hand is refused, the image is left alone', async () => {
  Object.assign(site.imageOf(second), { name: 'CC-Ubuntu22.04-bad' });
  Object.assign(site.imageOf(first), { name });
  site.proxy.addFault({ method: 'PATCH', status: 403 });

  const night = await site.deploy();

  expect(night.failures.join()).toContain('could not be recorded');
  expect(site.inProduction()).toMatchObject([{ properties: { current: first } }]);
});

test('a newer release that another run promotes at the same moment wins, and the rollback says so', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'));
  site.publish(third);
  site.proxy.addFault({
    method: 'PATCH',
    nth: 1,
    answered: async () => {
      await site.run(imageDeploy, { lock_dir: elsewhere });
    },
  });

  const back = await site.rollback();
  rmSync(elsewhere, { recursive: true });

  expect(back.failures.join()).toMatch(
    /another run has put \S+ into production at the same time, so \S+ has been archived again/,
  );
  expect(site.inProduction().map(({ properties }) => properties.current)).toEqual([third]);
});
