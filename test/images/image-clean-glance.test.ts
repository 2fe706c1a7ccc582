// Glance keeps an image, refuses to delete it, or fails.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Refusal } from '../sandbox/http-double.js';
import { age, clean, resultOf, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startOldSite();
});

afterEach(() => site.close());

describe('Glance', () => {
  function refuseDeletion(id: string, status: number): void {
    const remove = site.glance.state.images.delete.bind(site.glance.state.images);
    site.glance.state.images.delete = (key) => {
      if (key === id) throw new Refusal({ status, body: 'Image is in use.' });
      return remove(key);
    };
  }

  test('that keeps a protected image is not even asked (26)', async () => {
    const image = seedOld(site, { protected: true });

    expect(resultOf(await clean(site), image)).toMatchObject({ action: 'skip', reason: `protected in Glance; ${age}` });
    expect(site.writes()).toEqual([]);
  });

  test.each([403, 409])(
    'that refuses a deletion with %i makes it a skip with the reason, and the others go on (26)',
    async (status) => {
      const refused = seedOld(site, { name: 'CC-A-20240101' });
      const other = seedOld(site, { name: 'CC-B-20240101' });
      refuseDeletion(refused.id, status);

      const outcome = await clean(site);

      expect(outcome).toMatchObject({ changed: true, failures: [], message: '1 delete, 1 skip' });
      expect(resultOf(outcome, refused)?.reason).toMatch(
        new RegExp(`^Glance refuses: DELETE .* answered ${status}: .*Image is in use`),
      );
      expect(site.glance.state.images.has(other.id)).toBe(false);
    },
  );

  test('that fails makes the run fail, and the others go on (26)', async () => {
    const broken = seedOld(site, { name: 'CC-A-20240101' });
    const other = seedOld(site, { name: 'CC-B-20240101' });
    refuseDeletion(broken.id, 400);

    const outcome = await clean(site);

    expect(resultOf(outcome, broken)?.reason).toMatch(/^could not delete it: DELETE .* answered 400/);
    expect(outcome).toMatchObject({ changed: true, failures: [expect.stringContaining(broken.id)] });
    expect(site.glance.state.images.has(other.id)).toBe(false);
  });
});
