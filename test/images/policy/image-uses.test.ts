import { expect, test } from '@jest/globals';
import { addUser, mergedUses, type ImageUse } from '../../../modules/images/policy/image-uses.js';

/** What one service reports. */
function reported(...users: readonly string[]): ReadonlyMap<string, ImageUse> {
  const uses = new Map<string, ImageUse>();
  for (const what of users) addUser(uses, 'image', { what });
  return uses;
}

test.each([
  [[], undefined],
  [[reported('server 1')], { named: [{ what: 'server 1' }], count: 1 }],
  [
    [reported('server 1'), reported('volume 1', 'volume 2', 'volume 3'), reported('node 1')],
    { named: [{ what: 'server 1' }, { what: 'volume 1' }], count: 5 },
  ],
])('what several services report is listed in their order, and counted as a whole', (parts, expected) => {
  expect(mergedUses(parts).get('image')).toEqual(expected);
});
