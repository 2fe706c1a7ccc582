// Maintenance that Ironic itself has set, and an operator's.
import { expect, test } from '@jest/globals';
import {
  adviceOnMaintenance,
  maintenanceFault,
  canEndMaintenance,
  isBlockedByMaintenance,
} from '../../../modules/nodes/policy/node-maintenance.js';

const node = (
  fault: string | null,
  maintenance = true,
): { maintenance: boolean; fault: string | null; maintenance_reason: string | null } => ({
  maintenance,
  fault,
  maintenance_reason: 'it said so',
});

test.each<[string | null, boolean, string | undefined, boolean]>([
  ['clean failure', true, 'clean failure', true],
  ['rescue abort failure', true, 'rescue abort failure', true],
  ['service failure', true, 'service failure', true],
  ['power failure', true, 'power failure', false],
  ['a fault of a later release', true, 'a fault of a later release', false],
  [null, true, undefined, false],
  ['', true, undefined, false],
  // What is left of an old one.
  ['clean failure', false, undefined, false],
])('fault %j in maintenance %s: %j, to be ended: %s', (fault, maintenance, found, endable) => {
  expect([maintenanceFault(node(fault, maintenance)), canEndMaintenance(node(fault, maintenance))]).toEqual([
    found,
    endable,
  ]);
});

test('it prevents what uses the node, and nothing else', () => {
  expect(([undefined, 'enroll', 'manageable', 'available', 'active'] as const).map(isBlockedByMaintenance)).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
});

test('what stays is reported with its fault, its reason and what ends it', () => {
  expect(adviceOnMaintenance(node('power failure'))).toMatch(
    /Ironic itself detected a power failure: it said so; Ironic ends it as soon as it can control the power again.*maintenance: false$/,
  );
  expect(adviceOnMaintenance(node('service failure'))).toMatch(
    /a service failure: it said so; fix that, or end it with maintenance: false$/,
  );
});
