// What a run of image_deploy covers.
import { describe, expect, test } from '@jest/globals';
import { optionText } from '../../../modules/core/option-text.js';
import { decideScope, deferTo, excludedNames, selectNames } from '../../../modules/images/policy/deploy-scope.js';
import { subscriptionOf } from '../../../modules/images/policy/releases.js';
import { siteImage } from './image-fixtures.js';

const id = '0b8f2d54-2a59-4f4e-9c0b-3f0a1e2d4c5b';
const options = { allowed_properties: [] };
const first = { names: ['CC-Ubuntu22.04', 'CC-Two'] };
const second = { names: ['CC-Two', 'CC-Three'] };

describe('the scope', () => {
  test('is that of the catalogues, or of the older store alone for an id, latest and ipa', () => {
    expect(decideScope(options, ['releases', 'objects'])).toEqual({ kinds: ['releases', 'objects'], ids: [] });
    expect(decideScope({ ...options, images: [id, id] }, ['releases'])).toEqual({ kinds: ['objects'], ids: [id] });
    expect(decideScope({ ...options, latest: ['ubuntu'] }, ['releases']).kinds).toEqual(['objects']);
    expect(decideScope({ ...options, ipa: 'kernel' }, ['releases']).kinds).toEqual(['objects']);
  });

  test.each([
    [{ latest: ['a', 'b', 'c', 'd'] }, 'more than three words'],
    [{ images: [id, 'CC-Ubuntu22.04'] }, 'mixes ids and names'],
    [{ images: [id], ipa: 'kernel' as const }, `cannot be combined with ${optionText('ipa')}`],
    [{ allowed_properties: ['kernel_id'] }, 'cannot be set by a manifest'],
  ])('is refused for %j', (given, message) => {
    expect(() => decideScope({ ...options, ...given }, ['releases'])).toThrow(message);
  });
});

describe('the selected names', () => {
  const select = (images: readonly string[] | undefined, isComplete = true, exclude: readonly string[] = []) =>
    selectNames([first, second], { images, exclude }, isComplete);

  test('come from the first catalogue that has them', () => {
    expect([...select(undefined).names.values()].map((names) => [...names])).toEqual([
      ['CC-Ubuntu22.04', 'CC-Two'],
      ['CC-Three'],
    ]);
    expect([...select(['CC-T*'], true, ['*-Three']).names.values()].map((names) => [...names])).toEqual([
      ['CC-Two'],
      [],
    ]);
  });

  test('are reported if no catalogue has them', () => {
    const { missing, warnings } = select(['CC-Ubunto22.04', 'CD-*']);

    expect(missing.map(({ name, fault }) => [name, fault])).toEqual([
      ['CC-Ubunto22.04', 'the catalogue has no image of this name; did you mean CC-Ubuntu22.04?'],
    ]);
    expect(warnings).toEqual(['images: no image of the catalogue matches CD-*']);
    expect(select(['Debian 12 (ARM)']).missing).toMatchObject([{ name: 'Debian 12 (ARM)' }]);
    expect(select(['Debian (12|13) *']).missing).toEqual([]);
    expect(select(['CC-Ubunto22.04'], false).missing[0]?.fault).toContain('no catalogue that could be read');
  });

  test('are reported if they are requested by id and excluded', () => {
    const { names } = select(undefined, true, ['CC-Ubuntu22.04']);

    expect(excludedNames({ kinds: ['objects'], ids: [id] }, [first], names).map(({ name }) => name)).toEqual([
      'CC-Ubuntu22.04',
    ]);
    expect(excludedNames({ kinds: ['objects'], ids: [] }, [first], names)).toEqual([]);
  });
});

test('an image that came from an unreadable catalogue of higher priority is not replaced', () => {
  const image = deferTo(subscriptionOf({ name: 'CC-Ubuntu22.04', release: 'r1' }), 'releases', {
    unread: ['objects'],
    managerTag: 'm',
  });

  expect(image.objectionTo?.(siteImage({ properties: {} }))).toContain('the catalogue objects, which takes precedence');
  expect(image.objectionTo?.(siteImage({ properties: { current: 'r0' } }))).toBeUndefined();
});

test('an image of openstack-image-manager came from a list', () => {
  const subscription = subscriptionOf({ name: 'CC-Ubuntu22.04', release: 'r1' });
  const unmarked = siteImage({ tags: ['m'], properties: { internal_version: '20251112' } });
  const objectionOf = (unread: 'objects' | 'list', managerTag = 'm') =>
    deferTo(subscription, 'releases', { unread: [unread], managerTag }).objectionTo?.(unmarked);

  expect(objectionOf('list')).toContain('the catalogue list, which takes precedence');
  expect(objectionOf('objects')).toBeUndefined();
  expect(objectionOf('list', 'ours')).toBeUndefined();
  expect(objectionOf('objects', 'ours')).toContain('the catalogue objects, which takes precedence');
});
