// Image lists in the spelling of openstack-image-manager.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from '../../source-files.js';
import { naturalOrder } from '../../../modules/images/policy/natural-order.js';
import { faultsOf, imagesIn, listWith, parseTexts } from './list-fixtures.js';

const folder = join(root, 'test/images/fixtures/openstack-image-manager');
const realLists = readdirSync(folder).filter((name) => name.endsWith('.yml'));

const version = { version: '20260124', url: 'https://example.org/20260124/debian.qcow2', build_date: '2026-01-24' };
const image = {
  name: 'Debian 12',
  format: 'qcow2',
  login: 'debian',
  status: 'active',
  visibility: 'public',
  multi: true,
  meta: { architecture: 'x86_64', os_distro: 'debian', os_version: '12' },
  tags: [],
  versions: [version],
};

describe('the lists of openstack-image-manager itself', () => {
  test('are all there', () => {
    expect(realLists.length).toBe(12);
  });

  test.each(realLists)('%s is read as it is', async (name) => {
    const text = readFileSync(join(folder, name), 'utf8');

    for (const isLocal of [true, false]) {
      const images = await imagesIn(text, isLocal);
      expect(images.length).toBeGreaterThan(0);
      for (const each of images) {
        expect(each).toMatchObject({ version: expect.any(String), isManagers: true });
        expect(each.fault).toBeUndefined();
        expect(each.wanted.tags).toContain('managed_by_osism');
      }
    }
  });

  test('have no name twice', async () => {
    const parsed = await parseTexts(
      ...realLists.map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') })),
    );

    expect('lists' in parsed && parsed.lists.names.size).toBe(36);
    expect('lists' in parsed && [...parsed.lists.names]).toEqual(
      expect.arrayContaining(['Ubuntu 24.04', 'Cirros 0.6.3', 'Garden Linux 1877.10', 'Debian 12']),
    );
  });
});

test('an image has the properties and tags that the other tool sets', async () => {
  const [read] = await imagesIn(
    listWith({
      ...image,
      meta: { ...image.meta, hw_vif_multiqueue_enabled: true, hw_firmware_type: null },
      min_disk: 8,
      min_ram: 512,
      versions: [{ ...version, mirror_url: 'https://mirror.example.org/d.qcow2', visibility: 'community' }],
    }),
  );

  expect(read).toMatchObject({
    name: 'Debian 12',
    version: '20260124',
    url: 'https://mirror.example.org/d.qcow2',
    mirrors: [version.url],
    fileName: 'debian.qcow2',
    diskFormat: 'qcow2',
    wanted: {
      visibility: 'community',
      tags: ['managed_by_osism', 'os:debian'],
      minDiskGib: 8,
      minRamMib: 512,
      status: 'active',
    },
  });
  expect(read?.properties).toEqual({
    architecture: 'x86_64',
    os_distro: 'debian',
    os_version: '12',
    hw_vif_multiqueue_enabled: 'True',
    image_description: 'Debian 12',
    image_name: 'Debian 12',
    image_original_user: 'debian',
    image_source: version.url,
    image_build_date: '2026-01-24',
    internal_version: '20260124',
  });
});

test('with multi, the newest version has the name and the others are there for pins', async () => {
  const versions = ['1.9', '1.10', '1.2'].map((each) => ({ ...version, version: each }));

  const [only, ...others] = await imagesIn(listWith({ ...image, versions }));

  expect(others).toEqual([]);
  expect(only).toMatchObject({ name: 'Debian 12', version: '1.10', older: [{ version: '1.9' }, { version: '1.2' }] });
});

test('without multi, each version is an image of its own', async () => {
  const versions = ['2', '10'].map((each) => ({ ...version, version: each, meta: { os_purpose: 'minimal' } }));

  const images = await imagesIn(listWith({ ...image, multi: false, separator: '-', versions }));

  expect(images).toMatchObject([
    { name: 'Debian 12-2', version: '2', properties: { os_version: '2', os_purpose: 'minimal' } },
    { name: 'Debian 12-10', version: '10', properties: { os_version: '10', image_name: 'Debian 12' } },
  ]);
});

test('a mirror with other bytes than the URL is not used', async () => {
  const versions = [{ ...version, url: 'https://example.org/a.raw.xz', mirror_url: 'https://mirror.example.org/a' }];

  expect(await imagesIn(listWith({ ...image, versions }))).toMatchObject([
    { url: 'https://example.org/a.raw.xz', mirrors: [] },
  ]);
});

test('the version latest is told by its checksum file', async () => {
  const latest = { version: 'latest', url: version.url, checksums_url: 'https://example.org/SHA256SUMS' };

  const [read] = await imagesIn(listWith({ ...image, versions: [version, latest] }));

  expect(read).not.toHaveProperty('version');
  expect(read?.properties).not.toHaveProperty('internal_version');
  expect(read).toMatchObject({
    checksums: [{ kind: 'url', url: 'https://example.org/SHA256SUMS' }],
    older: [{ version: '20260124' }],
  });
});

test('an image that is not enabled and one without versions are known by name', async () => {
  const parsed = await parseTexts({
    text: JSON.stringify({
      images: [
        { ...image, enable: false },
        { ...image, name: 'Empty', versions: [] },
      ],
    }),
  });

  expect('lists' in parsed && [...parsed.lists.names]).toEqual(['Debian 12', 'Empty']);
  expect('lists' in parsed && parsed.lists.images).toMatchObject([{ name: 'Debian 12', isEnabled: false }]);
});

test('a format that cannot be deployed is the fault of its image alone', async () => {
  const [read] = await imagesIn(listWith({ ...image, format: 'vmdk' }));

  expect(read?.fault).toBe('its format vmdk cannot be deployed; only qcow2, raw, aki, ari');
});

test.each<[string, Readonly<Record<string, unknown>>, string]>([
  ['no name', { name: null }, 'name is missing'],
  ['no versions', { versions: null }, 'versions is missing'],
  ['no multi', { multi: null }, 'multi is missing'],
  ['a mistyped key', { min_dsk: 8 }, 'min_dsk: there is no such key; did you mean min_disk?'],
  ['an unknown format', { format: 'tar' }, 'allowed: aki, ari, ami, raw, iso, vhd, vdi, qcow2, vmdk'],
  ['versions that are no list', { versions: version }, 'versions: a mapping is not allowed; it must be a list'],
  ['a version that is a text', { versions: ['1'] }, 'versions[0]: it must be a mapping with version and url'],
  ['a version without a number', { versions: [{ url: version.url }] }, 'versions[0]: version is missing'],
  ['a version without a URL', { versions: [{ version: '1' }] }, 'versions[0]: url is missing'],
  ['a version given twice', { versions: [version, version] }, 'versions: the version 20260124 is given twice'],
  [
    'latest without a checksum',
    { versions: [{ ...version, version: 'latest' }] },
    'needs checksums_url or checksum_url',
  ],
  [
    'two checksum files',
    { versions: [{ ...version, checksum_url: 'https://example.org/a', checksums_url: 'https://example.org/b' }] },
    'must not be given together',
  ],
  ['a date that is none', { versions: [{ ...version, build_date: 'monday' }] }, 'it must be a date such as'],
  ['an id that is none', { versions: [{ ...version, id: '12' }] }, 'it must be a UUID'],
  ['a separator with a letter', { separator: 'v' }, 'separator'],
  ['a reserved property', { meta: { owner: 'me' } }, 'meta.owner: owner is reserved'],
  ['a relative file', { versions: [{ ...version, url: 'file:test/a.img' }] }, 'a file URL with an absolute path'],
])('%s is refused', async (_, change, told) => {
  expect((await faultsOf({ ...image, ...change })).join('\n')).toContain(told);
});

test('versions are in the order in which people count', () => {
  const sorted = ['1.9', '1.10', '20240101', 'latest', '1.2', '1592.14', '1592.9', '02', '1'];

  expect([...sorted].sort(naturalOrder)).toEqual([
    '1',
    '1.2',
    '1.9',
    '1.10',
    '02',
    '1592.9',
    '1592.14',
    '20240101',
    'latest',
  ]);
});
