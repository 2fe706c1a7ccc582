// Images that openstack-image-manager brought in.
import { describe, expect, test } from '@jest/globals';
import { parseName } from '../../../modules/images/policy/archive-names.js';
import { findHeldImages } from '../../../modules/images/policy/held-images.js';
import { archiveEdits } from '../../../modules/images/policy/holds.js';
import { withEdits } from '../../../modules/images/policy/image-edits.js';
import { isTakenOver, managerVersion } from '../../../modules/images/policy/image-manager-images.js';
import { listSubscription } from '../../../modules/images/policy/listed-releases.js';
import {
  isManaged,
  markers,
  originOf,
  productionVisibility,
  type SiteImage,
} from '../../../modules/images/policy/site-image.js';
import { now, owner, siteImage } from './image-fixtures.js';
import { aged, plan } from './retention-fixtures.js';
import { imagesIn, listWith } from './list-fixtures.js';

const tag = 'managed_by_osism';
const listed = new Set(['Ubuntu 24.04', 'Ubuntu 24.04 Minimal', 'Cirros 0.6.3']);

/** As that tool leaves an image of an entry with `multi: true`. */
function managersImage(changes: Partial<SiteImage> & { version?: string } = {}): SiteImage {
  const { version = '20251112', ...rest } = changes;
  return siteImage({
    id: 'managers',
    name: 'Ubuntu 24.04',
    tags: ['os:ubuntu', tag],
    created_at: '2025-11-13T10:00:00Z',
    ...rest,
    properties: {
      architecture: 'x86_64',
      image_build_date: '2025-11-12',
      image_description: 'Ubuntu 24.04',
      image_name: 'Ubuntu 24.04',
      image_original_user: 'ubuntu',
      image_source: 'https://cloud-images.ubuntu.com/noble/20251112/noble-server-cloudimg-amd64.img',
      internal_version: version,
      os_distro: 'ubuntu',
      ...rest.properties,
    },
  });
}

describe('the version of an image', () => {
  test.each<[string, Partial<SiteImage>]>([
    ['without the tag', { tags: ['os:ubuntu'] }],
    ['with the tag of another site', { tags: ['managed_by_others'] }],
    ['without tags at all', { tags: [] }],
    ['of a snapshot', { properties: { image_type: 'snapshot' } }],
    ['of ours, which have the same properties', { properties: { [markers.id]: 'managers' } }],
    ['of one that was taken over', { properties: { current: '20251112' } }],
    ['that was not recorded', { properties: { internal_version: '' } }],
  ])('%s is not known', (_, changes) => {
    expect(managerVersion(managersImage(changes), tag)).toBeUndefined();
  });

  test('is what that tool has recorded', () => {
    expect(managerVersion(managersImage(), tag)).toBe('20251112');
  });
});

describe('a list', () => {
  const version = {
    version: '20251112',
    url: 'https://example.org/20251112/noble.img',
    checksum: `sha256:${'a'.repeat(64)}`,
  };
  const entry = {
    name: 'Ubuntu 24.04',
    format: 'qcow2',
    login: 'ubuntu',
    status: 'active',
    visibility: 'public',
    multi: true,
    meta: {},
    tags: [],
    versions: [version],
  };
  const subscription = async (version: string, managerTag = tag) => {
    const [image] = await imagesIn(listWith({ ...entry, versions: [{ ...entry.versions[0], version }] }));
    return listSubscription(image!, [version], managerTag);
  };

  test('has the release if the version is the same, and says whose it is', async () => {
    const { isBuiltFrom, describe: say } = await subscription('20251112');

    expect(isBuiltFrom(managersImage())).toBe(true);
    expect(isBuiltFrom(managersImage({ version: '20251101' }))).toBe(false);
    expect(isBuiltFrom(managersImage({ tags: [] }))).toBe(false);
    expect(say(managersImage())).toBe('version 20251112 of openstack-image-manager');
    expect(say(managersImage({ tags: [] }))).toBeUndefined();
  });

  test('goes by the tag of the site', async () => {
    const { isBuiltFrom } = await subscription('20251112', 'ours');

    expect(isBuiltFrom(managersImage())).toBe(false);
    expect(isBuiltFrom(managersImage({ tags: ['ours'] }))).toBe(true);
  });

  test.each([
    ['md5', 32],
    ['sha1', 40],
    ['sha256', 64],
    ['sha512', 128],
  ])('with the version latest has the content if its %s was recorded', async (algorithm, length) => {
    const digest = 'ab'.repeat(length / 2);
    const [image] = await imagesIn(listWith(entry));
    const { isBuiltFrom } = listSubscription(image!, ['sha3-0', `${algorithm}-${digest.slice(0, 16)}`], tag);
    const rolling = (recorded: string) =>
      managersImage({ version: '20251101', properties: { upstream_checksum: recorded } });

    expect(isBuiltFrom(rolling(digest))).toBe(true);
    expect(isBuiltFrom(rolling(digest.toUpperCase()))).toBe(true);
    expect(isBuiltFrom(rolling('cd'.repeat(length / 2)))).toBe(false);
    expect(isBuiltFrom(rolling(''))).toBe(false);
  });
});

describe('the name of an image', () => {
  test.each<[string, string, string | undefined, boolean]>([
    ['is that of the list', 'Ubuntu 24.04', 'Ubuntu 24.04', false],
    ['has the version in parentheses once it is replaced', 'Ubuntu 24.04 (20251112)', 'Ubuntu 24.04', true],
    ['may have another separator', 'Ubuntu 24.04-(20251112)', 'Ubuntu 24.04', true],
    ['may have none', 'Ubuntu 24.04(20251112)', 'Ubuntu 24.04', true],
    ['belongs to the longest that fits', 'Ubuntu 24.04 Minimal (20251112)', 'Ubuntu 24.04 Minimal', true],
    ['has the version that it records', 'Ubuntu 24.04 (20251101)', undefined, false],
    ['must be in a list', 'Debian 12 (20251112)', undefined, false],
    ['is not one with more words', 'Ubuntu 24.04 of mine (20251112)', undefined, false],
    ['is one that we gave it', 'Ubuntu 24.04_2025-11-13 10:00:00', 'Ubuntu 24.04', true],
  ])('%s', (_, name, productionName, isArchive) => {
    const image = managersImage({ name });

    expect(parseName(image, listed)).toEqual(productionName === undefined ? undefined : { productionName, isArchive });
    expect(isTakenOver(image, owner, { listed, tag })).toBe(productionName !== undefined);
  });

  test('says nothing about an image of another project, or without the tag', () => {
    expect(isTakenOver(managersImage({ owner: 'stranger' }), owner, { listed, tag })).toBe(false);
    expect(isTakenOver(managersImage({ tags: [] }), owner, { listed, tag })).toBe(false);
  });

  test('of a version that is an image of its own is that of the list', () => {
    const cirros = managersImage({ name: 'Cirros 0.6.3', version: '0.6.3' });

    expect(parseName(cirros, listed)).toEqual({ productionName: 'Cirros 0.6.3', isArchive: false });
  });
});

const archiving = { name: 'Ubuntu 24.04_x', metadataField: 'f', managerTag: tag, now };

test('an image that is archived is marked, so that it is known without the list', () => {
  const image = managersImage();

  const archived = withEdits(image, archiveEdits(image, archiving));

  expect(archived.properties).toMatchObject({ current: '20251112', [markers.supersededAt]: expect.any(String) });
  expect(isManaged(archived, owner)).toBe(true);
  expect(originOf(archived)).toBe('list');
  const unknown = siteImage({ properties: {} });
  const other = withEdits(unknown, archiveEdits(unknown, archiving));
  expect(isManaged(other, owner)).toBe(false);
});

test.each<[string, Partial<SiteImage>]>([
  ['a copy that somebody has made of one', { tags: [] }],
  ['one of another tag', { tags: ['others'] }],
])('%s is not marked, and stays out of the hands of the cleaner', (_, changes) => {
  const image = managersImage({ created_at: aged(20), ...changes });

  const archived = withEdits(image, archiveEdits(image, archiving));

  expect(archived.properties).not.toHaveProperty('current');
  expect(isManaged(archived, owner)).toBe(false);
  const { images } = plan([{ ...archived, protected: false }], { catalogue: listed, takeOver: { listed, tag } });
  expect(images).toEqual([]);
});

test.each(['private', 'community', 'shared', 'public'])('an archived image records that it was %s', (visibility) => {
  const image = managersImage({ visibility });

  const archived = withEdits(image, archiveEdits(image, archiving));

  expect(productionVisibility(archived)).toBe(visibility);
});

test('one that the cleaner has hidden was not private to its users', () => {
  const image = managersImage({ visibility: 'private', properties: { [markers.hiddenAt]: 'x' } });

  expect(productionVisibility(withEdits(image, archiveEdits(image, archiving)))).toBe('public');
});

describe('the cleaner', () => {
  const old = (id: string, months: number, changes: Parameters<typeof managersImage>[0] = {}) => ({
    ...managersImage({ id, created_at: aged(months), ...changes }),
    protected: false,
  });
  const versions = (...names: readonly string[]) =>
    names.map((version, index) =>
      old(version, 20 - index, {
        version,
        name: `Ubuntu 24.04 (${version})`,
        properties: { image_build_date: `${version.slice(0, 4)}-${version.slice(4, 6)}-${version.slice(6)}` },
      }),
    );
  const actions = (images: readonly ReturnType<typeof old>[], changes: Parameters<typeof plan>[1] = {}) =>
    Object.fromEntries(
      plan(images, { catalogue: listed, takeOver: { listed, tag }, ...changes }).images.map(
        ({ image, action, state }) => [image.id, `${action} ${state}`],
      ),
    );
  const site = [old('production', 30), ...versions('20230101', '20240101', '20250101')];

  test('retires what that tool replaced, as far as keep counts', () => {
    expect(actions(site)).toEqual({
      production: 'keep current',
      20230101: 'delete archived',
      20240101: 'delete archived',
      20250101: 'delete archived',
    });
    expect(actions(site, { settings: { keep: 3 } })).toEqual({
      production: 'keep current',
      20230101: 'delete archived',
      20240101: 'keep archived',
      20250101: 'keep archived',
    });
  });

  test('leaves all of them alone without the tag, without the list, and of names that are not in it', () => {
    expect(actions(site.map((image) => ({ ...image, tags: [] })))).toEqual({});
    expect(actions(site, { takeOver: { listed: new Set(), tag } })).toEqual({});
    expect(actions(site, { takeOver: { listed, tag: 'ours' } })).toEqual({});
    expect(actions([old('debian', 40, { name: 'Debian 12' }), old('own', 40, { name: 'my Ubuntu' })])).toEqual({});
  });

  test.each(['public', 'community', 'shared', 'private'])(
    'keeps what is in production, although no run has marked it as %s',
    (visibility) => {
      expect(actions([old('production', 30, { visibility })])).toEqual({ production: 'keep current' });
      expect(actions([old('production', 30, { visibility, os_hidden: true })])).toEqual({
        production: 'keep current',
      });
    },
  );

  test('leaves a version alone that is pinned', () => {
    const heldImages = findHeldImages(site, { owner, pins: { 'Ubuntu 24.04': '20240101' }, now });

    expect(actions(site, { heldImages })).toEqual({
      production: 'keep current',
      20230101: 'delete archived',
      20240101: 'keep archived',
      20250101: 'delete archived',
    });
  });
});
