import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseHttpDate } from '../../modules/core/http-dates.js';

const second = Date.UTC(2025, 4, 1, 8, 5, 9);

describe('a date is read', () => {
  test.each([
    ['of RFC 822', 'Thu, 01 May 2025 08:05:09 GMT', second],
    ['of RFC 850', 'Thursday, 01-May-25 08:05:09 GMT', second],
    ['of ANSI C', 'Thu May  1 08:05:09 2025', second],
    ['with a wrong weekday, which says nothing', 'Mon, 01 May 2025 08:05:09 GMT', second],
    ['in small letters', 'thu, 01 may 2025 08:05:09 gmt', second],
    ['with space around it', ' Thu, 01 May 2025 08:05:09 GMT ', second],
    ['of two digits before 2000', 'Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
    ['of two digits at the turn', 'Friday, 06-Nov-68 08:49:37 GMT', Date.UTC(2068, 10, 6, 8, 49, 37)],
    ['on a leap day', 'Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
  ])('%s', (_, text, expected) => {
    expect(parseHttpDate(text)).toBe(expected);
  });
});

describe('a date is unknown', () => {
  test.each([
    ['where there is none', undefined],
    ['when it is empty', ''],
    ['with an offset', 'Thu, 01 May 2025 08:05:09 +0000'],
    ['with another zone', 'Thu, 01 May 2025 08:05:09 UTC'],
    ['as ISO 8601', '2025-05-01T08:05:09Z'],
    ['of a day that is not', 'Sun, 30 Feb 2025 08:05:09 GMT'],
    ['of a month that is not', 'Thu, 01 Mai 2025 08:05:09 GMT'],
    ['of an hour that is not', 'Thu, 01 May 2025 24:05:09 GMT'],
    ['of a leap second', 'Thu, 01 May 2025 08:05:60 GMT'],
    ['as seconds', '1746086709'],
    ['with something behind it', 'Thu, 01 May 2025 08:05:09 GMT; x'],
  ])('%s', (_, text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });
});

test('a date that JavaScript writes is read back', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      date.setUTCMilliseconds(0);

      expect(parseHttpDate(date.toUTCString())).toBe(date.getTime());
    }),
  );
});
