// What a check makes of clocks, certificates, releases, permissions and room.
import { describe, expect, test } from '@jest/globals';
import {
  dayOfRelease,
  judgeCertificate,
  judgeClock,
  judgePermissions,
  judgeQuota,
  judgeReleases,
  judgeRoom,
} from '../../../modules/images/policy/check-rules.js';
import { textFor } from '../../../modules/core/option-text.js';
import { imagePermissions } from '../../../modules/images/policy/image-permissions.js';

const now = new Date('2026-11-27T12:00:00Z');
const hours = (count: number): Date => new Date(now.getTime() + count * 3_600_000);

describe('the clock', () => {
  const reading = (aheadSeconds: number) => ({ aheadSeconds, origin: 'https://site', theirs: now });

  test.each([
    [0, undefined, 'this host is 0 seconds ahead of https://site', undefined],
    [-59, undefined, 'this host is 59 seconds behind https://site', undefined],
    [60, undefined, 'this host is 60 seconds ahead of https://site', []],
    [-4000, 'the clock is wrong', 'the clock is wrong', ['clean']],
  ] as const)('%d seconds', (ahead, fault, text, fails) => {
    expect(judgeClock(reading(ahead), fault)).toMatchObject({ text, ...(fails ? { fault: { fails } } : {}) });
    expect(judgeClock(reading(ahead), fault).fault?.fails).toEqual(fails);
  });
});

describe('a certificate', () => {
  const rules = { now, noticeDays: 14, fails: ['deploy'] } as const;

  test.each([
    ['far from its end', 24 * 15, {}, /in 15 days$/, undefined],
    ['near its end', 24 * 13 + 1, {}, /in 13 days$/, []],
    ['that ends today', 23, {}, /in less than a day$/, ['deploy']],
    ['that ends today and is not validated', 23, { isValidated: false }, /in less than a day$/, []],
    [
      'that has ended and is not validated',
      -1,
      { isValidated: false },
      /expired on 2026-11-27.*validate_certs: false/,
      [],
    ],
  ] as const)('%s', (_, end, more, text, fails) => {
    const judged = judgeCertificate({ origin: 'https://site', validTo: hours(end), isValidated: true, ...more }, rules);

    expect(textFor('ansible', judged.text)).toMatch(text);
    expect(judged.fault?.fails).toEqual(fails);
  });
});

test.each([
  ['20250422-v1-amd', '2025-04-22'],
  ['2025-04-22 15:30:45.123456', '2025-04-22'],
  ['1677628504.897832', '2023-02-28'],
  ['1677628504', '2023-02-28'],
  ['20250422', '2025-04-22'],
  ['12.20250422', '2025-04-22'],
  ['20261110T103000Z-345276416', '2026-11-10'],
  ['202504221530', '2025-04-22'],
  ['sha256-0123456789abcdef', undefined],
  ['3.0.6', undefined],
  ['20259999', undefined],
  ['', undefined],
])('the release %j is of the day %s', (label, day) => {
  expect(dayOfRelease(label)?.toISOString().slice(0, 10)).toBe(day);
});

describe('the newest release', () => {
  const releases = [
    { name: 'CC-A', label: '20261001-v1' },
    { name: 'CC-B', label: '20261101-v1' },
    { name: 'CC-C', label: 'sha256-0123' },
  ];

  test.each([
    [26, false],
    [25, true],
    [0, false],
  ])('is 26 days old, with a limit of %d', (staleDays, isStale) => {
    const judged = judgeReleases('releases', releases, { now, staleDays });

    expect(judged?.text).toContain('the newest release, 20261101-v1 of CC-B, is 26 days old');
    expect(judged?.fault !== undefined).toBe(isStale);
  });

  test('is not told where no release tells its day', () => {
    expect(judgeReleases('list', releases.slice(2), { now, staleDays: 1 })).toBeUndefined();
  });
});

describe('a permission', () => {
  const { publish, change } = imagePermissions;
  const member = { source: 'cloud "x"', grants: [{ scope: 'project', projectId: 'p', roles: ['member'] }] } as const;
  const need = { permission: publish, rights: member, fails: ['deploy'] } as const;

  test.each([
    ['that the role lacks', [need], [['deploy']]],
    ['that the service grants although the role lacks it', [{ ...need, isPermitted: true }], []],
    [
      'that the service refuses although the role has it',
      [{ ...need, permission: change, isPermitted: false }],
      [['deploy']],
    ],
    [
      'that the role lacks on a site with rules of its own',
      [need, { ...need, permission: imagePermissions.copy, isPermitted: true }],
      [[]],
    ],
    ['of a login without Keystone', [{ ...need, rights: { source: 'x', grants: undefined } }], []],
  ] as const)('%s', (_, needed, expected) => {
    expect(judgePermissions(needed).map(({ fault }) => fault?.fails)).toEqual(expected);
  });
});

test.each([
  [undefined, 'x', undefined],
  [2 ** 30, 'x, 1.0 GiB free', undefined],
  [1000, 'x, 1000 B free', ['deploy']],
] as const)('a folder with %s bytes of room', (freeBytes, text, fails) => {
  const judged = judgeRoom({ check: 'lock folder', text: 'x', freeBytes }, ['deploy']);

  expect(judged.text).toBe(text);
  expect(judged.fault?.fails).toEqual(fails);
});

const gib = 2 ** 30;

test.each([
  [
    'that suffices',
    { of: 'bytes', limit: 2 * gib, used: gib },
    { bytes: gib, images: 1, largestBytes: gib },
    undefined,
  ],
  [
    'that the last image exceeds',
    { of: 'bytes', limit: gib, used: 0 },
    { bytes: 2 * gib, images: 1, largestBytes: 2 * gib },
    [],
  ],
  [
    'that is exceeded before the last image',
    { of: 'bytes', limit: gib, used: 0 },
    { bytes: 3 * gib, images: 2, largestBytes: 1.5 * gib },
    ['deploy'],
  ],
  [
    'that was exceeded before',
    { of: 'bytes', limit: gib, used: 2 * gib },
    { bytes: 1, images: 1, largestBytes: 1 },
    ['deploy'],
  ],
  [
    'that was exceeded before, and nothing is to come',
    { of: 'bytes', limit: gib, used: 2 * gib },
    { bytes: 0, images: 0, largestBytes: 0 },
    [],
  ],
  [
    'of images that is reached, and nothing is to come',
    { of: 'images', limit: 5, used: 5 },
    { bytes: 0, images: 0, largestBytes: 0 },
    undefined,
  ],
  [
    'of images that one more exceeds',
    { of: 'images', limit: 5, used: 5 },
    { bytes: 1, images: 1, largestBytes: 1 },
    ['deploy'],
  ],
] as const)('a limit %s', (_, quota, wanted, fails) => {
  expect(judgeQuota(quota, wanted).fault?.fails).toEqual(fails);
});
