// Which field needs which server, and which state of the node.
import { expect, test } from '@jest/globals';
import {
  refusalToChange,
  refusalToChangePort,
  tooOldFor,
  nodeAttributes,
  portAttributes,
} from '../../../modules/nodes/policy/node-fields.js';

test.each([
  [
    'parent_node',
    nodeAttributes,
    82,
    'parent_node needs version 1.83 of the Bare Metal API, and this server speaks 1.82',
  ],
  ['parent_node', nodeAttributes, 83, undefined],
  [
    'firmware_interface',
    nodeAttributes,
    85,
    'firmware_interface needs version 1.86 of the Bare Metal API, and this server speaks 1.85',
  ],
  ['category', portAttributes, 82, 'category needs version 1.101 of the Bare Metal API, and this server speaks 1.82'],
  ['driver', nodeAttributes, 1, undefined],
] as const)('%s', (field, rules, minor, expected) => expect(tooOldFor(field, rules, minor)).toBe(expected));

test.each<[string, string, boolean, boolean]>([
  ['boot_interface', 'active', false, true],
  ['boot_interface', 'active', true, false],
  ['boot_interface', 'available', false, false],
  ['resource_class', 'active', true, true],
  ['retired', 'available', false, true],
  ['retired', 'manageable', false, false],
  ['protected', 'available', false, true],
  ['protected', 'active', false, false],
  ['extra', 'active', false, false],
])('%s of a node that is %s, in maintenance: %s, is refused: %s', (attribute, provision_state, maintenance, refused) =>
  expect(
    refusalToChange(attribute, { provision_state, maintenance }, { value: true, wasSet: true }) !== undefined,
  ).toBe(refused),
);

test.each<[string, string, boolean, boolean]>([
  ['physical_network', 'available', false, true],
  ['physical_network', 'available', true, false],
  ['physical_network', 'manageable', false, false],
  ['extra', 'active', false, false],
  ['address', 'active', false, true],
])(
  '%s of a port of a node that is %s, in maintenance: %s, is refused: %s',
  (attribute, provision_state, maintenance, refused) =>
    expect(refusalToChangePort(attribute, { provision_state, maintenance }) !== undefined).toBe(refused),
);
