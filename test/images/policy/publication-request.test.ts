// Which names, manifests and files may be published.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  assertPublicationNames,
  buildTimestampOf,
  publishedFormat,
  requestedManifest,
  segmentRanges,
} from '../../../modules/images/policy/publication-request.js';
import { parseBuildTimestamp } from '../../../modules/images/policy/dates.js';
import { qcow2, sample } from './disk-samples.js';

const refusal = (message: string): unknown =>
  expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(message) });

test.each<[string, string, string]>([
  ['CC-Ubuntu22.04', '20250422-v1-amd', ''],
  ['Debian 12', 'r1', ''],
  ['a/b', 'r1', 'name: "a/b" is not allowed'],
  ['../current', 'r1', 'is not allowed'],
  ['', 'r1', 'is not allowed'],
  ['testing_CC-A', 'r1', 'an image CC-A that is being uploaded or was archived'],
  ['CC-A-20230302', 'r1', 'an image CC-A that is being uploaded or was archived'],
  ['CC-A_2025-04-22 15-30', 'r1', ''],
  ['CC-A_1677628504.897832', 'r1', 'was archived'],
  ['CC-A', '../r1', 'release: "../r1" is not allowed'],
  ['CC-A', 'a b', 'release: "a b" is not allowed'],
  ['CC-A', '.', 'is not allowed'],
])('the name %j with the release %j', (name, release, message) => {
  const check = (): void => assertPublicationNames({ name, release }, 'testing_');

  if (message === '') expect(check).not.toThrow();
  else expect(check).toThrow(refusal(message));
});

describe('a manifest', () => {
  test('has texts, as written', () => {
    expect(requestedManifest({ 'build-ipa': false, 'build-number': 7, 'build-timestamp': '1745335845.5' })).toEqual({
      properties: { 'build-ipa': 'false', 'build-number': '7', 'build-timestamp': '1745335845.5' },
      warnings: [],
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['an attribute of Glance', { visibility: 'public' }, 'visibility cannot be in a manifest'],
    ['a marker of these tools', { image_tools_id: 'x' }, 'image_tools_id cannot be'],
    ['the release', { current: 'x' }, 'current cannot be'],
    ['two lines', { 'build-a': 'x\ny' }, 'build-a cannot be'],
    ['a list', { 'build-a': ['x'] }, 'build-a cannot be'],
    ['null', { 'build-a': null }, 'build-a cannot be'],
    ['a time that nobody can read', { 'build-timestamp': 'yesterday' }, 'is neither YYYY-MM-DD'],
  ])('with %s is refused', (_, manifest, message) => {
    expect(() => requestedManifest(manifest)).toThrow(refusal(message));
  });

  test('with a property that sites must allow is warned about', () => {
    const { properties, warnings } = requestedManifest({ hw_disk_bus: 'scsi' });

    expect(properties).toEqual({ hw_disk_bus: 'scsi' });
    expect(warnings.join()).toContain('sites leave hw_disk_bus of the manifest out');
  });
});

test('the time of a file is one that deployers read', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (moment) => {
      expect(parseBuildTimestamp(buildTimestampOf(moment))).toEqual(moment);
    }),
  );
});

test.each<[string, Buffer, string]>([
  ['a.qcow2', qcow2(), 'qcow2'],
  ['a.img', qcow2(), 'qcow2'],
  ['a.img', sample([]), 'raw'],
  ['a.RAW', sample([]), 'raw'],
  ['a.raw', qcow2(), 'FORMAT_MISMATCH'],
  ['a.qcow2', sample([]), 'FORMAT_MISMATCH'],
  ['a.img', sample('<html>'), 'FORMAT_MISMATCH'],
  ['a.img', sample('KDMV'), 'FORMAT_MISMATCH'],
  ['a.img', Buffer.alloc(0), 'FORMAT_MISMATCH'],
  ['a.img', qcow2({ backingFileOffset: 8n }), 'FORMAT_UNSAFE'],
])('the file %s', (path, head, expected) => {
  const format = (): string => publishedFormat(path, { head, bytes: head.length });

  if (expected.startsWith('FORMAT_')) expect(format).toThrow(expect.objectContaining({ code: expected }));
  else expect(format()).toBe(expected);
});

test('segments cover the file, are no larger than necessary, and at most 1000', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), fc.integer({ min: 1024, max: 2 ** 33 }), (bytes, length) => {
      const ranges = segmentRanges(bytes, length);

      expect(ranges.length).toBeLessThanOrEqual(1000);
      expect(ranges[0]?.from).toBe(0);
      expect(ranges.at(-1)?.to).toBe(bytes);
      const longest = Math.max(length, Math.ceil(bytes / 1000));
      const isNext = ({ from, to }: { from: number; to: number }, index: number): boolean =>
        from === (ranges[index - 1]?.to ?? 0) && to > from && to - from <= longest;
      expect(ranges.every(isNext)).toBe(true);
      if (bytes <= length) expect(ranges).toHaveLength(1);
    }),
  );
});
