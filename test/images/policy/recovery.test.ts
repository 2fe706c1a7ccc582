import { expect, test } from '@jest/globals';
import { decideLeftover } from '../../../modules/images/policy/recovery.js';
import { markers } from '../../../modules/images/policy/site-image.js';
import { incomingImage, lock, now } from './image-fixtures.js';

const situation = { now, uploadTimeoutSeconds: 14400, lock };
const task = { os_glance_import_task: 'a-task' };

const importing = { os_glance_importing_to_stores: 'fast' };
const noted = { [markers.staged]: 'sha256:aa' };

test.each([
  // status, wanted, whose, seconds, properties, verdict
  ['active', true, 'ours', 5, {}, 'resume'],
  ['active', true, 'theirs', 599, {}, 'in_progress'],
  ['active', true, 'theirs', 600, {}, 'resume'],
  ['active', false, 'ours', 5, {}, 'delete'],
  ['active', false, 'theirs', 5, {}, 'leave'],
  ['active', false, 'theirs', 600, {}, 'delete'],
  ['queued', true, 'ours', 5, {}, 'resume'],
  ['queued', true, 'theirs', 5, {}, 'in_progress'],
  ['queued', true, 'theirs', 599, {}, 'in_progress'],
  ['queued', true, 'theirs', 600, {}, 'resume'],
  ['queued', false, 'ours', 5, {}, 'delete'],
  ['queued', false, 'theirs', 5, {}, 'leave'],
  ['queued', false, 'theirs', 601, {}, 'delete'],
  ['queued', true, 'ours', 5, task, 'resume'],
  ['queued', true, 'theirs', 5000, task, 'in_progress'],
  ['queued', true, 'ours', 14401, task, 'delete'],
  ['queued', true, 'theirs', 700, { ...task, os_glance_failed_import: 'store1' }, 'resume'],
  ['queued', true, 'theirs', 700, { os_glance_import_task: '' }, 'resume'],
  ['saving', true, 'ours', 5, {}, 'resume'],
  ['saving', true, 'theirs', 14399, {}, 'in_progress'],
  ['saving', true, 'theirs', 14400, {}, 'delete'],
  ['saving', true, 'ours', 14400, {}, 'delete'],
  ['saving', false, 'ours', 5, {}, 'delete'],
  ['saving', false, 'theirs', 5, {}, 'leave'],
  ['saving', false, 'ours', 14400, {}, 'delete'],
  ['importing', true, 'theirs', 60, {}, 'in_progress'],
  ['importing', true, 'ours', 60, {}, 'resume'],
  ['uploading', true, 'theirs', 60, {}, 'in_progress'],
  ['importing', true, 'ours', 60, { ...importing, ...task }, 'resume'],
  ['importing', true, 'theirs', 14399, { ...importing, ...task }, 'in_progress'],
  ['importing', true, 'ours', 60, importing, 'delete'],
  ['importing', true, 'theirs', 60, importing, 'in_progress'],
  ['importing', true, 'theirs', 600, importing, 'delete'],
  ['importing', false, 'theirs', 600, importing, 'delete'],
  ['killed', true, 'ours', 5, {}, 'delete'],
  ['killed', true, 'theirs', 5, {}, 'delete'],
  ['deactivated', true, 'theirs', 5, {}, 'leave'],
  ['deactivated', false, 'ours', 20000, {}, 'leave'],
] as const)(
  'an image that is %s, wanted: %s, begun under a lock that is %s %i s ago with %o: %s',
  (status, wanted, whose, ageSeconds, properties, verdict) => {
    const image = incomingImage({ status, ageSeconds, heldLock: whose === 'ours' ? lock : 'another-host', properties });

    expect(decideLeftover(image, wanted, situation).verdict).toBe(verdict);
  },
);

test.each([
  // The mark, wanted, whose, seconds, verdict
  [noted, true, 'ours', 5, 'resume'],
  [noted, true, 'theirs', 599, 'in_progress'],
  [noted, true, 'theirs', 600, 'resume'],
  [noted, false, 'theirs', 600, 'delete'],
  [{}, true, 'ours', 5, 'resume'],
  [{}, true, 'theirs', 14399, 'in_progress'],
  [{}, true, 'theirs', 14400, 'delete'],
  [{ ...noted, ...task }, true, 'theirs', 14399, 'in_progress'],
] as const)(
  'an image with staged data and %o, wanted: %s, begun under a lock that is %s %i s ago: %s',
  (properties, wanted, whose, ageSeconds, verdict) => {
    const heldLock = whose === 'ours' ? lock : 'another-host';
    const image = incomingImage({ status: 'uploading', size: 9, ageSeconds, heldLock, properties });

    expect(decideLeftover(image, wanted, situation).verdict).toBe(verdict);
  },
);
