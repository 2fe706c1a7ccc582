// Values of fields as people write them.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { normaliseMac } from '../../../modules/nodes/policy/field-values.js';

describe('a MAC address', () => {
  test.each([
    ['52:54:00:AB:CD:EF', '52:54:00:ab:cd:ef'],
    ['52-54-00-ab-cd-ef', '52:54:00:ab:cd:ef'],
    ['5254.00ab.cdef', '52:54:00:ab:cd:ef'],
    ['525400abcdef', '52:54:00:ab:cd:ef'],
    [' 52:54:00:ab:cd:ef ', '52:54:00:ab:cd:ef'],
    ['52:54:00:ab:cd', undefined],
    ['52:54-00:ab:cd:ef', undefined],
    ['52:54:00:ab:cd:eg', undefined],
    ['5254.00ab.cdef.0000', undefined],
    ['', undefined],
  ])('%j is %j', (text, expected) => expect(normaliseMac(text)).toBe(expected));

  test('is the same in every notation', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 6, maxLength: 6 }),
        fc.constantFrom(':', '-', ''),
        fc.boolean(),
        (bytes, separator, upper) => {
          const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
          const text = pairs.join(separator);
          expect(normaliseMac(upper ? text.toUpperCase() : text)).toBe(pairs.join(':'));
        },
      ),
    );
  });
});
