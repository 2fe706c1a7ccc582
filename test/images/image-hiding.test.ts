// Images that are hidden as soon as they are replaced, and those that `keep` protects.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { imageInfo } from '../../modules/images/info/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { clean, resultOf, seedOld, startOldSite } from './image-clean-site.js';
import {
  first,
  listedResults,
  name,
  second,
  startRollbackSite,
  third,
  type RollbackTestSite,
} from './rollback-site.js';
import type { TestSite } from './site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(60_000);

describe('with hide_at: replacement a deployment', () => {
  let site: RollbackTestSite;

  beforeEach(async () => {
    site = await startRollbackSite();
  });

  afterEach(() => site.close());

  const replacement = { hide_at: 'replacement' };

  test.each([
    [{}, { visibility: 'private', os_hidden: false }],
    [{ hide_mode: 'os_hidden' }, { visibility: 'public', os_hidden: true }],
  ])(
    'and %j hides the image in the request that archives it, and changes nothing in the second run',
    async (mode, hidden) => {
      await site.have(first);
      site.publish(second);
      const before = site.writes().length;

      const outcome = await site.deploy({ ...replacement, ...mode });
      const writes = site.writes().slice(before);
      const again = await site.deploy({ ...replacement, ...mode });

      const old = site.imageOf(first);
      expect(old).toMatchObject({ name: `${name}_2025-01-15 15:30:45.123456`, ...hidden });
      expect(old.properties).toMatchObject({ 'chameleon-supported': 'no', [markers.supersededAt]: expect.any(String) });
      expect(site.inProduction()).toEqual([site.imageOf(second)]);
      expect(writes.filter((write) => write === `PATCH /v2/images/${old.id}`)).toHaveLength(1);
      expect(listedResults(outcome)).toMatchObject([{ action: 'deploy', archived_id: old.id, archived_hidden: true }]);
      expect(outcome.table.rows[0]?.at(-1)).toContain(`the previous image is now ${old.name}, hidden`);
      expect(again).toMatchObject({ changed: false, failures: [] });
    },
  );

  test('and a rollback hides what it archives, and shows what it puts back', async () => {
    await site.have(first, second);

    const back = await site.rollback(replacement);
    const [taken, put] = [site.imageOf(second), site.imageOf(first)].map((image) => image.visibility);
    const forth = await site.rollback({ ...replacement, to: second });

    expect([back.failures, forth.failures]).toEqual([[], []]);
    expect([taken, put]).toEqual(['private', 'public']);
    expect(listedResults(back)).toMatchObject([{ archived_id: site.imageOf(second).id, archived_hidden: true }]);
    expect(back.table.rows[0]?.at(-1)).toContain(', hidden; held: ');
    expect(site.inProduction()).toEqual([site.imageOf(second)]);
    expect(site.imageOf(first)).toMatchObject({ visibility: 'private' });
  });

  test('by default hides nothing', async () => {
    await site.have(first, second);

    expect(site.imageOf(first)).toMatchObject({ visibility: 'public', os_hidden: false });
  });

  test('hides also what an interrupted run has left to be archived', async () => {
    await site.have(first);
    site.publish(second);
    // Creation, promotion, archiving: killed after the promotion.
    await site.killedAt(1, (options) => site.deploy(replacement, options));
    expect(site.inProduction()).toHaveLength(2);

    const recovered = await site.deploy(replacement);

    expect(recovered.failures).toEqual([]);
    expect(listedResults(recovered)).toMatchObject([{ archived_id: site.imageOf(first).id, archived_hidden: true }]);
    expect(site.imageOf(first)).toMatchObject({ visibility: 'private' });
  });

  test('leaves both images public if the old one cannot be archived', async () => {
    await site.have(first);
    site.publish(second);
    site.proxy.addFault({ method: 'PATCH', path: new RegExp(site.imageOf(first).id), status: 403 });

    const refused = await site.deploy(replacement);

    expect(refused.failures.join()).toContain('rolled back');
    expect(site.inProduction()).toEqual([site.imageOf(first)]);
    expect(site.imageOf(first)).toMatchObject({ name, visibility: 'public', os_hidden: false });
  });

  test.each([[{}], [{ hide_mode: 'os_hidden' }]])(
    'and %j is followed by a rollback that shows the image again',
    async (mode) => {
      await site.have(first);
      site.publish(second);
      await site.deploy({ ...replacement, ...mode });

      const back = await site.rollback();

      expect(back.failures).toEqual([]);
      expect(site.imageOf(first)).toMatchObject({ name, visibility: 'public', os_hidden: false });
      // What was taken back is held; it stays as it is until somebody decides.
      expect(site.imageOf(second)).toMatchObject({ visibility: 'public', os_hidden: false });
      site.publish(third);
      await site.deploy({ ...replacement, ...mode });
      expect(site.inProduction()).toEqual([site.imageOf(third)]);
    },
  );

  test('is followed by a cleaner that finds nothing to do, and hides what was archived before', async () => {
    await site.have(first, second);
    site.publish(third);
    await site.deploy(replacement);
    const before = site.writes().length;

    const cleaned = await site.run(imageClean, replacement);
    const again = await site.run(imageClean, replacement);

    expect(site.writes().slice(before)).toEqual([`PATCH /v2/images/${site.imageOf(first).id}`]);
    expect(cleaned).toMatchObject({ changed: true, failures: [], message: expect.stringContaining('1 hide, 2 keep') });
    expect(site.imageOf(first)).toMatchObject({ visibility: 'private' });
    expect(again).toMatchObject({ changed: false, failures: [] });
  });
});

describe('keep', () => {
  let site: TestSite;

  beforeEach(async () => {
    site = await startOldSite();
  });

  afterEach(() => site.close());

  const built = (year: number): StoredImage =>
    seedOld(site, {
      name: `CC-Ubuntu22.04_${year}-03-22 15:30:45`,
      properties: { 'build-timestamp': `${year}-03-22 15:30:45` },
    });

  test('protects the newest builds in the first run and in the second, and info shows it', async () => {
    const current = seedOld(site, { name: 'CC-Ubuntu22.04' });
    const [oldest, older, newer] = [built(2021), built(2022), built(2023)];

    const first = await clean(site, { keep: 3 });
    const second = await clean(site, { keep: 3 });

    expect(first).toMatchObject({ changed: true, failures: [], message: '1 delete, 3 keep' });
    expect([current, older, newer].map((image) => resultOf(first, image)?.action)).toEqual(['keep', 'keep', 'keep']);
    expect(resultOf(first, newer)?.reason).toContain('one of the 3 newest images of CC-Ubuntu22.04');
    expect(site.writes()).toEqual([`DELETE /v2/images/${oldest.id}`]);
    expect(second).toMatchObject({ changed: false, message: '3 keep' });
    const listed = await site.run(imageInfo, { plan: true, keep: 3 });
    expect((listed.values.images as { id: string }[]).find(({ id }) => id === older.id)).toMatchObject({
      plan: { action: 'keep', reason: expect.stringContaining('newest images') },
    });
  });

  test('protects an image that becomes one of the newest during the run', async () => {
    const [oldest, newest] = [built(2021), built(2023)];
    const get = site.glance.state.images.get.bind(site.glance.state.images);
    // Glance is asked for one image when the plan is made and nothing is changed yet.
    site.glance.state.images.get = (id) => {
      site.glance.state.images.delete(newest.id);
      return get(id);
    };

    const outcome = await clean(site, { keep: 1 });

    expect(resultOf(outcome, oldest)).toMatchObject({
      action: 'skip',
      reason: expect.stringContaining('newer images were deleted by somebody else during the run'),
    });
    expect(site.writes()).toEqual([]);
  });

  test.each([
    [{ keep: -1 }, 'keep'],
    [{ keep: 1.5 }, 'keep'],
    [{ keep: 'all' }, 'keep'],
    [{ hide_at: 'once' }, 'hide_at'],
  ])('%j is refused by name', async (args, field) => {
    await expect(clean(site, args)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(field),
    });
  });
});
