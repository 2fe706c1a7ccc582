import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  compareConverted,
  conversionOf,
  conversionWarning,
  type ConvertibleImage,
} from '../../../modules/images/policy/conversion.js';
import { markers } from '../../../modules/images/policy/site-image.js';

const imported = { os_glance_importing_to_stores: '' };
const image = (changes: Partial<ConvertibleImage>): ConvertibleImage => ({
  id: 'x',
  created_at: '2026-06-01T12:00:00Z',
  properties: imported,
  ...changes,
});
const qcow2 = { object: { bytes: 100, sha256: 'aa' }, diskFormat: 'qcow2', virtualBytes: 2048 };
const ramdisk = { object: { bytes: 100, sha256: 'aa' }, diskFormat: 'ari', isGzip: true };

describe('an image counts as converted', () => {
  test.each([
    ['by a conversion', { disk_format: 'raw', size: 2048 }, qcow2, { from: 'qcow2', to: 'raw' }],
    ['by a decompression', { disk_format: 'ari', size: 300 }, ramdisk, { from: 'gzip', to: 'ari' }],
    ['not with the format that was sent', { disk_format: 'qcow2', size: 100 }, qcow2, undefined],
    ['not with another size alone', { disk_format: 'qcow2', size: 99 }, qcow2, undefined],
    ['not with the data that were sent', { disk_format: 'ari', size: 100 }, ramdisk, undefined],
    ['not without an import', { disk_format: 'raw', size: 2048, properties: {} }, qcow2, undefined],
  ] as const)('%s', (_, changes, source, conversion) => {
    expect(conversionOf(image(changes), source, 'web-download')).toEqual(conversion);
    expect(conversionOf(image(changes), source, 'glance-direct')).toEqual(conversion);
    expect(conversionOf(image(changes), source, 'stream')).toBeUndefined();
  });
});

describe('a converted image', () => {
  const toRaw = { from: 'qcow2', to: 'raw' };
  const sent = { bytes: 100, read: new Map([['sha256', 'bb']]), sent: new Map<string, string>() };

  test('is compared by what was staged and by the size of its disk', () => {
    expect(compareConverted(image({ size: 2048 }), qcow2, toRaw, sent)).toEqual([
      expect.objectContaining({ what: "store's sha256", found: 'bb', expected: 'aa' }),
      { what: 'virtual size', found: 2048, expected: 2048 },
    ]);
  });

  test('is compared by what an earlier run has noted of what it staged', () => {
    const noted = image({ size: 2048, properties: { ...imported, [markers.staged]: 'sha256:aa' } });

    expect(compareConverted(noted, qcow2, toRaw, undefined)[0]).toMatchObject({ found: 'aa', expected: 'aa' });
  });

  test('that Glance has fetched is compared by the size of its disk alone', () => {
    expect(compareConverted(image({ size: 1 }), qcow2, toRaw, undefined)).toEqual([
      { what: 'virtual size', found: 1, expected: 2048 },
    ]);
  });

  test('is compared by the size that Glance tells of other formats, or not at all', () => {
    const toQcow2 = { from: 'raw', to: 'qcow2' };
    const raw = { object: { bytes: 1000 }, diskFormat: 'raw' };

    expect(compareConverted(image({ size: 5, virtual_size: 1024 }), raw, toQcow2, undefined)).toEqual([
      { what: 'virtual size', found: 1024, expected: 1024 },
    ]);
    expect(compareConverted(image({ size: 5 }), raw, toQcow2, undefined)).toEqual([]);
    expect(compareConverted(image({ size: 5 }), { ...raw, diskFormat: 'vmdk' }, toRaw, undefined)).toEqual([]);
  });

  test('has the size of its disk in whole sectors', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (virtualBytes) => {
        const [comparison] = compareConverted(image({ size: 0 }), { ...qcow2, virtualBytes }, toRaw, undefined);
        const expected = Number(comparison?.expected);
        expect(expected % 512).toBe(0);
        expect(expected - virtualBytes).toBeGreaterThanOrEqual(0);
        expect(expected - virtualBytes).toBeLessThan(512);
      }),
    );
  });

  test('is warned of if only the size of its disk was compared', () => {
    expect(conversionWarning('CC-X', toRaw, ['virtual size'])).toMatch(/^CC-X: Glance has converted the image from /);
    expect(conversionWarning('CC-X', toRaw, ["store's sha256", 'virtual size'])).toBeUndefined();
  });
});
