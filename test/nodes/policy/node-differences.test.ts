// What is sent to bring a node to its desired state.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  nodeChanges,
  shownValue,
  type Merging,
  type DesiredFields,
  type PatchStep,
  type Values,
} from '../../../modules/nodes/policy/node-differences.js';

const merging: Merging = { purge: new Set(), updateSecrets: 'on_create' };
const desired = (given: Partial<DesiredFields>): DesiredFields => ({ attributes: {}, mappings: {}, ...given });
const steps = (served: Values, wanted: Partial<DesiredFields>, how: Partial<Merging> = {}): PatchStep[] =>
  nodeChanges(served, desired(wanted), { ...merging, ...how }).changes.flatMap((change) => change.steps);

describe('attributes', () => {
  test.each<[string, Values, Values, readonly PatchStep[]]>([
    ['the same', { name: 'a' }, { name: 'a' }, []],
    ['another', { name: 'a' }, { name: 'b' }, [{ op: 'add', path: '/name', value: 'b' }]],
    ['new', { owner: null }, { owner: 'p' }, [{ op: 'add', path: '/owner', value: 'p' }]],
    ['reset', { owner: 'p' }, { owner: null }, [{ op: 'remove', path: '/owner' }]],
    [
      'reset what is not set',
      { owner: null, network_data: {}, description: '' },
      { owner: null, network_data: null, description: null },
      [],
    ],
    ['a group in other case', { conductor_group: 'rack1' }, { conductor_group: 'Rack1' }, []],
    ['false where the server has nothing', { retired: null }, { retired: false }, []],
    [
      'automated_clean has three values',
      { automated_clean: null },
      { automated_clean: false },
      [{ op: 'add', path: '/automated_clean', value: false }],
    ],
    ['network_data in another order', { network_data: { a: 1, b: [2] } }, { network_data: { b: [2], a: 1 } }, []],
    [
      'network_data as a whole',
      { network_data: { a: 1, b: 2 } },
      { network_data: { a: 1 } },
      [{ op: 'add', path: '/network_data', value: { a: 1 } }],
    ],
  ])('%s', (_, served, attributes, expected) => expect(steps(served, { attributes })).toEqual(expected));
});

describe('mappings', () => {
  const served = {
    driver_info: { ipmi_address: 'x', ipmi_password: '******' },
    properties: { cpus: 4, memory_mb: '8192', capabilities: 'a:1,b:2' },
    extra: { n: 4 },
  };

  test.each<[string, DesiredFields['mappings'], Partial<Merging>, readonly PatchStep[]]>([
    [
      'a key is merged in',
      { driver_info: { ipmi_port: 1 } },
      {},
      [{ op: 'add', path: '/driver_info/ipmi_port', value: 1 }],
    ],
    [
      'null removes',
      { driver_info: { ipmi_address: null } },
      {},
      [{ op: 'remove', path: '/driver_info/ipmi_address' }],
    ],
    ['null removes nothing that is not there', { driver_info: { other: null } }, {}, []],
    ['"4" is 4', { properties: { cpus: '4', memory_mb: 8192 } }, {}, []],
    ['but not in extra', { extra: { n: '4' } }, {}, [{ op: 'add', path: '/extra/n', value: '4' }]],
    ['a masked password is left', { driver_info: { ipmi_password: 'secret' } }, {}, []],
    [
      'or written each time',
      { driver_info: { ipmi_password: 'secret' } },
      { updateSecrets: 'always' },
      [{ op: 'add', path: '/driver_info/ipmi_password', value: 'secret' }],
    ],
    [
      'a masked password is removed',
      { driver_info: { ipmi_password: null } },
      {},
      [{ op: 'remove', path: '/driver_info/ipmi_password' }],
    ],
    [
      'purge removes the rest',
      { extra: { m: 1 } },
      { purge: new Set(['extra']) },
      [
        { op: 'add', path: '/extra/m', value: 1 },
        { op: 'remove', path: '/extra/n' },
      ],
    ],
    ['purge of what is not given removes all', {}, { purge: new Set(['extra']) }, [{ op: 'remove', path: '/extra/n' }]],
    ['capabilities in another order', { properties: { capabilities: 'b:2,a:1' } }, {}, []],
    ['capabilities as a mapping', { properties: { capabilities: { b: 2 } } }, {}, []],
    [
      'a capability is merged in',
      { properties: { capabilities: { a: null, c: true } } },
      {},
      [{ op: 'add', path: '/properties/capabilities', value: 'b:2,c:true' }],
    ],
    [
      'the last capability goes',
      { properties: { capabilities: { a: null, b: null } } },
      {},
      [{ op: 'remove', path: '/properties/capabilities' }],
    ],
    [
      'a key with a dot takes the whole',
      { extra: { 'a.b': 1 } },
      {},
      [{ op: 'add', path: '/extra', value: { n: 4, 'a.b': 1 } }],
    ],
    [
      'the whole with a given password',
      { driver_info: { 'a.b': 1, ipmi_password: 'p' } },
      {},
      [{ op: 'add', path: '/driver_info', value: { ipmi_address: 'x', ipmi_password: 'p', 'a.b': 1 } }],
    ],
    ['the whole without it is not sent', { driver_info: { 'a.b': 1 } }, {}, []],
  ])('%s', (_, mappings, how, expected) => expect(steps(served, { mappings }, how)).toEqual(expected));

  test('replacing the mapping is refused if it has an unknown password, which is named', () => {
    expect(nodeChanges(served, desired({ mappings: { driver_info: { 'a.b': 1 } } }), merging).faults).toEqual([
      expect.stringContaining('the value of ipmi_password is unknown'),
    ]);
  });

  test.each<[string, string, string, boolean]>([
    ['behind the mask', 'console=tty password=***', 'console=tty password=x', false],
    ['before the mask', 'console=tty password=***', 'console=ttyS0 password=x', true],
    ['special characters', 'a(b)[c] password=***', 'a(b)[c] password=1', false],
    ['a URL', 'http://h/a?token=***', 'http://h/b?token=1', true],
  ])('a value that is masked in part differs only if that can be known: %s', (_, before, after, differs) => {
    expect(
      steps(
        { driver_info: { kernel_append_params: before } },
        { mappings: { driver_info: { kernel_append_params: after } } },
      ),
    ).toHaveLength(differs ? 1 : 0);
  });
});

const key = fc.stringMatching(/^[a-z_]{1,8}$/);
const value = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.stringMatching(/^[a-z0-9 ]{0,6}$/),
  fc.array(fc.integer(), { maxLength: 2 }),
  fc.dictionary(key, fc.integer(), { maxKeys: 2, noNullPrototype: true }),
);
const mapping = fc.dictionary(fc.oneof(key, fc.constantFrom('a.b', 'c d')), value, {
  maxKeys: 4,
  noNullPrototype: true,
});

test('what was sent is not sent again, and nothing masked is ever sent', () => {
  fc.assert(
    fc.property(
      mapping,
      fc.dictionary(fc.oneof(key, fc.constantFrom('a.b', 'c d')), fc.oneof(value, fc.constant(null)), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
      fc.boolean(),
      (extra, wanted, purge) => {
        const how = { purge: new Set(purge ? ['extra'] : []) };
        const first = steps({ extra: { ...extra, password: '******' } }, { mappings: { extra: wanted } }, how);
        expect(JSON.stringify(first)).not.toContain('***');
        const after = applied({ ...extra }, steps({ extra }, { mappings: { extra: wanted } }, how));
        expect(steps({ extra: after }, { mappings: { extra: wanted } }, how)).toEqual([]);
        for (const [name, given] of Object.entries(wanted)) expect(after[name]).toEqual(given ?? undefined);
      },
    ),
  );
});

/** A patch of `extra` as Ironic would apply it. */
function applied(extra: Record<string, unknown>, patch: readonly PatchStep[]): Record<string, unknown> {
  let result = { ...extra };
  for (const { op, path, value: given } of patch) {
    const name = path.split('/')[2];
    if (name === undefined) result = given as Record<string, unknown>;
    else if (op === 'add') result[name] = given;
    else delete result[name];
  }
  return result;
}

test.each<[string, unknown, unknown]>([
  ['driver_info.ipmi_password', 'x', '********'],
  ['driver_info.ipmi_address', 'x', 'x'],
  ['instance_info', { configdrive: 'abc', image_source: 'u' }, { configdrive: '********', image_source: 'u' }],
  ['driver_info.snmp_auth_key', 'x', '********'],
  ['extra.list', [{ token: 1 }], [{ token: '********' }]],
])('%s is shown without its secrets', (field, given, expected) => expect(shownValue(field, given)).toEqual(expected));

test('a mapping is not written as a whole if it has a number with more digits than can be kept', () => {
  const served = JSON.parse('{"extra": {"serial": 12345678901234567890, "a": 1}}') as Values;
  const wanted = desired({ mappings: { extra: { 'a.b': 1 } } });

  expect(nodeChanges(served, wanted, merging)).toMatchObject({
    changes: [],
    faults: [expect.stringContaining('serial has a number with more digits than can be kept')],
  });
  expect(nodeChanges(served, desired({ mappings: { extra: { a: 2 } } }), merging)).toMatchObject({
    faults: [],
    changes: [{ steps: [{ op: 'add', path: '/extra/a', value: 2 }] }],
  });
});
