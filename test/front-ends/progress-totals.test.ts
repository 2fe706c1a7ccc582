import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createTotals, formatTimeLeft, totalsText } from '../../modules/cli/progress-totals.js';
import type { Progress } from '../../modules/core/operation.js';

const mebibyte = 2 ** 20;

function announced(subject: string, totalBytes: number): Progress {
  return { subject, stage: 'transfer', totalBytes, isAnnounced: true };
}

function moved(subject: string, doneBytes: number, totalBytes?: number): Progress {
  return { subject, stage: 'transfer', doneBytes, ...(totalBytes === undefined ? {} : { totalBytes }) };
}

describe('the totals', () => {
  test('are those of all announced work, begun or not', () => {
    const totals = createTotals();
    for (const [name, mib] of [
      ['one', 100],
      ['two', 300],
    ] as const)
      totals.add(announced(name, mib * mebibyte), 0);
    totals.add(moved('one', 0), 0);
    totals.add(moved('one', 50 * mebibyte), 5000);

    expect(totals.read(5000)).toEqual({
      ...{ doneBytes: 50 * mebibyte, totalBytes: 400 * mebibyte, donePieces: 0, pieces: 2 },
      ...{ bytesPerSecond: 10 * mebibyte, secondsLeft: 35 },
    });
  });

  test('do not exist for a single piece of work, nor for one that nobody announced', () => {
    const totals = createTotals();
    totals.add(announced('one', 100), 0);
    totals.add(moved('two', 50, 100), 0);

    expect(totals.read(0)).toBeUndefined();
  });

  test('count what needed no transfer as done, and expect nothing more of what failed', () => {
    const totals = createTotals();
    for (const name of ['one', 'two', 'three']) totals.add(announced(name, 100), 0);
    totals.add({ subject: 'one', stage: 'done' }, 0);
    totals.add(moved('two', 40), 0);
    totals.add({ subject: 'two', stage: 'failed' }, 0);

    expect(totals.read(0)).toMatchObject({ doneBytes: 140, totalBytes: 240, donePieces: 2, pieces: 3 });
  });

  test('have no rate of what they did not see arrive', () => {
    const totals = createTotals();
    for (const name of ['one', 'two', 'three']) totals.add(announced(name, 10_000), 0);
    totals.add({ subject: 'one', stage: 'import', totalBytes: 10_000 }, 0);
    totals.add({ subject: 'one', stage: 'done' }, 3000);

    expect(totals.read(3000)).toMatchObject({ doneBytes: 10_000 });
    expect(totals.read(3000)).not.toHaveProperty('bytesPerSecond');
    totals.add(moved('two', 0), 4000);
    totals.add(moved('two', 500), 5000);
    totals.add({ subject: 'three', stage: 'done' }, 5500);
    totals.add(moved('two', 1000), 8000);
    expect(totals.read(8000)).toMatchObject({ doneBytes: 21_000, bytesPerSecond: 125 });
  });

  test('forget the rate when a transfer begins anew', () => {
    const totals = createTotals();
    for (const name of ['one', 'two']) totals.add(announced(name, 1000), 0);
    totals.add(moved('one', 0), 0);
    totals.add(moved('one', 800), 4000);
    totals.add(moved('one', 0), 5000);

    expect(totals.read(5000)).not.toHaveProperty('bytesPerSecond');
    totals.add(moved('one', 100), 7000);
    expect(totals.read(7000)).toMatchObject({ bytesPerSecond: 50 });
  });

  test('have the rate of the last seconds, and no end in sight when nothing moves', () => {
    const totals = createTotals();
    for (const name of ['one', 'two']) totals.add(announced(name, 10_000), 0);
    for (let second = 0; second <= 100; second++)
      totals.add(moved('one', second < 50 ? second * 100 : 5000), second * 1000);

    expect(totals.read(100_000)).toMatchObject({ bytesPerSecond: 0 });
    expect(totals.read(100_000)).not.toHaveProperty('secondsLeft');
  });

  test('never exceed what there is, whatever is reported', () => {
    const event = fc.record({
      subject: fc.constantFrom('one', 'two'),
      stage: fc.constantFrom('transfer', 'verify', 'done', 'failed'),
      doneBytes: fc.nat(200),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const totals = createTotals();
        for (const name of ['one', 'two']) totals.add(announced(name, 100), 0);
        for (const [index, each] of events.entries()) totals.add(each, index * 300);

        const { doneBytes = 0, totalBytes = 0, bytesPerSecond = 0 } = totals.read(events.length * 300) ?? {};
        expect(doneBytes).toBeLessThanOrEqual(totalBytes);
        expect(bytesPerSecond).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

test.each([
  [0.2, '1 s'],
  [59.5, '1 min 0 s'],
  [84, '1 min 24 s'],
  [7500, '2 h 5 min'],
])('%d seconds are shown as %s', (seconds, text) => {
  expect(formatTimeLeft(seconds)).toBe(text);
});

test('the text leaves out what is not known', () => {
  const totals = { doneBytes: 4 * mebibyte, totalBytes: 12 * mebibyte, donePieces: 3, pieces: 17 };

  expect(totalsText(totals)).toBe('3 of 17 done, 4.0 MiB of 12.0 MiB');
  expect(totalsText({ ...totals, bytesPerSecond: mebibyte, secondsLeft: 8 })).toBe(
    '3 of 17 done, 4.0 MiB of 12.0 MiB, 1.0 MiB/s, 8 s left',
  );
});
