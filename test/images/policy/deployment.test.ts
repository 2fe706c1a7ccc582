import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planDeployment, type DeploymentInput } from '../../../modules/images/policy/deployment.js';
import { isProduction, markers, type SiteImage } from '../../../modules/images/policy/site-image.js';
import { subscriptionOf } from '../../../modules/images/policy/releases.js';
import { incomingImage, lock, now, owner, prefix, siteImage, sourcePrefix } from './image-fixtures.js';

const subscription = subscriptionOf({ name: 'CC-Ubuntu22.04', release: '20250601-v1-amd' });

function plan(images: readonly SiteImage[], changes: Partial<DeploymentInput> = {}) {
  return planDeployment({
    subscriptions: [subscription],
    isInScope: () => true,
    sourcePrefixes: [sourcePrefix],
    images,
    owner,
    prefix,
    force: false,
    metadataField: 'chameleon-supported',
    recovery: { now, uploadTimeoutSeconds: 14400, lock },
    ...changes,
  });
}

describe('one image of the catalogue', () => {
  test('is deployed if the site has none of its name', () => {
    const [image] = plan([]).images;

    expect(image).toMatchObject({ action: 'deploy', reason: 'the site has no image of this name' });
  });

  test('is deployed, and names the image to replace, if the site has another release', () => {
    const [image] = plan([siteImage()]).images;

    expect(image).toMatchObject({
      action: 'deploy',
      reason: 'the site has release 20250422-v1-amd',
      production: { id: 'old' },
    });
  });

  test('is up to date if the site has its release', () => {
    const [image] = plan([siteImage({ properties: { current: subscription.release } })]).images;

    expect(image?.action).toBe('up_to_date');
  });

  test('is deployed again on request', () => {
    const [image] = plan([siteImage({ properties: { current: subscription.release } })], { force: true }).images;

    expect(image).toMatchObject({ action: 'deploy', reason: 'deployed again as requested' });
  });

  test('keeps the fault of its catalogue entry', () => {
    const { images } = plan([], { subscriptions: [{ ...subscription, fault: 'bad release' }] });

    expect(images[0]).toMatchObject({ action: 'failed', reason: 'bad release' });
  });

  test('of which nobody knows today what its catalogue has keeps what an earlier run left', () => {
    const ageSeconds = 86_400;
    const [finished, begun] = [incomingImage({ id: 'a', status: 'active', ageSeconds }), incomingImage({ id: 'b' })];
    const broken = incomingImage({ id: 'c', status: 'killed' });
    const subscriptions = [{ ...subscription, label: '', fault: 'its checksums cannot be read' }];

    const { images, leftovers } = plan([finished, begun, broken], { subscriptions });

    expect(images).toMatchObject([{ action: 'failed' }]);
    expect(leftovers.map(({ image }) => image.id)).toEqual(['c']);
  });

  test.each([
    ['deactivated', { status: 'deactivated' }, 'deactivated'],
    ['hidden', { os_hidden: true }, 'hidden'],
    ['queued', { status: 'queued' }, 'queued'],
  ])('conflicts with a public image of its name that is %s', (_, changes, named) => {
    const [image] = plan([siteImage(), siteImage({ id: 'stranger-id', ...changes })]).images;

    expect(image?.action).toBe('conflict');
    expect(image?.reason).toContain('stranger-id');
    expect(image?.reason).toContain(named);
  });

  test('conflicts with a public image of another project if the site has none of its own', () => {
    const [image] = plan([siteImage({ id: 'stranger-id', owner: 'stranger' })]).images;

    expect(image).toMatchObject({
      action: 'conflict',
      reason: expect.stringContaining('image stranger-id of project stranger is public under this name'),
    });
  });

  test.each(['public', 'community', 'shared', 'private'])(
    'is not hindered by a %s image of another project beside its own, markers and all',
    (visibility) => {
      const properties = {
        [markers.id]: 'stranger-id',
        [markers.name]: subscription.name,
        [markers.replaces]: 'old',
        current: subscription.release,
      };
      const { images, leftovers, warnings } = plan([
        siteImage(),
        siteImage({ id: 'stranger-id', owner: 'stranger', visibility, properties }),
      ]);

      expect(images).toMatchObject([{ action: 'deploy', production: { id: 'old' } }]);
      expect(leftovers).toEqual([]);
      expect(warnings).toEqual(
        visibility === 'public'
          ? [expect.stringContaining('image stranger-id of project stranger is also public under this name')]
          : [],
      );
    },
  );

  test('conflicts with two production images that no marker explains', () => {
    const [image] = plan([siteImage({ id: 'one' }), siteImage({ id: 'two' })]).images;

    expect(image?.action).toBe('conflict');
    expect(image?.reason).toContain('one, two');
  });

  test.each([
    ['private', { visibility: 'private' }],
    ['archived', { name: 'CC-Ubuntu22.04_2025-04-22 15:30:45.123456' }],
    ['deleted', { status: 'deleted' }],
    ['of a longer name', { name: 'CC-Ubuntu22.04-CUDA' }],
  ])('does not mind an image that is %s', (_, changes) => {
    const [image] = plan([siteImage({ owner: 'stranger', ...changes })]).images;

    expect(image?.action).toBe('deploy');
  });

  test('finishes a promotion that lacks the archiving', () => {
    const newer = siteImage({
      id: 'new',
      properties: { current: subscription.release, [markers.id]: 'new', [markers.replaces]: 'old' },
    });

    const [image] = plan([siteImage(), newer]).images;

    expect(image).toMatchObject({ action: 'resume', production: { id: 'new' }, unarchived: [{ id: 'old' }] });
  });

  test('finishes an old promotion and deploys the next release in one run', () => {
    const newer = siteImage({
      id: 'new',
      properties: { current: '20250501-v1-amd', [markers.id]: 'new', [markers.replaces]: 'old' },
    });

    const [image] = plan([siteImage(), newer]).images;

    expect(image).toMatchObject({ action: 'deploy', production: { id: 'new' }, unarchived: [{ id: 'old' }] });
  });

  test('does not believe a marker on an image that is a copy', () => {
    const copy = siteImage({
      id: 'copy',
      properties: { current: subscription.release, [markers.id]: 'new', [markers.replaces]: 'old' },
    });

    expect(plan([siteImage(), copy]).images[0]?.action).toBe('conflict');
  });
});

describe('an incoming image', () => {
  test('is resumed when it is of the subscribed release', () => {
    const { images, leftovers } = plan([siteImage(), incomingImage()]);

    expect(images[0]).toMatchObject({ action: 'resume', incoming: { id: 'incoming' }, production: { id: 'old' } });
    expect(leftovers).toEqual([]);
  });

  test('is left to the run on another host that is in progress', () => {
    const [image] = plan([incomingImage({ heldLock: 'another-host', status: 'saving' })]).images;

    expect(image).toMatchObject({ action: 'in_progress', incoming: { id: 'incoming' } });
  });

  test('is deleted if its upload was abandoned, and deployed again', () => {
    const { images, leftovers } = plan([incomingImage({ status: 'saving', ageSeconds: 20000 })]);

    expect(images[0]?.action).toBe('deploy');
    expect(leftovers.map(({ image }) => image.id)).toEqual(['incoming']);
  });

  test.each([
    ['of another release', incomingImage({ release: '20250501-v1-amd' })],
    [
      'of a name that left the catalogue',
      incomingImage({ name: 'testing_CC-Gone', properties: { [markers.name]: 'CC-Gone' } }),
    ],
  ])('%s is deleted', (_, image) => {
    expect(plan([image]).leftovers).toHaveLength(1);
  });

  test('of a name that was not selected is left alone', () => {
    const image = incomingImage({ release: '20250501-v1-amd' });

    expect(plan([image], { isInScope: () => false }).leftovers).toEqual([]);
  });

  test.each([
    ['young', 5, 0],
    ['forgotten', 14400, 1],
  ])('of another catalogue is left to its own runs until it is forgotten: %s', (_, ageSeconds, expected) => {
    const image = incomingImage({
      release: '20250501-v1-amd',
      ageSeconds,
      properties: { [markers.source]: 'http://store/images/staging/versions/image' },
    });

    expect(plan([image]).leftovers).toHaveLength(expected);
  });

  test.each<[string, Partial<SiteImage>]>([
    ['renamed', { name: 'old-CC-Ubuntu22.04' }],
    ['given the prefix of somebody else', { name: 'mine_CC-Ubuntu22.04' }],
    ['hidden', { os_hidden: true }],
    ['protected', { protected: true }],
    ['deactivated', { status: 'deactivated' }],
    ['shared', { visibility: 'shared' }],
    ['given its old name back after it was in production', { properties: { [markers.promoted]: 'incoming' } }],
    [
      'given its old name back after it was archived',
      { properties: { [markers.supersededAt]: '2026-01-01T00:00:00Z' } },
    ],
  ])('that an operator has %s is the operator’s', (_, changes) => {
    for (const release of ['20250601-v1-amd', '20250501-v1-amd']) {
      expect(plan([incomingImage({ status: 'active', release, ageSeconds: 20000, ...changes })])).toMatchObject({
        leftovers: [],
        images: [{ action: 'deploy' }],
      });
    }
  });

  test('that is a copy of one that was in production may be deleted', () => {
    const left = incomingImage({ release: '20250501-v1-amd', properties: { [markers.promoted]: 'another' } });

    expect(plan([left]).leftovers).toHaveLength(1);
  });

  test('that is somebody else’s, or a server’s snapshot, is never touched', () => {
    const foreign = incomingImage({ owner: 'stranger' });
    const snapshot = incomingImage({ id: 'snapshot', properties: { [markers.id]: 'incoming' } });

    expect(plan([foreign, snapshot])).toMatchObject({ leftovers: [], images: [{ action: 'deploy' }] });
  });
});

test('whatever the site has, nothing in production is deleted and only our own images are touched', () => {
  const image = fc.record({
    id: fc.uuid(),
    name: fc.constantFrom('CC-Ubuntu22.04', 'testing_CC-Ubuntu22.04', 'CC-Other'),
    owner: fc.constantFrom(owner, 'stranger'),
    status: fc.constantFrom('active', 'queued', 'saving', 'killed', 'deactivated', 'deleted'),
    visibility: fc.constantFrom('public', 'private', 'community', 'shared'),
    os_hidden: fc.boolean(),
    release: fc.constantFrom('20250422-v1-amd', '20250601-v1-amd'),
    marked: fc.boolean(),
    ageSeconds: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(fc.array(image, { maxLength: 6 }), fc.boolean(), (generated, force) => {
      const images = generated.map(({ release, marked, ageSeconds, ...rest }) =>
        siteImage({
          ...rest,
          updated_at: new Date(now.getTime() - ageSeconds * 1000).toISOString(),
          properties: {
            current: release,
            ...(marked
              ? { [markers.id]: rest.id, [markers.name]: 'CC-Ubuntu22.04', [markers.source]: `${sourcePrefix}image` }
              : {}),
          },
        }),
      );

      const { images: planned, leftovers } = plan(images, { force });

      for (const { image: leftover } of leftovers) {
        expect(leftover).toMatchObject({
          owner,
          visibility: 'private',
          name: `${prefix}${leftover.properties[markers.name]}`,
        });
        expect(leftover.properties[markers.id]).toBe(leftover.id);
      }
      const production = images.filter((candidate) => isProduction(candidate, subscription.name, owner));
      expect(planned).toHaveLength(1);
      if (production.length > 1 && !production.every(({ id, properties }) => properties[markers.id] === id))
        expect(planned[0]?.action).toBe('conflict');
      if (production.length > 0) expect(planned[0]?.unarchived ?? []).not.toHaveLength(production.length);
      if (planned[0]?.incoming)
        expect(leftovers.map(({ image: leftover }) => leftover.id)).not.toContain(planned[0].incoming.id);
    }),
  );
});
