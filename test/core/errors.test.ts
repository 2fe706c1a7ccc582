// Which failures are faults of the program, and what becomes of them.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { failureOfPart, isProgramFault, OperationError, rethrowProgramFault } from '../../modules/core/errors.js';
import { reconcileNode } from '../../modules/nodes/reconcile.js';
import type { NodeRun } from '../../modules/nodes/run.js';

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('a fault of the program', () => {
  test.each<[string, unknown, boolean]>([
    ['a TypeError', thrownBy(() => (undefined as unknown as { a: string }).a), true],
    ['a TypeError of Node.js, which has a code', thrownBy(() => readFileSync({} as never)), true],
    ['an Error without a code', new Error('x'), true],
    ['a text', 'x', true],
    ['undefined', undefined, true],
    ['an error of ours', new OperationError('X', 'x'), false],
    ['an error of the host', thrownBy(() => readFileSync('/no/such/file')), false],
    ['an abortion', Object.assign(new Error('x'), { name: 'AbortError' }), false],
  ])('is %s: %#', (_, error, expected) => {
    expect(isProgramFault(error)).toBe(expected);
    if (expected) expect(thrownBy(() => void rethrowProgramFault(error))).toBe(error);
    else expect(() => rethrowProgramFault(error)).not.toThrow();
  });

  test('in one part of a run is reported as one, with its stack at debug level', () => {
    const log: string[] = [];

    expect(
      failureOfPart(new TypeError('x is no function'), (level, text) => void log.push(`${level}: ${text}`)),
    ).toEqual({
      code: 'INTERNAL_ERROR',
      reason: 'this is a fault of the program, please report it: x is no function',
      facts: {},
    });
    expect(log).toEqual([expect.stringMatching(/^debug: TypeError: x is no function\n\s+at .*errors\.test/)]);
    expect(failureOfPart(new OperationError('X', 'x'), () => log.push(''))).toEqual({
      code: 'X',
      reason: 'x',
      facts: {},
    });
    expect(log).toHaveLength(1);
  });

  test('in the work on one node keeps its stack', async () => {
    const log: string[] = [];
    const find = (): never => (undefined as unknown as { a: () => never }).a();
    const run = {
      existing: { find },
      context: { log: (level: string, text: string) => void log.push(`${level}: ${text}`) },
    } as unknown as NodeRun;

    expect(await reconcileNode(run, { attributes: { name: 'n1' }, mappings: {}, ignored: [] })).toMatchObject({
      action: 'failed',
      code: 'INTERNAL_ERROR',
      reason: expect.stringContaining('fault of the program'),
    });
    expect(log).toEqual([expect.stringMatching(/^debug: TypeError[^]*at \S*find/)]);
  });
});
