// Image lists in the spelling of these tools: what they may contain, and how faults are told.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describeListFaults } from '../../../modules/images/policy/image-lists.js';
import { faultsOf, imagesIn, listWith, parseTexts } from './list-fixtures.js';

const url = 'https://images.example.org/debian-12.qcow2';
const sha256 = 'a'.repeat(64);
const minimal = { name: 'Debian 12', url };

test('every field of an image is read', async () => {
  const text = `
images:
  - name: Debian 12
    url: ${url}
    mirrors: [https://mirror.example.org/debian-12.qcow2, ${url}]
    checksum: sha512:${'b'.repeat(128)}
    version: 20261110
    disk_format: qcow2
    compression: auto
    properties: {os_distro: debian, os_version: 12.10, hw_disk_bus: scsi, empty: null}
    tags: [debian, stable, debian]
    min_disk: 3
    min_ram: 512
    protected: no
    visibility: shared
    members: [0123456789abcdef0123456789abcdef]
    status: active
`;

  expect(await imagesIn(text)).toEqual([
    {
      name: 'Debian 12',
      isEnabled: true,
      version: '20261110',
      url,
      mirrors: ['https://mirror.example.org/debian-12.qcow2'],
      fileName: 'debian-12.qcow2',
      checksums: [{ kind: 'checksum', checksum: { algorithm: 'sha512', digest: 'b'.repeat(128) } }],
      diskFormat: 'qcow2',
      compression: 'auto',
      properties: { os_distro: 'debian', os_version: '12.10', hw_disk_bus: 'scsi' },
      wanted: {
        tags: ['debian', 'stable'],
        minDiskGib: 3,
        minRamMib: 512,
        protected: false,
        visibility: 'shared',
        members: ['0123456789abcdef0123456789abcdef'],
        status: 'active',
      },
      older: [],
      isManagers: false,
    },
  ]);
});

test('name and URL are enough', async () => {
  expect(await imagesIn(listWith(minimal))).toMatchObject([{ ...minimal, wanted: {}, properties: {}, checksums: [] }]);
});

test('checksums may be digests, files and several of both', async () => {
  const [image] = await imagesIn(
    listWith({ ...minimal, checksum: [sha256, 'https://example.org/SHA256SUMS', 'sha512:https://example.org/SUMS'] }),
  );

  expect(image?.checksums).toEqual([
    { kind: 'checksum', checksum: { algorithm: 'sha256', digest: sha256 } },
    { kind: 'url', url: 'https://example.org/SHA256SUMS' },
    { kind: 'url', url: 'https://example.org/SUMS', algorithm: 'sha512' },
  ]);
});

test('a file of this host may be named by a list of this host alone', async () => {
  const local = { name: 'Debian 12', url: 'file:///srv/images/debian-12.qcow2' };

  expect(await imagesIn(listWith(local))).toMatchObject([local]);
  expect(await faultsOf(local, false)).toEqual([
    '"Debian 12": url: "file:///srv/images/debian-12.qcow2" is not allowed: a list that was fetched may not refer to files of this host',
  ]);
});

const mapping = { key: 'value' };

test.each<[field: string, value: unknown, told: string]>([
  ['name', '', 'it must be the name of an image'],
  ['name', 'a*', 'it must be the name of an image'],
  ['name', 'a,b', 'it must be the name of an image'],
  ['name', ' a', 'it must be the name of an image'],
  ['name', 'a ', 'it must be the name of an image'],
  ['name', 'a\nb', 'it must be the name of an image'],
  ['name', 'a'.repeat(201), 'it must be the name of an image'],
  ['name', '4f6c0c8e-51a5-5a0e-9d6c-2f3a4d0f7f1b', 'it must be the name of an image'],
  ['name', ['a'], 'a list is not allowed; it must be the name of an image'],
  ['enable', 'perhaps', 'it must be true or false'],
  ['url', 'debian.qcow2', 'it must be a URL'],
  ['url', 'ftp://example.org/a', 'it must be an http, https or file URL'],
  ['url', 'https://example.org/a b', 'it must be a URL'],
  ['url', 'https://example.org/a#b', 'it must be a URL without a fragment'],
  ['url', 'file:images/a.qcow2', 'it must be a file URL with an absolute path'],
  ['url', 'file://host/a.qcow2', 'it must be a file URL with an absolute path'],
  ['url', 'FILE:///srv/a.qcow2', 'it must be a file URL with an absolute path'],
  ['url', mapping, 'a mapping is not allowed; it must be a URL'],
  ['mirrors', 'https://example.org/a', 'it must be a list'],
  ['checksum', 'abc', 'the algorithm can be derived only from'],
  ['checksum', 'sha256:abc', 'sha256 has 64 hex digits, not 3'],
  ['checksum', 'crc32:abcdef01', '"crc32" is not an algorithm'],
  ['checksum', 'gopher://example.org/SUMS', 'it must be an http, https or file URL'],
  ['checksum', [], 'it must be a value, or a list of values'],
  ['checksum', mapping, 'it must be a checksum, or the URL of a checksum file'],
  ['checksum', [sha256, 'c'.repeat(64)], 'several sha256 that differ'],
  ['keyring', 'keys.gpg', 'it must be an absolute path'],
  ['version', 'a b', 'it must be a version'],
  ['version', '../1', 'it must be a version'],
  ['version', 'v'.repeat(101), 'it must be a version'],
  ['disk_format', 'vmdk', 'allowed: qcow2, raw, aki, ari'],
  ['compression', 'zip', 'allowed: auto, none, gz, xz, zst, bz2'],
  ['properties', 'os_distro=debian', 'it must be a mapping of properties to texts'],
  ['properties', { os_distro: mapping }, 'a mapping is not allowed; it must be a text of up to 4096 characters'],
  ['properties', { owner: 'me' }, 'owner is reserved by Glance or these tools'],
  ['properties', { image_tools_id: 'me' }, 'image_tools_id is reserved by Glance or these tools'],
  [
    'properties',
    { kernel_id: 'me' },
    'kernel_id is reserved by Glance or these tools, or refers to resources of a site',
  ],
  ['properties', { 'hw_*': 'me' }, '"hw_*" is not the name of a property'],
  ['tags', 'debian', 'it must be a list'],
  ['tags', [''], 'it must be a tag'],
  ['min_disk', -1, 'it must be a whole number from 0'],
  ['min_disk', '1.5', 'it must be a whole number from 0'],
  ['min_ram', '99999999999', 'it must be a whole number from 0'],
  ['protected', 2, 'it must be true or false'],
  ['visibility', 'secret', 'allowed: public, community, shared, private'],
  ['members', ['a b'], 'it must be the id of a project'],
  ['members', ['abc'], 'only an image with visibility shared has members'],
  ['status', 'queued', 'allowed: active, deactivated'],
  ['signature', 'https://example.org/SUMS.sign', 'signature and keyring must be given together'],
  ['checksums', sha256, 'there is no such key; did you mean checksum?'],
])('%s: %j is told to be wrong', async (field, value, told) => {
  const faults = await faultsOf({ ...minimal, [field]: value });

  expect(faults.join('\n')).toContain(told);
  expect(faults.join('\n')).toContain(field);
});

test.each([
  ['name', '"https', { url }],
  ['url', 'images[0]', { name: 'Debian 12' }],
])('an image without %s is refused', async (field, _, image) => {
  expect((await faultsOf(image)).join()).toContain(`${field} is missing`);
});

test.each<[string, unknown, string]>([
  ['a list', [], 'it must be a mapping with the key images, a list'],
  ['a text', 'images', 'it must be a mapping with the key images, a list'],
  ['nothing', null, 'it must be a mapping with the key images, a list'],
  ['a mapping without images', {}, 'images is missing'],
  ['a mapping with a mistyped key', { image: [minimal] }, 'image: there is no such key; did you mean images?'],
  ['images that are no list', { images: minimal }, 'images must be a list of images'],
  ['no images', { images: [] }, 'images is empty'],
  ['an image that is a text', { images: ['Debian'] }, 'images[0]: it is a text; it must be a mapping'],
])('%s is no list', async (_, content, told) => {
  const parsed = await parseTexts({ text: JSON.stringify(content) });

  expect('faults' in parsed && parsed.faults.join('\n')).toContain(told);
});

test('a signature needs the file that is signed', async () => {
  const signed = { ...minimal, signature: 'https://example.org/SUMS.sign', keyring: '/usr/share/keyrings/debian.gpg' };

  expect((await faultsOf(signed)).join()).toContain('checksum is missing');
  expect((await faultsOf({ ...signed, checksum: sha256 })).join()).toContain('checksum must name one checksum file');
  expect(await imagesIn(listWith({ ...signed, checksum: 'https://example.org/SUMS' }))).toMatchObject([
    { signature: { url: signed.signature, keyring: signed.keyring } },
  ]);
});

test('all faults are told with file, line and image, and none hides the others', async () => {
  const first = `images:
  - name: Debian 12
    url: nowhere
    tags:
      - ok
      - "a,b"
  - name: Fedora 43
    url: ${url}
`;
  const second = `
images:
  - name: Fedora 43
    urls: ${url}
`;

  const parsed = await parseTexts({ text: first, path: '/etc/a.yml' }, { text: second, path: '/etc/b.yml' });

  expect('faults' in parsed && parsed.faults).toEqual([
    '/etc/a.yml line 3: "Debian 12": url: "nowhere" is not allowed; it must be a URL',
    '/etc/a.yml line 6: "Debian 12": tags[1]: "a,b" is not allowed; it must be a tag: 1 to 255 characters without a comma',
    '/etc/b.yml line 4: "Fedora 43": urls: there is no such key; did you mean url?',
    '/etc/b.yml line 3: "Fedora 43": url is missing',
    '/etc/b.yml line 3: "Fedora 43": the name "Fedora 43" is already given at /etc/a.yml line 7',
  ]);
});

test('of very many faults the first are told, and how many more there are', async () => {
  const images = Array.from({ length: 5000 }, (_, index) => ({ name: `image ${index}`, url: 'nowhere' }));

  const parsed = await parseTexts({ text: JSON.stringify({ images }) });

  expect('faults' in parsed && describeListFaults(parsed)).toMatch(/"image 19": .*; and 4980 more$/);
});

test('a message shows neither credentials nor much of a value', async () => {
  const [fault] = await faultsOf({ ...minimal, url: `ftp://user:secret@example.org/${'a'.repeat(500)}` });

  expect(fault).not.toContain('secret');
  expect(fault?.length).toBeLessThan(200);
});

describe('any document', () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.webUrl());
  const keys = fc.constantFrom('name', 'url', 'checksum', 'mirrors', 'versions', 'multi', 'meta', 'tags', 'version');
  const entry = fc.dictionary(
    fc.oneof(keys, fc.string()),
    fc.oneof(scalar, fc.array(scalar), fc.dictionary(keys, scalar)),
  );

  test('is read or refused with a line, and never breaks the parser', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(entry, scalar), { maxLength: 4 }), async (images) => {
        const parsed = await parseTexts({ text: JSON.stringify({ images }) });
        if ('lists' in parsed) expect(parsed.lists.names.size).toBeGreaterThan(0);
        else for (const fault of parsed.faults) expect(fault).toMatch(/^list\.yml line \d+: /);
      }),
      { numRuns: 200 },
    );
  });
});
