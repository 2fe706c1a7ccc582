// The results of images that are deployed as one.
import { describe, expect, test } from '@jest/globals';
import {
  blockedResults,
  groupPairs,
  overtakenReason,
  settledResults,
  type ImageResult,
} from '../../../modules/images/policy/deploy-results.js';
import type { PlannedImage } from '../../../modules/images/policy/deployment.js';
import { markers } from '../../../modules/images/policy/site-image.js';
import { siteImage } from './image-fixtures.js';

const result = (name: string, action: ImageResult['action']): ImageResult => ({
  name,
  release: '1',
  action,
  reason: 'why',
});
const planned = (name: string, pairedWith?: string): { planned: PlannedImage } => ({
  planned: { name, release: '1', action: 'deploy', reason: '', ...(pairedWith ? { pairedWith } : {}) },
});
const actionsOf = (results: readonly ImageResult[] | undefined) => results?.map(({ action }) => action);

test('a kernel and its initramfs are one group', () => {
  const groups = groupPairs([planned('A'), planned('K', 'I'), planned('B'), planned('I', 'K'), planned('C', 'gone')]);

  expect(groups.map((group) => group.map((job) => job.planned.name))).toEqual([['A'], ['K', 'I'], ['B'], ['C']]);
});

describe('the results of a pair', () => {
  test.each<[ImageResult['action'], ImageResult['action'], readonly string[] | undefined]>([
    ['up_to_date', 'up_to_date', ['up_to_date', 'up_to_date']],
    ['deploy', 'up_to_date', undefined],
    ['deploy', 'resume', undefined],
    ['deploy', 'failed', ['failed', 'failed']],
    ['conflict', 'deploy', ['conflict', 'failed']],
    ['resume', 'in_progress', ['in_progress', 'in_progress']],
    ['up_to_date', 'failed', ['up_to_date', 'failed']],
  ])('planned as %s and %s are final as %j', (kernel, initramfs, expected) => {
    expect(actionsOf(settledResults([result('K', kernel), result('I', initramfs)]))).toEqual(expected);
  });

  test('are failed for both if one cannot be prepared, with the reason of that one', () => {
    const group = [result('K', 'deploy'), result('I', 'deploy')];

    const [kernel, initramfs] = blockedResults(group, [result('K', 'failed')]);

    expect(kernel).toEqual(result('K', 'failed'));
    expect(initramfs).toMatchObject({
      action: 'failed',
      reason: expect.stringContaining('K, which is not ready: why'),
    });
  });
});

test('an image that was archived again says which one came before it, and whether its release is held', () => {
  const newer = siteImage({ id: 'n', properties: { current: '20250601-v1' } });
  const hold = { [markers.promoted]: 'n', [markers.heldSince]: '2026-06-01T00:00:00Z', [markers.heldRelease]: 'r' };

  expect(overtakenReason(newer)).toBe(
    'another run has promoted the newer image n (release 20250601-v1) at the same time, so this one has been archived',
  );
  expect(overtakenReason({ ...newer, properties: { ...newer.properties, ...hold } })).toBe(
    'another run has put n (release 20250601-v1) back at the same time and holds this release since ' +
      '2026-06-01T00:00:00Z, so this image has been archived',
  );
});
