import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addMonths, monthsBetween } from '../../../modules/images/policy/dates.js';

const day = fc.date({
  min: new Date('1990-01-01T00:00:00Z'),
  max: new Date('2090-01-01T00:00:00Z'),
  noInvalidDate: true,
});
const count = fc.integer({ min: 0, max: 600 });

test.each([
  ['2024-08-31T10:00:00Z', 6, '2025-02-28T10:00:00.000Z'],
  ['2023-08-31T10:00:00Z', 6, '2024-02-29T10:00:00.000Z'],
  ['2024-02-29T00:00:00Z', 12, '2025-02-28T00:00:00.000Z'],
  ['2024-12-31T23:59:59Z', 1, '2025-01-31T23:59:59.000Z'],
  ['2025-01-15T12:00:00Z', 18, '2026-07-15T12:00:00.000Z'],
  ['2025-03-30T01:30:00Z', 0, '2025-03-30T01:30:00.000Z'],
])('%s and %i months are %s', (from, months, expected) => {
  expect(addMonths(new Date(from), months).toISOString()).toBe(expected);
});

test('a month ends at the same time of day, and not a millisecond earlier', () => {
  fc.assert(
    fc.property(day, count, (from, months) => {
      const due = addMonths(from, months);

      expect(monthsBetween(from, due)).toBe(months);
      expect(monthsBetween(from, new Date(due.getTime() - 1))).toBe(Math.max(0, months - 1));
    }),
  );
});

test('more months never end earlier, and neither does a later beginning', () => {
  fc.assert(
    fc.property(day, day, count, (one, other, months) => {
      const [early, late] = one <= other ? [one, other] : [other, one];

      expect(addMonths(early, months) < addMonths(early, months + 1)).toBe(true);
      expect(addMonths(early, months) <= addMonths(late, months)).toBe(true);
    }),
  );
});

test('the day of the month stays, or is the last one of a shorter month', () => {
  fc.assert(
    fc.property(day, count, (from, months) => {
      const due = addMonths(from, months);
      const isLast = new Date(due.getTime() + 86_400_000).getUTCDate() === 1;

      expect(due.getUTCDate() === from.getUTCDate() || (isLast && due.getUTCDate() < from.getUTCDate())).toBe(true);
      expect(due.getUTCMonth()).toBe((from.getUTCMonth() + months) % 12);
    }),
  );
});
