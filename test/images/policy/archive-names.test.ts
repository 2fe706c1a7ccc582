import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { archiveName, productionNameOf } from '../../../modules/images/policy/archive-names.js';
import { siteImage } from './image-fixtures.js';

describe('the archive name', () => {
  test('is the name with the time of the build', () => {
    expect(archiveName(siteImage(), new Set())).toBe('CC-Ubuntu22.04_2025-04-22 15:30:45.123456');
  });

  test('falls back on the time of creation', () => {
    expect(archiveName(siteImage({ properties: {} }), new Set())).toBe('CC-Ubuntu22.04_2025-04-22 16:00:00');
  });

  test('has a counter if it is taken', () => {
    const taken = new Set(['CC-Ubuntu22.04_2025-04-22 15:30:45.123456', 'CC-Ubuntu22.04_2025-04-22 15:30:45.123456.2']);

    expect(archiveName(siteImage(), taken)).toBe('CC-Ubuntu22.04_2025-04-22 15:30:45.123456.3');
  });

  test('leads back to any production name', () => {
    const name = fc.stringMatching(/^[A-Z][A-Za-z0-9.]{1,20}(-[A-Za-z]{2,8}){0,2}$/);
    const stamp = fc.constantFrom('2025-04-22 15:30:45.123456', '2025-04-22 15:30:45', '1677628504.897832', undefined);
    fc.assert(
      fc.property(name, stamp, fc.boolean(), (productionName, timestamp, isTaken) => {
        const image = siteImage({
          name: productionName,
          properties: timestamp ? { 'build-timestamp': timestamp } : {},
        });
        const taken = isTaken ? new Set([archiveName(image, new Set())]) : new Set<string>();

        expect(productionNameOf(archiveName(image, taken), 'testing_')).toBe(productionName);
      }),
    );
  });
});

test.each([
  ['CC-Ubuntu20.04-CUDA-20230302-1677628504.897832', 'CC-Ubuntu20.04-CUDA'],
  ['CC-CentOS8-stream-8.20230301-1677628504.89', 'CC-CentOS8-stream'],
  ['CC-Ubuntu22.04-20230302', 'CC-Ubuntu22.04'],
  ['CC-Ubuntu22.04-20230302.2', 'CC-Ubuntu22.04'],
  ['CC-Ubuntu22.04_20250422 153045.123456', 'CC-Ubuntu22.04'],
  ['CC-IPA-Debian11-AMD64.kernel-20230302-2023-03-02 10:11:12.5', 'CC-IPA-Debian11-AMD64.kernel'],
  ['testing_CC-Ubuntu22.04', 'CC-Ubuntu22.04'],
  ['CC-Ubuntu24.04-ARM64', 'CC-Ubuntu24.04-ARM64'],
  ['CC-CentOS9-Stream', 'CC-CentOS9-Stream'],
])('the name %s belongs to %s', (name, expected) => {
  expect(productionNameOf(name, 'testing_')).toBe(expected);
});
