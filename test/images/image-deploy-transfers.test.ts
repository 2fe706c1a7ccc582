// A transfer that is disturbed: what is repeated, what ends it, and what has changed on the site by
// the time the data are there.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { markers } from '../../modules/images/policy/site-image.js';
import { startFaultProxy } from '../cloud/fault-proxy.js';
import { publishRelease } from '../sandbox/releases.js';
import { qcow2 } from './policy/disk-samples.js';
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
});

afterEach(() => site.close());

const uploads = (): number => site.glance.requests.filter(({ method }) => method === 'PUT').length;

/** The release in production, and nothing else under the name. */
const expectInProduction = (release: string): void =>
  expect(site.inProduction().map(({ properties }) => properties.current)).toEqual([release]);

describe('an upload', () => {
  test('that Glance refuses for a moment is repeated into the same image, and the log says why', async () => {
    site.publish(first);
    site.proxy.addFault({ method: 'PUT', nth: 1, status: 503 });

    expect((await site.deploy()).failures).toEqual([]);

    expectInProduction(first);
    expect(site.glance.state.images.size).toBe(1);
    expect(site.log).toContainEqual(expect.stringMatching(/CC-Ubuntu22\.04: attempt 1 failed: .*503.*; trying again$/));
  });

  test('that has failed does not leave its source open', async () => {
    const content = Buffer.concat([qcow2(), Buffer.alloc(3_000_000, 1)]);
    publishRelease(site.store, { name, release: first, content });
    const source = await startFaultProxy(site.store.objectStoreUrl);
    try {
      source.addFault({ method: 'GET', path: /qcow2$/, stallResponseAfter: 1_000_000 });
      site.proxy.addFault({ method: 'PUT', status: 503, answerWhen: 'at-once', delaySeconds: 0.5 });

      const outcome = await site.deploy({ object_store_url: source.url, attempts: 1 });
      await delay(500);

      expect(outcome.failures.join()).toMatch(/answered 503/);
      const [read] = source.requests.filter(({ bytesSent }) => bytesSent === 1_000_000);
      expect(read).toMatchObject({ error: 'stalled' });
    } finally {
      await source.close();
    }
  });

  test('whose answer is lost is not made twice', async () => {
    site.publish(first);
    site.proxy.addFault({ method: 'PUT', nth: 1, passThenCut: true });

    expect((await site.deploy()).failures).toEqual([]);

    expectInProduction(first);
    expect(uploads()).toBe(1);
  });

  test('after which the image has another status than it can have ends, and leaves production alone', async () => {
    await site.have(first);
    site.publish(second);
    site.proxy.addFault({
      method: 'PUT',
      nth: 1,
      answered: () => void Object.assign(site.imageOf(second), { status: 'deactivated' }),
    });

    expect((await site.deploy()).failures.join()).toMatch(/image \S+ is deactivated/);

    expectInProduction(first);
  });
});

describe('web-download', () => {
  test('that fails is reported with the reason that Glance gives', async () => {
    await site.have(first);
    site.publish(second);
    site.glance.state.imports = 'fail';

    const outcome = await site.deploy({ import_method: 'web-download', attempts: 1 });

    expect(outcome.failures.join()).toMatch(/Glance could not import \S+: Task failed due to Internal Error/);
    expectInProduction(first);
  });

  test.each([403, 404])(
    'that fails is reported without a reason where Glance answers %i for its tasks',
    async (status) => {
      site.publish(first);
      site.glance.state.imports = 'fail';
      site.proxy.addFault({ method: 'GET', path: /\/tasks$/, status });

      const outcome = await site.deploy({ import_method: 'web-download', attempts: 1 });

      expect(outcome.failures.join()).toMatch(/Glance could not import http:\S+(;|,|$)/);
    },
  );

  test('is refused where Glance offers no imports at all', async () => {
    site.publish(first);
    site.proxy.addFault({ path: /\/info\/import$/, status: 404 });

    await expect(site.deploy({ import_method: 'web-download' })).rejects.toMatchObject({
      code: 'IMPORT_NOT_OFFERED',
      message: expect.stringMatching(/it offers: none$/),
    });
    expect(site.writes()).toEqual([]);
  });
});

describe('what happens during the transfer', () => {
  beforeEach(async () => {
    await site.have(first);
    site.publish(second);
  });

  const during = (happen: () => void): void =>
    void site.proxy.addFault({ method: 'PUT', nth: 1, answered: () => happen() });

  test('a rollback that holds the release keeps it private', async () => {
    const production = site.imageOf(first);
    during(() =>
      Object.assign(production.properties, {
        [markers.promoted]: production.id,
        [markers.heldRelease]: second,
        [markers.heldSince]: '2026-06-01T00:00:00Z',
      }),
    );

    expect((await site.deploy()).failures.join()).toMatch(
      /CC-Ubuntu22\.04 was rolled back to \S+ during the transfer, and this release is held since 2026-06-01T00:00:00Z; \S+ stays private/,
    );
    expectInProduction(first);
    expect(listedResults(await site.deploy())).toMatchObject([{ action: 'held' }]);
  });

  test('two images of the name that no marker explains keep the new one private', async () => {
    during(() => {
      for (const properties of [{ current: 'a' }, { current: 'b' }]) site.glance.seed({ name, properties });
    });

    expect((await site.deploy()).failures.join()).toMatch(
      /other images with the name CC-Ubuntu22\.04 appeared during the transfer \(.* of project .*\); \S+ stays private/,
    );
    expect(site.imageOf(second)).toMatchObject({ visibility: 'private' });
  });
});

test('a Glance that takes no id at all for a release is reported, and nothing is left', async () => {
  await site.have(first);
  site.publish(second);
  site.proxy.addFault({ method: 'POST', path: /\/v2\/images$/, status: 409 });

  expect((await site.deploy()).failures.join()).toContain(
    `Glance accepts no id for release ${second}, not even a random one`,
  );
  expectInProduction(first);
  expect(site.glance.state.images.size).toBe(1);
});

describe('an unwanted leftover', () => {
  beforeEach(async () => {
    await site.have(first);
    site.publish(second);
    const killed = new AbortController();
    site.proxy.addFault({ method: 'PUT', nth: 1, before: () => killed.abort(new Error('killed')) });
    await site.deploy({}, { signal: killed.signal }).catch(() => undefined);
    site.proxy.clearFaults();
    site.publish(third);
  });

  test('that cannot be deleted is reported as failed, and the release is deployed', async () => {
    const left = site.imageOf(second).id;
    site.proxy.addFault({ method: 'DELETE', status: 403 });

    const outcome = await site.deploy();

    expect(outcome.failures.join()).toMatch(new RegExp(`leftover ${left} could not be deleted: .*403`));
    expectInProduction(third);
  });

  test('is deleted by the next run', async () => {
    expect((await site.deploy()).failures).toEqual([]);

    expect(site.imageOf(second)).toBeUndefined();
    expectInProduction(third);
  });
});
