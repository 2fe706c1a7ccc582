// What is a failure, what a warning, and what does not concern the runs that are checked.
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import {
  checkedRuns,
  countFindings,
  describeCounts,
  findingText,
  findingTitle,
  judgeObservations,
  runsToCheck,
  type CheckedRun,
  type Observation,
} from '../../../modules/images/policy/check-findings.js';

const observed = (fails: readonly CheckedRun[]): Observation => ({ check: 'a', text: 'b', fault: { fails } });

describe('a fault', () => {
  test.each([
    ['of a nightly run', undefined, ['deploy'], ['failed']],
    ['of a test, which does not run every night', undefined, ['ipa_test'], ['warning']],
    ['of a test and a nightly run', undefined, ['clean', 'ipa_test'], ['failed']],
    ['of a test that is asked for', ['ipa_test'], ['ipa_test'], ['failed']],
    ['of a run that is not asked for', ['deploy'], ['clean'], []],
    ['of one that is and one that is not', ['deploy'], ['clean', 'deploy'], ['failed']],
    ['of no run', ['deploy'], [], ['warning']],
  ] as const)('%s', (_, named, fails, expected) => {
    expect(judgeObservations([observed(fails)], runsToCheck(named)).map(({ result }) => result)).toEqual(expected);
  });

  test('names only the checked runs that fail', () => {
    const [finding] = judgeObservations([observed(['clean', 'deploy'])], runsToCheck(['deploy']));

    expect(finding).toEqual({ result: 'failed', check: 'a', text: 'b', fails: ['deploy'] });
  });
});

test('no observation without a fault is ever lost, and none without a run is a failure', () => {
  const runs = fc.subarray([...checkedRuns]);
  const observation = fc.record({ text: fc.string(), fails: fc.option(runs) });
  fc.assert(
    fc.property(fc.array(observation), fc.option(runs, { nil: undefined }), (all, named) => {
      const observations = all.map(({ text, fails }) => ({ check: 'x', text, ...(fails ? { fault: { fails } } : {}) }));

      const findings = judgeObservations(observations, runsToCheck(named));

      expect(findings.filter(({ result }) => result === 'ok')).toHaveLength(all.filter(({ fails }) => !fails).length);
      expect(findings.filter(({ result, fails }) => result === 'failed' && !fails)).toEqual([]);
    }),
  );
});

test.each([
  [[], ''],
  [['ok'], '1 ok'],
  [['warning', 'ok', 'failed', 'ok', 'warning'], '1 failed, 2 warnings, 2 ok'],
  [['warning'], '1 warning'],
] as const)('%j are counted as "%s"', (results, text) => {
  const findings = results.map((result) => ({ result, check: 'a', text: 'b' }));

  expect(describeCounts(countFindings(findings))).toBe(text);
});

test('a line tells what it is about, and what to do', () => {
  expect(findingTitle({ check: 'object', subject: 'CC-X' })).toBe('object CC-X');
  expect(findingText({ text: 'it is gone', advice: 'report it' })).toBe('it is gone; report it');
  expect(findingText({ text: 'all is well' })).toBe('all is well');
});
