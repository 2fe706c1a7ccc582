// What an inventory may say of a port group, and what is sent to bring it there.
import { describe, expect, test } from '@jest/globals';
import { parsePortGroups, portGroupChanges } from '../../../modules/nodes/policy/desired-port-group.js';

test.each<[unknown, string]>([
  ['bond0', 'portgroups: it must be a list'],
  [['bond0'], 'portgroups[0]: a port group must be a mapping'],
  [[{ name: 'bond 0' }], 'portgroups[0].name: "bond 0" cannot be the name of a port group'],
  [
    [{ name: '11111111-2222-4333-8444-555555555555' }],
    'portgroups[0].name: "11111111-2222-4333-8444-555555555555" cannot be the name of a port group',
  ],
  [[{ name: 'bond0', uuid: 'x' }], 'portgroups[0].uuid: "x" is not a UUID'],
  [[{ name: 'bond0', mac: 'zz' }], 'portgroups[0].address: '],
  [[{ mode: '802.3ad' }], 'portgroups[0]: a port group needs a name, an address or a uuid, to be found by'],
  [[{ name: 'bond0', mode: null }], 'portgroups[0].mode: Ironic cannot remove it'],
  [[{ name: 'a' }, { name: 'a' }], 'portgroups: two port groups have the name a'],
])('%j is refused: %s', (given, fault) => {
  const { desired, faults } = parsePortGroups(given, 'portgroups');

  expect(desired).toBeUndefined();
  expect(faults.map(({ field, text }) => `${field}: ${text}`)).toContainEqual(expect.stringContaining(fault));
});

describe('a port group', () => {
  const changesOf = (served: Record<string, unknown>, given: Record<string, unknown>) => {
    const [group] = parsePortGroups([{ name: 'bond0', ...given }], 'portgroups').desired?.groups ?? [];
    return portGroupChanges({ name: 'bond0', ...served }, group ?? { attributes: {} }).flatMap(({ steps }) => steps);
  };

  test.each<[string, Record<string, unknown>, Record<string, unknown>, unknown]>([
    ['that is as desired', { mode: '802.3ad' }, { mode: '802.3ad' }, []],
    ['of another mode', { mode: 'x' }, { mode: '802.3ad' }, [{ op: 'add', path: '/mode', value: '802.3ad' }]],
    [
      'whose address is removed',
      { address: '52:54:00:00:00:01' },
      { address: null },
      [{ op: 'remove', path: '/address' }],
    ],
    ['that has no address to remove', { address: null }, { address: null }, []],
    [
      'with a key more and one less',
      { extra: { a: 1, b: 2 } },
      { extra: { b: null, c: 3 } },
      [{ op: 'add', path: '/extra', value: { a: 1, c: 3 } }],
    ],
  ])('%s', (_, served, given, expected) => expect(changesOf(served, given)).toEqual(expected));
});
