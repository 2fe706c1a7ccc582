import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ImageResult } from '../../../modules/images/policy/deploy-results.js';
import {
  choosesStores,
  lackingStores,
  plannedCopies,
  wantedStores,
  withCopies,
} from '../../../modules/images/policy/image-stores.js';

const store = (id: string, kind: 'default' | 'read-only' | '' = '') => ({
  id,
  isDefault: kind === 'default',
  isReadOnly: kind === 'read-only',
});
const offered = [store('slow'), store('fast', 'default'), store('web', 'read-only')];

test('a site chooses stores by one of two options, or not at all', () => {
  expect(choosesStores({ all_stores: false })).toBe(false);
  expect(choosesStores({ stores: [], all_stores: false })).toBe(false);
  expect(choosesStores({ stores: ['a'], all_stores: false })).toBe(true);
  expect(choosesStores({ stores: [], all_stores: true })).toBe(true);
  expect(() => choosesStores({ stores: ['a'], all_stores: true })).toThrow(/exclude each other/);
});

describe('the data go first', () => {
  test.each([
    ['into the first that is named', ['slow', 'fast', 'slow'], false, { first: 'slow', ids: ['slow', 'fast'] }],
    ['into the default one of all', [], true, { first: 'fast', ids: ['fast', 'slow'] }],
  ])('%s', (_, stores, all_stores, wanted) => {
    expect(wantedStores({ stores, all_stores }, offered)).toEqual(wanted);
  });

  test.each([
    [['slow', 'fats'], false, offered, /no store "fats"; it takes data into: slow, fast$/],
    [['web'], false, offered, /"web" of this Glance is read-only/],
    [[], true, [store('web', 'read-only')], /all stores of this Glance are read-only/],
    [['slow'], false, undefined, /does not have several stores/],
  ])('nowhere for %j (all: %s)', (stores, all_stores, known, message) => {
    expect(() => wantedStores({ stores, all_stores }, known)).toThrow(message);
  });
});

const wanted = { first: 'slow', ids: ['slow', 'fast', 'far'] };

test('an image lacks the wanted stores that it is not in, in their order', () => {
  const ids = fc.uniqueArray(fc.constantFrom<string>('slow', 'fast', 'far', 'other'));
  fc.assert(
    fc.property(ids, (stores) => {
      const lacking = lackingStores({ stores }, wanted);
      expect(lacking).toEqual(wanted.ids.filter((id) => !stores.includes(id)));
    }),
  );
  expect(lackingStores({}, wanted)).toEqual(wanted.ids);
});

test.each([
  ['deploy', undefined, ['fast', 'far']],
  ['resume', { stores: ['slow'] }, ['fast', 'far']],
  ['up_to_date', { stores: ['fast'] }, ['slow', 'far']],
  ['held', { stores: ['slow', 'fast', 'far'] }, []],
  ['failed', { stores: ['slow'] }, []],
  ['conflict', { stores: ['slow'] }, []],
  ['in_progress', { stores: ['slow'] }, []],
  ['delete', { stores: ['slow'] }, []],
] as const)('of an image to %s, %j, copies are planned to %j', (action, image, copies) => {
  expect(plannedCopies({ action }, image, wanted)).toEqual(copies);
});

test('only an image for which nothing else was done is told as copied', () => {
  const result: ImageResult = { name: 'CC-X', release: '1', action: 'up_to_date', reason: 'the site has it' };

  expect(withCopies(result, ['slow'], [])).toEqual({ ...result, stores: ['slow'] });
  expect(withCopies(result, ['slow', 'fast'], ['fast'])).toMatchObject({ action: 'copy', copied_to: ['fast'] });
  expect(withCopies({ ...result, action: 'held' }, ['slow', 'fast'], ['fast'])).toMatchObject({ action: 'held' });
});
