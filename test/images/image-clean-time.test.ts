// Time and accident: a clock that is wrong, a name that the catalogue has just lost, a catalogue
// that has lost many.
import { afterEach, describe, expect, test } from '@jest/globals';
import { markers } from '../../modules/images/policy/site-image.js';
import { imageClean } from '../../modules/images/clean/operation.js';
import { logIn } from '../sandbox/log-in.js';
import { now, resultOf, resultsOf, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

let site: TestSite;

afterEach(() => site.close());

const dayMs = 86_400_000;
const later = (days: number): Date => new Date(now.getTime() + days * dayMs);

/** A run on a host whose clock says this. */
const cleanAt = (time: Date, args: Readonly<Record<string, unknown>> = {}, checkMode = false) =>
  site.run(imageClean, args, { now: time, checkMode });

describe('a clock that is', () => {
  test.each([
    ['600 days ahead', 600, 'is 600 days ahead of that of http://'],
    ['600 days behind', -600, 'is 600 days behind that of http://'],
    ['two hours ahead', 2 / 24, 'is 2 h 0 min ahead of'],
    ['an hour and a minute behind', -61 / 1440, 'is 1 h 1 min behind'],
  ])('%s changes nothing, and check mode says so too', async (_, days, difference) => {
    site = await startOldSite();
    for (const created_at of ['2024-03-22T16:00:00Z', '2026-04-20T00:00:00Z', '2025-05-20T00:00:00Z'])
      seedOld(site, { created_at });

    for (const checkMode of [false, true]) {
      await expect(cleanAt(later(days), {}, checkMode)).rejects.toMatchObject({
        code: 'CLOCK_DIFFERS',
        message: expect.stringContaining(difference),
      });
    }
    expect(site.writes()).toEqual([]);
  });

  test('a little wrong cleans', async () => {
    site = await startOldSite();
    const image = seedOld(site);

    expect(resultOf(await cleanAt(later(59 / 1440)), image)).toMatchObject({ action: 'delete' });
  });

  test('is that of a single service is wrong as well', async () => {
    site = await startOldSite();
    seedOld(site);
    site.users.inventory.intervene = () => ({
      status: 200,
      headers: { Date: later(-2).toUTCString() },
      body: { hardware: [], links: [] },
    });

    await expect(cleanAt(now)).rejects.toMatchObject({
      code: 'CLOCK_DIFFERS',
      message: expect.stringContaining(
        `ahead of that of ${site.users.inventory.url}, which reports 2026-05-30T12:00:00Z`,
      ),
    });
    expect(site.writes()).toEqual([]);
  });

  test('known only from the token that Keystone issued', async () => {
    site = await startSilentSite();
    const image = seedOld(site);

    await expect(cleanAt(later(600))).rejects.toMatchObject({ code: 'CLOCK_DIFFERS' });
    expect(resultOf(await cleanAt(now), image)).toMatchObject({ action: 'delete' });
  });

  test('unknown changes nothing', async () => {
    site = await startSilentSite();
    seedOld(site);
    const { auth_url } = site.auth;
    const token = await logIn(site.auth);

    await expect(cleanAt(now, { auth_type: 'token', auth: { auth_url, token } })).rejects.toMatchObject({
      code: 'CLOCK_UNKNOWN',
    });
    expect(site.writes()).toEqual([]);
  });
});

/** Keystone and Glance alone, behind uwsgi. */
async function startSilentSite(): Promise<TestSite> {
  const silent = await startOldSite([]);
  for (const { clock } of [silent.keystone, silent.glance]) clock.isTold = false;
  return silent;
}

describe('a production image whose name has just left the catalogue', () => {
  const lost = { name: 'CC-CentOS7', created_at: '2023-12-01T00:00:00Z' };

  test('is hidden by the first run, left by the next ones, and deleted after thirty days', async () => {
    let time = now;
    site = await startOldSite(undefined, { now: () => time.getTime() });
    const image = seedOld(site, { ...lost, updated_at: '2023-12-01T00:00:00Z' });
    const run = (at: Date) => {
      time = at;
      return cleanAt(at);
    };

    expect(resultOf(await run(now), image)).toMatchObject({ state: 'deprecated', action: 'hide' });
    expect(image).toMatchObject({ visibility: 'private', properties: { [markers.hiddenAt]: '2026-06-01T12:00:00Z' } });
    expect(await run(now)).toMatchObject({ changed: false });
    expect(resultOf(await run(later(29)), image)).toMatchObject({
      action: 'keep',
      reason: expect.stringContaining('due to be deleted on 2026-07-01'),
    });
    expect(site.glance.state.images.has(image.id)).toBe(true);
    expect(resultOf(await run(later(31)), image)).toMatchObject({ action: 'delete' });
    expect(site.glance.state.images.has(image.id)).toBe(false);
  });

  test.each([{ visibility: 'private' }, { os_hidden: true }])(
    'is not deleted by the first run when an operator has hidden it long ago: %j',
    async (hiding) => {
      site = await startOldSite();
      const image = seedOld(site, { ...lost, ...hiding, updated_at: '2024-01-01T00:00:00Z' });

      expect(resultOf(await cleanAt(now), image)).toMatchObject({
        action: 'hide',
        reason: expect.stringContaining('already hidden'),
      });
      expect(await cleanAt(now)).toMatchObject({ changed: false });
      expect(site.glance.state.images.get(image.id)).toMatchObject({ ...hiding, name: 'CC-CentOS7' });
    },
  );

  test('whose name comes back is the production image again once it is published', async () => {
    site = await startOldSite();
    const image = seedOld(site, { ...lost, updated_at: '2023-12-01T00:00:00Z' });
    await cleanAt(now);
    image.visibility = 'public';
    site.store.put('prod/current', JSON.stringify({ 'CC-Ubuntu22.04': '1', 'CC-CentOS7': '1' }));

    expect(resultOf(await cleanAt(now), image)).toMatchObject({ state: 'current', action: 'keep' });
  });
});

describe('a catalogue that has lost many names', () => {
  test('changes none of them and fails the run, until accept_losses allows it', async () => {
    site = await startOldSite();
    for (const name of ['CC-A', 'CC-B', 'CC-C', 'CC-Ubuntu22.04']) seedOld(site, { name });
    const archived = seedOld(site);

    for (const checkMode of [true, false]) {
      const outcome = await cleanAt(now, {}, checkMode);
      expect(outcome.failures).toEqual([
        expect.stringContaining(
          'the catalogue no longer has 3 of the 4 names that the site has in production (CC-A, CC-B, CC-C) ' +
            'and may be incomplete',
        ),
      ]);
      expect(
        resultsOf(outcome)
          .map(({ action }) => action)
          .sort(),
      ).toEqual(['delete', 'keep', 'skip', 'skip', 'skip']);
    }
    expect(site.writes()).toEqual([`DELETE /v2/images/${archived.id}`]);
    const accepted = await cleanAt(now, { accept_losses: true });
    expect(accepted).toMatchObject({ failures: [], message: '3 hide, 1 keep' });
    expect(await cleanAt(now)).toMatchObject({ failures: [], changed: false });
  });
});
