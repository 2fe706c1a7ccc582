import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foreignImageRefusal, imagesNamed } from '../../../modules/images/policy/image-choice.js';
import { owner, siteImage } from './image-fixtures.js';

const name = 'ipa.kernel';
const own = (id: string, visibility = 'private') => siteImage({ id, name, visibility });
const foreign = (id: string, visibility: string) => siteImage({ id, name, visibility, owner: 'stranger' });

describe('a name means', () => {
  test.each([
    ['the only one of ours', [own('a')], ['a'], []],
    [
      'ours beside those of others, of whatever visibility',
      [foreign('p', 'public'), foreign('c', 'community'), foreign('s', 'shared'), foreign('x', 'private'), own('a')],
      ['a'],
      ['s', 'x'],
    ],
    ['all of ours that have it', [own('a'), own('b', 'public'), foreign('p', 'public')], ['a', 'b'], []],
    [
      'a public one of others before one of the community',
      [foreign('c', 'community'), foreign('p', 'public')],
      ['p'],
      [],
    ],
    [
      'one of the community where nobody else has it',
      [foreign('c', 'community'), foreign('x', 'private')],
      ['c'],
      ['x'],
    ],
    [
      'nothing where only private and shared ones of others have it',
      [foreign('s', 'shared'), foreign('x', 'private')],
      [],
      ['s', 'x'],
    ],
    ['nothing where nobody has it', [siteImage({ name: 'other' })], [], []],
  ])('%s', (_, images, matches, refused) => {
    const found = imagesNamed(name, images, owner);

    expect([found.matches.map(({ id }) => id), found.refused.map(({ id }) => id)]).toEqual([matches, refused]);
  });
});

test('a login without a project has no others', () => {
  expect(imagesNamed(name, [foreign('x', 'private')], '').matches).toHaveLength(1);
  expect(foreignImageRefusal(foreign('x', 'private'), '')).toBeUndefined();
});

test.each([
  ['private', 'x is a private image of another project (stranger)'],
  ['shared', 'x is a shared image of another project (stranger)'],
  ['public', undefined],
  ['community', undefined],
])('by its id a %s image of another project is judged by its visibility', (visibility, reason) => {
  expect(foreignImageRefusal(foreign('x', visibility), owner)).toEqual(
    reason === undefined ? undefined : expect.stringContaining(reason),
  );
});

test('whatever others have, it neither becomes nor hides what is ours', () => {
  const image = fc.record({
    id: fc.uuid(),
    owner: fc.constantFrom(owner, 'stranger', 'other'),
    visibility: fc.constantFrom('public', 'community', 'shared', 'private'),
  });
  fc.assert(
    fc.property(fc.array(image, { maxLength: 6 }), (rows) => {
      const images = rows.map((row) => siteImage({ ...row, name }));
      const ours = images.filter((each) => each.owner === owner);

      const { matches } = imagesNamed(name, images, owner);

      if (ours.length > 0) expect(matches).toEqual(ours);
      for (const each of matches) expect(foreignImageRefusal(each, owner)).toBeUndefined();
    }),
  );
});
