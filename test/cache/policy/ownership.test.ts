import { expect, test } from '@jest/globals';
import { isOwnershipChanged, ownershipChange, ownershipFor } from '../../../modules/cache/policy/ownership.js';

const file = { mode: 0o100640, uid: 1000, gid: 100 };

test.each([
  ['what is requested', { mode: 0o600, uid: 1, gid: 2 }, file, { mode: 0o600, uid: 1, gid: 2 }],
  ['that of the previous copy', {}, file, { mode: 0o640, uid: 1000, gid: 100 }],
  ['0644 without one', {}, undefined, { mode: 0o644, uid: undefined, gid: undefined }],
])('a new copy gets %s', (_, requested, previous, expected) => {
  expect(ownershipFor(requested, previous)).toEqual(expected);
});

test('only what was requested and differs is a change', () => {
  const change = ownershipChange({ mode: 0o600, uid: 1000, gid: 5 }, file);

  expect(change).toEqual({ before: { mode: '0640', group: 100 }, after: { mode: '0600', group: 5 } });
  expect(isOwnershipChanged(change)).toBe(true);
  expect(isOwnershipChanged(ownershipChange({ mode: 0o640 }, file))).toBe(false);
});
