import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { imageInfo } from '../../modules/images/info/operation.js';
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
});

afterEach(() => site.close());

const releasesInProduction = () => site.inProduction().map(({ properties }) => properties.current);

describe('a rollback', () => {
  test('puts the previous image back in the first run, and changes nothing in the second', async () => {
    await site.have(first, second);
    const before = site.writes().length;

    const back = await site.rollback();
    const writes = site.writes().slice(before);
    const again = await site.rollback();

    expect(back).toMatchObject({ changed: true, failures: [], message: '1 rollback' });
    const [old, present] = [site.imageOf(first), site.imageOf(second)];
    expect(listedResults(back)).toMatchObject([
      { name, action: 'rollback', id: old.id, release: first, archived_id: present.id, held_releases: [second] },
    ]);
    expect(writes).toEqual([`PATCH /v2/images/${old.id}`, `PATCH /v2/images/${present.id}`]);
    expect(site.inProduction()).toEqual([old]);
    expect(Object.keys(old.properties)).not.toEqual(
      expect.arrayContaining([markers.supersededAt, 'chameleon-supported']),
    );
    expect(old.properties).toMatchObject({ [markers.heldRelease]: second, [markers.heldImage]: present.id });
    expect(present).toMatchObject({
      name: `${name}_2025-04-22 15:30:45.123456`,
      visibility: 'public',
      properties: { 'chameleon-supported': 'no', [markers.supersededAt]: expect.any(String) },
    });
    expect(again).toMatchObject({ changed: false, failures: [] });
    expect(listedResults(again)).toMatchObject([
      { action: 'up_to_date', reason: expect.stringContaining('to go further back, say to which release') },
    ]);
    expect(site.writes()).toHaveLength(before + 2);
  });

  test('in check mode shows the plan with its differences and sends no write', async () => {
    await site.have(first, second);
    const before = site.writes();

    const planned = await site.rollback({}, { checkMode: true });

    expect(planned).toMatchObject({ changed: true, message: 'planned: 1 rollback' });
    expect(planned.differences).toMatchObject([
      { before: { name: expect.stringMatching(/_2025-01-15/) }, after: { name, [markers.heldRelease]: second } },
      { before: { state: 'current' }, after: { state: 'archived' } },
    ]);
    expect(site.writes()).toEqual(before);
  });

  test('goes over several releases, each of which is held from then on', async () => {
    await site.have(first, second, third);

    await site.rollback();
    await site.rollback({ to: first });

    expect(releasesInProduction()).toEqual([first]);
    expect(site.imageOf(first).properties[markers.heldRelease]).toBe(`${third}, ${second}`);
    expect(site.imageOf(second).properties).not.toHaveProperty(markers.heldSince);
    expect(listedResults(await site.rollback({ to: third }))).toMatchObject([{ action: 'rollback', release: third }]);
    expect(listedResults(await site.deploy())).toMatchObject([{ action: 'up_to_date' }]);
  });

  test.each([
    ['made private by the cleaner', { visibility: 'private' }],
    ['hidden', { os_hidden: true }],
    ['protected', { protected: true }],
  ])('shows users an image that was %s', async (_, changes) => {
    await site.have(first, second);
    Object.assign(site.imageOf(first), changes);
    site.imageOf(first).properties[markers.hiddenAt] = '2026-01-01T00:00:00Z';

    const back = await site.rollback();

    expect(back.failures).toEqual([]);
    expect(site.inProduction()).toMatchObject([{ id: site.imageOf(first).id, visibility: 'public', os_hidden: false }]);
    expect(site.imageOf(first).properties).not.toHaveProperty(markers.hiddenAt);
  });

  test('is taken back where the present image cannot be archived, and nothing has changed', async () => {
    await site.have(first, second);
    const before = structuredClone([site.imageOf(first), site.imageOf(second)]);
    site.proxy.addFault({ method: 'PATCH', path: new RegExp(site.imageOf(second).id), status: 403 });

    const refused = await site.rollback();

    expect(refused).toMatchObject({ changed: false });
    expect(refused.failures.join()).toContain('nothing of it was changed');
    expect([site.imageOf(first), site.imageOf(second)]).toEqual(
      before.map((image) => ({ ...image, updated_at: expect.any(String) })),
    );
  });
});

describe('a request that cannot be met is refused before any change', () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a release that the site does not have',
      { to: '20200101-v1' },
      /no archived image .*"20200101-v1"; archived: 2025/,
    ],
    ['an id of another image', { to: '00000000-0000-4000-8000-000000000000' }, /is not an archived image of CC-/],
    ['an unknown name', { image: 'CC-Ubuntu22.4' }, /did you mean CC-Ubuntu22.04\?; names with archived images: CC-Ub/],
    ['release and to', { release: true, to: first }, /give only one of them/],
  ])('%s', async (_, args, message) => {
    await site.have(first, second);
    const before = site.writes();

    await expect(site.rollback(args)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    });
    expect(site.writes()).toEqual(before);
  });

  test('a release that two archived images have', async () => {
    await site.have(first, second);
    const copy = structuredClone(site.imageOf(first));
    const twin = site.glance.seed({ name: `${copy.name}.2`, properties: { ...copy.properties, [markers.id]: '' } });
    twin.properties[markers.id] = twin.id;

    await expect(site.rollback({ to: first })).rejects.toMatchObject({
      message: expect.stringMatching(/2 archived images .* give an id/),
    });
    expect(listedResults(await site.rollback({ to: twin.id }))).toMatchObject([{ id: twin.id, action: 'rollback' }]);
  });

  test('a deactivated image', async () => {
    await site.have(first, second);
    site.imageOf(first).status = 'deactivated';

    await expect(site.rollback()).rejects.toMatchObject({
      code: 'ROLLBACK_REFUSED',
      message: expect.stringContaining('is deactivated, so nobody could use it; reactivate it'),
    });
    expect(releasesInProduction()).toEqual([second]);
  });

  test('an image of another project, whatever its name and markers', async () => {
    await site.have(first);
    const theirs = structuredClone(site.imageOf(first));
    site.glance.seed({
      ...theirs,
      id: 'f0000000-0000-4000-8000-000000000000',
      owner: 'stranger',
      name: `${name}_2020`,
    });

    await expect(site.rollback()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('the release that was taken back', () => {
  beforeEach(async () => {
    await site.have(first, second);
    await site.rollback();
  });

  test('is held, with since when and why, and the store is not asked for it', async () => {
    const asked = site.store.requests.length;

    const night = await site.deploy();

    expect(night).toMatchObject({ changed: false, failures: [], message: '1 held' });
    const since = site.imageOf(first).properties[markers.heldSince];
    expect(listedResults(night)).toMatchObject([
      {
        action: 'held',
        held_since: since,
        reason: expect.stringContaining(`held since ${since}, when ${second} was rolled back to ${first}`),
      },
    ]);
    expect(site.store.requests.length - asked).toBe(1);
  });

  test('is replaced by a newer one, which ends the hold', async () => {
    site.publish(third);

    expect(listedResults(await site.deploy())).toMatchObject([{ action: 'deploy' }]);

    expect(releasesInProduction()).toEqual([third]);
    expect(site.imageOf(first).properties).not.toHaveProperty(markers.heldSince);
  });

  test('comes again with force', async () => {
    expect(listedResults(await site.deploy({ force: true }))).toMatchObject([{ action: 'deploy' }]);
    expect(releasesInProduction()).toEqual([second]);
    expect(listedResults(await site.deploy())).toMatchObject([{ action: 'up_to_date' }]);
  });

  test('comes again after its release, which a second run does not repeat', async () => {
    const released = await site.rollback({ release: true });

    expect(listedResults(released)).toMatchObject([{ action: 'release', id: site.imageOf(first).id }]);
    expect(await site.rollback({ release: true })).toMatchObject({ changed: false });
    expect(listedResults(await site.deploy())).toMatchObject([{ action: 'deploy' }]);
  });

  test('stays held where its release is refused', async () => {
    site.proxy.addFault({ method: 'PATCH', status: 403 });
    const refused = await site.rollback({ release: true });
    site.proxy.clearFaults();

    expect(refused).toMatchObject({ changed: false, failures: [expect.stringContaining('403')] });
    expect(listedResults(await site.deploy())).toMatchObject([{ action: 'held' }]);
  });

  test('is shown by image_info', async () => {
    // Otherwise both may have been created in the same second, and the order would be left to chance.
    Object.assign(site.imageOf(first), { created_at: '2025-01-15T12:00:00Z' });

    const { values, table } = await site.run(imageInfo);

    expect(values.images).toMatchObject([
      { release: second, state: 'archived', held: true, held_since: expect.any(String) },
      { release: first, state: 'current', held_releases: [second] },
    ]);
    expect(table.rows.map((row) => row[table.columns.indexOf('STATE')])).toEqual([
      'archived, held',
      'current, put back',
    ]);
  });
});
