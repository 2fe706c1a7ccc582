// Why an expired image is kept all the same.
import { describe, expect, test } from '@jest/globals';
import { markers } from '../../../modules/images/policy/site-image.js';
import type { RetentionImage } from '../../../modules/images/policy/retention.js';
import { siteImage } from './image-fixtures.js';
import { aged, oldImage, ourImage, plan, planOf, type PlanChanges } from './retention-fixtures.js';

describe('an id in another spelling', () => {
  const id = '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e';
  const use = { named: [{ what: 'server web' }], count: 1 };

  test.each([id.toUpperCase(), `{${id}}`, id.replaceAll('-', ''), `urn:uuid:${id}`])(
    '%s is that of the image',
    (spelling) => {
      const booting = {
        ...siteImage({ id: 'user', name: "a user's", owner: 'stranger', properties: { ramdisk_id: spelling } }),
        protected: false,
      };
      const marked = ourImage({ id, properties: { [markers.id]: spelling } });
      const mapping = {
        ...booting,
        properties: { block_device_mapping: JSON.stringify([{ source_type: 'image', image_id: spelling }]) },
      };

      expect(plan([oldImage({ id }), booting]).images).toMatchObject([{ action: 'skip' }]);
      expect(plan([oldImage({ id }), mapping]).images).toMatchObject([{ action: 'skip' }]);
      expect(planOf(marked)).toMatchObject({ action: 'delete' });
      expect(plan([oldImage({ id: spelling })], { uses: new Map([[id, use]]) }).images).toMatchObject([
        { action: 'skip' },
      ]);
    },
  );
});

describe('an expired image is skipped', () => {
  test.each<[string, Partial<RetentionImage>, PlanChanges, string]>([
    ['when it is protected', { protected: true }, {}, 'protected in Glance; 26 months old, deleted at 18'],
    [
      'when it is listed in skip_images',
      {},
      { isExempt: ({ id }) => id === 'old' },
      'listed in skip_images; 26 months old, deleted at 18',
    ],
    [
      'when it is in use, and the users are named',
      {},
      {
        uses: new Map([
          ['old', { named: [{ what: 'server web-3', projectId: 'p1' }, { what: 'node rack3' }], count: 5 }],
        ]),
        projectNames: new Map([['p1', 'climate']]),
      },
      'used by server web-3 of project climate, node rack3 and 3 more; 26 months old, deleted at 18',
    ],
    [
      'when it is in use by a project of unknown name',
      {},
      { uses: new Map([['old', { named: [{ what: 'server web-3', projectId: 'p1' }], count: 1 }]]) },
      'used by server web-3 of project p1; 26 months old, deleted at 18',
    ],
  ])('%s', (_, changes, context, reason) => {
    expect(planOf(oldImage(changes), context)).toMatchObject({ action: 'skip', reason });
  });

  test('when it should be hidden, too (25)', () => {
    const uses = new Map([['old', { named: [{ what: 'server web' }], count: 1 }]]);

    expect(planOf(oldImage({ created_at: aged(13) }), { uses })).toMatchObject({ action: 'skip' });
  });

  test('when an image that stays boots with it, whoever owns that one', () => {
    const kernel = oldImage({ id: 'kernel', name: 'CC-IPA-20230302' });
    const booting = {
      ...siteImage({ id: 'user', name: "a user's", owner: 'stranger', properties: { kernel_id: 'kernel' } }),
      protected: false,
    };

    expect(plan([kernel, booting]).images).toMatchObject([
      {
        action: 'skip',
        reason: "used by image a user's (user) as its kernel or ramdisk; 26 months old, deleted at 18",
      },
    ]);
  });

  test('but not if the image that boots with it is deleted as well', () => {
    const kernel = oldImage({ id: 'kernel' });
    const booting = oldImage({ id: 'booting', properties: { current: '1', kernel_id: 'kernel' } });

    expect(plan([kernel, booting]).images.map(({ action }) => action)).toEqual(['delete', 'delete']);
    expect(plan([kernel, { ...booting, protected: true }]).images.map(({ action }) => action)).toEqual([
      'skip',
      'skip',
    ]);
  });

  test('along a chain of images of which only the last one stays', () => {
    const chain = Array.from({ length: 2000 }, (_, at) =>
      oldImage({
        id: `${at}`,
        protected: at === 1999,
        properties: { current: '1', ...(at > 0 ? { ramdisk_id: `${at - 1}` } : {}) },
      }),
    );

    expect(new Set(plan(chain).images.map(({ action }) => action))).toEqual(new Set(['skip']));
  });
});
