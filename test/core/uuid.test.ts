import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalUuid, comparableId, sameId, uuid5, uuidsIn } from '../../modules/core/uuid.js';
import { imageId } from '../../modules/images/policy/new-image.js';

const id = '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e';
const bare = id.replaceAll('-', '');

/** How oslo.utils' is_uuid_like may find a UUID written. */
const spellings: readonly (readonly [string, string])[] = [
  ['as usual', id],
  ['in capitals', id.toUpperCase()],
  ['in mixed case', `${id.slice(0, 10).toUpperCase()}${id.slice(10)}`],
  ['without hyphens', bare],
  ['in capitals without hyphens', bare.toUpperCase()],
  ['in braces', `{${id}}`],
  ['as a URN', `urn:uuid:${id}`],
  ['as a URN in capitals', `URN:UUID:${id.toUpperCase()}`],
  ['with hyphens in other places', `${bare.slice(0, 4)}-${bare.slice(4)}`],
  ['between spaces', ` ${id}\n`],
];

test.each(spellings)('a UUID %s is the same', (_, spelling) => {
  expect(canonicalUuid(spelling)).toBe(id);
  expect(sameId(spelling, id)).toBe(true);
  expect(uuidsIn(spelling)).toEqual([id]);
  expect(uuidsIn(`glance://${spelling.trim()}`)).toEqual([id]);
  expect(
    uuidsIn({ deep: [{ url: `http://glance/v2/images/${encodeURIComponent(spelling.trim())}/file?x=1` }] }),
  ).toContain(id);
});

test.each(['', 'web-3', `${id}0`, id.slice(1), `${id} ${id}`, 'g'.repeat(32)])(
  '"%s" is not a UUID, and compared as it is',
  (text) => {
    expect(canonicalUuid(text)).toBeUndefined();
    expect(comparableId(text)).toBe(text);
  },
);

describe('the UUIDs of a value', () => {
  test('are found next to other hexadecimal digits, all of them', () => {
    const other = '0b2e35ba-4c0b-4c0e-9d8f-6b0a4c9a7f11';

    expect(uuidsIn(`abc${bare}def`)).toContain(id);
    expect(uuidsIn(`${id},${other}`)).toEqual([id, other]);
    expect(uuidsIn(`http://host/%2d${id.replaceAll('-', '%2D')}`)).toContain(id);
    expect(uuidsIn({ [id]: null })).toEqual([id]);
  });

  test.each([undefined, null, 7, true, {}, [], 'http://host/ipa.kernel'])('are none in %j', (value) => {
    expect(uuidsIn(value)).toEqual([]);
  });

  test('are found at any depth', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string(), fc.string(), (uuid, before, after) =>
        expect(uuidsIn(`${before}${uuid.toUpperCase()}${after}`)).toContain(uuid),
      ),
    );
  });
});

test('the UUID of a name is the same everywhere', () => {
  // The example of RFC 9562, appendix A.4.
  expect(uuid5('www.example.com', '6ba7b810-9dad-11d1-80b4-00c04fd430c8')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  expect(imageId({ project: 'p1', name: 'CC-Ubuntu24.04', release: '2026-01-01', attempt: 0 })).toBe(
    '1d2062ec-5d6e-5898-a411-3f561d272306',
  );
});
