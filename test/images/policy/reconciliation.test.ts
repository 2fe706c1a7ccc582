import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withEdits } from '../../../modules/images/policy/image-edits.js';
import type { WantedAttributes } from '../../../modules/images/policy/new-image.js';
import {
  changesOf,
  desiredImage,
  isReconciled,
  needsMembers,
  planReconciliation,
} from '../../../modules/images/policy/reconciliation.js';
import { isProduction, markers, type SiteImage } from '../../../modules/images/policy/site-image.js';
import { owner, siteImage } from './image-fixtures.js';

function image(changes: Partial<SiteImage> = {}): SiteImage {
  const properties = { [markers.id]: 'old', [markers.promoted]: 'old', ...changes.properties };
  return siteImage({ tags: ['by-hand'], min_disk: 0, min_ram: 0, protected: false, ...changes, properties });
}

type Properties = Readonly<Record<string, string | undefined>>;

function plan(present: SiteImage, wanted: WantedAttributes, properties: Properties = {}, members?: readonly string[]) {
  const desired = desiredImage(wanted, new Map(Object.entries(properties)));
  const reconciliation = planReconciliation(present, desired, members);
  return { reconciliation, changes: changesOf(present, reconciliation), isDone: isReconciled(reconciliation) };
}

test.each<[string, SiteImage, WantedAttributes, Properties, [string, unknown, unknown][]]>([
  ['nothing', image(), {}, {}, []],
  ['a new property', image(), {}, { x: 'y' }, [['x', null, 'y']]],
  ['another value', image({ properties: { x: 'a' } }), {}, { x: 'b' }, [['x', 'a', 'b']]],
  ['the same value', image({ properties: { x: 'a' } }), {}, { x: 'a' }, []],
  ['another spelling', image({ properties: { X: 'a' } }), {}, { x: 'b' }, [['X', 'a', 'b']]],
  ['no property', image({ properties: { x: 'a' } }), {}, { x: undefined }, [['x', 'a', null]]],
  ['none, and there is none', image(), {}, { x: undefined }, []],
  ['tags, which are added', image(), { tags: ['a'] }, {}, [['tags', ['by-hand'], ['by-hand', 'a']]]],
  ['tags that are there', image({ tags: ['b', 'a'] }), { tags: ['a', 'b'] }, {}, []],
  [
    'a minimum',
    image(),
    { minRamMib: 512, minDiskGib: 3 },
    {},
    [
      ['min_disk', 0, 3],
      ['min_ram', 0, 512],
    ],
  ],
  ['a visibility', image(), { visibility: 'shared' }, {}, [['visibility', 'public', 'shared']]],
  ['protection', image(), { protected: true }, {}, [['protected', false, true]]],
  ['protection that somebody has set', image({ protected: true }), { protected: true }, {}, []],
  ['no protection', image({ protected: true }), { protected: false }, {}, [['protected', true, false]]],
  ['nothing of the protection', image({ protected: true }), {}, {}, []],
  ['deactivation', image(), { status: 'deactivated' }, {}, [['status', 'active', 'deactivated']]],
  ['an active image', image(), { status: 'active' }, {}, []],
  [
    'an active image, and an operator has deactivated it',
    image({ status: 'deactivated' }),
    { status: 'active' },
    {},
    [],
  ],
  [
    'an active image, and a run has deactivated it',
    image({ status: 'deactivated', properties: { [markers.status]: 'deactivated' } }),
    { status: 'active' },
    {},
    [['status', 'deactivated', 'active']],
  ],
])('%s', (_, present, wanted, properties, expected) => {
  const { changes } = plan(present, wanted, properties);

  expect(changes.map(({ name, before, after }) => [name, before, after])).toEqual(expected);
});

test('what the site says counts over what the catalogue says', () => {
  const desired = desiredImage({ properties: { a: 'list', b: 'list' } }, new Map([['B', 'site']]));

  expect([...desired.properties]).toEqual([
    ['a', 'list'],
    ['B', 'site'],
  ]);
});

test('an image that no run has marked yet is marked, although nothing else differs', () => {
  const unmarked = siteImage({ visibility: 'community' });

  const { reconciliation, changes, isDone } = plan(unmarked, { visibility: 'community' });

  expect([isDone, changes]).toEqual([false, []]);
  expect(isProduction(withEdits(unmarked, reconciliation.edits), unmarked.name, owner)).toBe(true);
});

describe('members', () => {
  const shared = image({ visibility: 'shared', properties: { [markers.visibility]: 'shared' } });

  test.each<[string, readonly string[], readonly string[] | undefined, string[], string[]]>([
    ['are added', [], ['a', 'b'], ['a', 'b'], []],
    ['are removed when the list has them no longer', ['a', 'b'], ['b'], [], ['a']],
    ['are all removed by an empty list', ['a'], [], [], ['a']],
    ['are left alone without a list', ['a'], undefined, [], []],
    ['may be listed twice', [], ['a', 'a'], ['a'], []],
  ])('%s', (_, present, members, add, remove) => {
    const { reconciliation } = plan(shared, members ? { visibility: 'shared', members } : {}, {}, present);

    expect([reconciliation.members?.add ?? [], reconciliation.members?.remove ?? []]).toEqual([add, remove]);
  });

  test('count for a shared image, or one that becomes one', () => {
    const wants = (wanted: WantedAttributes) => desiredImage(wanted, new Map());

    expect(needsMembers(shared, wants({ members: [] }))).toBe(true);
    expect(needsMembers(image(), wants({ members: [] }))).toBe(false);
    expect(needsMembers(image(), wants({ members: [], visibility: 'shared' }))).toBe(true);
    expect(needsMembers(shared, wants({ members: [], visibility: 'private' }))).toBe(false);
    expect(needsMembers(shared, wants({}))).toBe(false);
  });
});

test('once carried out nothing differs, the image stays in production, and what nobody wants stays', () => {
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const wantedOf = fc.record({
    visibility: optional(fc.constantFrom('public', 'community', 'shared', 'private')),
    tags: optional(fc.uniqueArray(fc.constantFrom('a', 'by-hand'))),
    minRamMib: optional(fc.nat(2)),
    protected: optional(fc.boolean()),
    status: optional(fc.constantFrom('active', 'deactivated')),
  });
  const properties = fc.dictionary(fc.constantFrom('x', 'y'), optional(fc.constantFrom('1', '2')));
  fc.assert(
    fc.property(wantedOf, wantedOf, properties, (first, second, desired) => {
      let present = image({ properties: { kept: 'by hand', x: '1' } });
      for (const given of [first, second]) {
        const wanted = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
        const { reconciliation } = plan(present, wanted, desired);
        present = withEdits(present, reconciliation.edits);
        if (reconciliation.action)
          present = { ...present, status: reconciliation.action === 'deactivate' ? 'deactivated' : 'active' };

        expect(plan(present, wanted, desired).isDone).toBe(true);
        expect(isProduction(present, present.name, owner)).toBe(true);
      }
      expect(present.properties.kept).toBe('by hand');
      expect(present.tags).toContain('by-hand');
    }),
  );
});
