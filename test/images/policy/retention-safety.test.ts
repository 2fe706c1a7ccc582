// What holds of the plan for any images of a site.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { textFor } from '../../../modules/core/option-text.js';
import { isProduction, markers } from '../../../modules/images/policy/site-image.js';
import type { RetentionImage } from '../../../modules/images/policy/retention.js';
import { now, owner } from './image-fixtures.js';
import { aged, catalogue, oldImage, plan } from './retention-fixtures.js';

test('a plan with more deletions than max_deletes is refused completely', () => {
  const images = [oldImage({ id: 'a' }), oldImage({ id: 'b' }), oldImage({ id: 'c', created_at: aged(13) })];

  const refused = plan(images, { settings: { maxDeletes: 1 } });

  expect(textFor('ansible', refused.refusal ?? '')).toContain('the plan deletes 2 images, more than max_deletes (1)');
  expect(refused.images.map(({ action, reason }) => [action, reason.split(';')[0]])).toEqual([
    ['skip', 'not changed because the plan is refused (planned action: delete)'],
    ['skip', 'not changed because the plan is refused (planned action: delete)'],
    ['skip', 'not changed because the plan is refused (planned action: hide)'],
  ]);
  expect(plan(images, { settings: { maxDeletes: 2 } })).not.toHaveProperty('refusal');
});

const anyImage: fc.Arbitrary<RetentionImage> = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    name: fc.constantFrom(
      'CC-Ubuntu22.04',
      'CC-Ubuntu24.04',
      'CC-CentOS7',
      'CC-Ubuntu22.04_2024-03-22 15:30:45',
      'CC-Ubuntu22.04-20240322',
      'own image',
      'testing_CC-Ubuntu22.04',
    ),
    owner: fc.constantFrom(owner, 'stranger'),
    visibility: fc.constantFrom('public', 'private', 'community', 'shared'),
    status: fc.constantFrom('active', 'deactivated', 'queued'),
    os_hidden: fc.boolean(),
    protected: fc.boolean(),
    created_at: fc.integer({ min: 0, max: 40 }).map((months) => aged(months)),
    marker: fc.constantFrom('none', 'own', 'foreign'),
    properties: fc.record(
      {
        current: fc.constant('1'),
        image_type: fc.constantFrom('snapshot', 'image'),
        kernel_id: fc.constantFrom('a', 'b', 'c', 'd'),
        'build-distro': fc.constant('ubuntu'),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ marker, ...image }) => {
    const own =
      marker === 'none'
        ? {}
        : { [markers.id]: marker === 'own' ? image.id : 'another', [markers.name]: 'CC-Ubuntu22.04' };
    return oldImage({ ...image, properties: { ...(image.properties as Record<string, string>), ...own } });
  });

test('whatever the site has, production, used, needed, protected and foreign images are never touched', () => {
  const images = fc.uniqueArray(anyImage, { selector: ({ id }) => id, maxLength: 4 });
  fc.assert(
    fc.property(images, fc.subarray(['a', 'b', 'c', 'd']), fc.boolean(), (site, used, hasCatalogue) => {
      const uses = new Map(used.map((id) => [id, { named: [{ what: 'server web' }], count: 1 }]));
      const planned = plan(site, { uses, catalogue: hasCatalogue ? catalogue : undefined }).images;
      const going = new Set(planned.filter(({ action }) => action === 'delete').map(({ image }) => image.id));
      const needed = new Set(
        site.filter(({ id }) => !going.has(id)).flatMap(({ properties }) => properties.kernel_id ?? []),
      );

      for (const { image } of planned.filter(({ action }) => action === 'hide' || action === 'delete')) {
        expect(used).not.toContain(image.id);
        expect(needed).not.toContain(image.id);
        expect(image).toMatchObject({ owner, protected: false });
        expect(image.name).not.toBe('own image');
        expect(image.properties.image_type).not.toBe('snapshot');
        expect(image.properties[markers.id] ?? image.id).toBe(image.id);
        expect(catalogue.has(image.name) && isProduction(image, image.name, owner)).toBe(false);
        expect(!hasCatalogue && isProduction(image, image.name, owner) && !image.name.includes('2024')).toBe(false);
      }
    }),
    { numRuns: 2000 },
  );
});

const hidden = (mode: string) => (mode === 'private' ? { visibility: 'private' } : { os_hidden: true });

test('no image with a production name is deleted in the run that first misses the name', () => {
  const images = fc.uniqueArray(anyImage, { selector: ({ id }) => id, maxLength: 4 });
  fc.assert(
    fc.property(
      images,
      fc.subarray(['CC-Ubuntu22.04', 'CC-Ubuntu24.04', 'CC-CentOS7']),
      fc.nat(90),
      (site, names, graceDays) => {
        const planned = plan(site, { catalogue: new Set(names), settings: { graceDays, acceptLosses: true } }).images;

        expect(
          planned.filter(
            ({ action, image }) =>
              action === 'delete' && ['CC-Ubuntu22.04', 'CC-Ubuntu24.04', 'CC-CentOS7'].includes(image.name),
          ),
        ).toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
});

test('what a plan has done is not planned again', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyImage, { selector: ({ id }) => id, maxLength: 4 }),
      fc.constantFrom('private', 'os_hidden'),
      (site, mode) => {
        const actions = new Map(plan(site).images.map(({ image, action }) => [image.id, action]));
        const after = site
          .filter(({ id }) => actions.get(id) !== 'delete')
          .map((image) =>
            actions.get(image.id) !== 'hide'
              ? image
              : {
                  ...image,
                  ...hidden(mode),
                  updated_at: now.toISOString(),
                  properties: { ...image.properties, [markers.hiddenAt]: now.toISOString() },
                },
          );

        expect(plan(after).images.filter(({ action }) => action === 'hide' || action === 'delete')).toEqual([]);
      },
    ),
  );
});
