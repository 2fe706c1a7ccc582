import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { watchInterruptions, type Interruption } from '../../modules/core/interruption.js';

let source: EventEmitter;
let interruption: Interruption;

beforeEach(() => {
  jest.useFakeTimers();
  source = new EventEmitter();
  interruption = watchInterruptions({ source, deadlineSeconds: 100, graceSeconds: 10 });
});

afterEach(() => {
  interruption.release();
  jest.useRealTimers();
});

const never = (): Promise<never> => new Promise(() => undefined);

describe('an interruption', () => {
  test('by a signal aborts with the error to report', () => {
    source.emit('SIGTERM');

    expect(interruption.signal.reason).toMatchObject({ code: 'INTERRUPTED', facts: { signal: 'SIGTERM' } });
  });

  test('by the deadline aborts with another', async () => {
    await jest.advanceTimersByTimeAsync(100_000);

    expect(interruption.signal.reason).toMatchObject({ code: 'DEADLINE' });
  });

  test('gives the work ten seconds to end by itself', async () => {
    const bound = interruption.bound(new Promise((resolve) => setTimeout(() => resolve('put in order'), 9_000)));
    source.emit('SIGINT');
    await jest.advanceTimersByTimeAsync(9_500);

    expect(await bound).toBe('put in order');
  });

  test('ends work that does not listen after that', async () => {
    const bound = expect(interruption.bound(never())).rejects.toMatchObject({ code: 'INTERRUPTED' });
    source.emit('SIGHUP');
    await jest.advanceTimersByTimeAsync(10_000);

    await bound;
  });

  test('that is repeated ends it immediately', async () => {
    source.emit('SIGINT');
    source.emit('SIGINT');

    await expect(interruption.bound(never())).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

test('no signal is caught once it is released', () => {
  interruption.release();

  expect(source.eventNames()).toEqual([]);
});
