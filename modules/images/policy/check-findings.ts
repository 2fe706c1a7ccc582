// What a check has found, and which of it keeps a run from succeeding.
import { joinCounts } from '../../core/counts.js';

/** The runs that a check looks ahead to. */
export type CheckedRun = 'deploy' | 'clean' | 'ipa_test';

export const checkedRuns: readonly CheckedRun[] = ['deploy', 'clean', 'ipa_test'];

/** Those that a site runs every night. */
const nightlyRuns: readonly CheckedRun[] = ['deploy', 'clean'];

export interface CheckedRuns {
  /** What they need is looked at. */
  readonly all: ReadonlySet<CheckedRun>;
  /** What keeps one of these from succeeding is a failure, else a warning. */
  readonly required: ReadonlySet<CheckedRun>;
}

/** All runs; unless the operator names some, `ipa_test` is not required, since it runs on demand. */
export function runsToCheck(named: readonly CheckedRun[] | undefined): CheckedRuns {
  return { all: new Set(named ?? checkedRuns), required: new Set(named ?? nightlyRuns) };
}

/** Something that was looked at. */
export interface Observation {
  /** The kind of thing, such as `login` or `catalogue`. */
  readonly check: string;
  /** Which one of several, such as the name of an image. */
  readonly subject?: string;
  readonly text: string;
  /** What is wrong with it; absent if nothing is. */
  readonly fault?: {
    /** The runs that will fail because of it; none for something that merely needs attention. */
    readonly fails: readonly CheckedRun[];
    /** What to do, unless the text says so. */
    readonly advice?: string;
    /** Of an error, as listed in modules/README.md. */
    readonly code?: string;
  };
}

export type FindingResult = 'ok' | 'warning' | 'failed';

/** An observation as it is reported. */
export interface Finding {
  readonly result: FindingResult;
  readonly check: string;
  readonly subject?: string;
  readonly text: string;
  readonly advice?: string;
  readonly code?: string;
  /** The runs that will fail because of it. */
  readonly fails?: readonly CheckedRun[];
}

/** The findings about the runs that are checked, in the order of the observations. */
export function judgeObservations(observations: readonly Observation[], runs: CheckedRuns): Finding[] {
  return observations.flatMap(({ fault, ...observed }): Finding[] => {
    if (!fault) return [{ result: 'ok', ...observed }];
    const fails = fault.fails.filter((run) => runs.all.has(run));
    // It concerns other runs only.
    if (fails.length === 0 && fault.fails.length > 0) return [];
    const { advice, code } = fault;
    return [
      {
        result: fails.some((run) => runs.required.has(run)) ? 'failed' : 'warning',
        ...observed,
        ...(advice === undefined ? {} : { advice }),
        ...(code === undefined ? {} : { code }),
        ...(fails.length > 0 ? { fails } : {}),
      },
    ];
  });
}

export type FindingCounts = Readonly<Record<FindingResult, number>>;

export function countFindings(findings: readonly Finding[]): FindingCounts {
  const count = (result: FindingResult): number => findings.filter((finding) => finding.result === result).length;
  return { ok: count('ok'), warning: count('warning'), failed: count('failed') };
}

/** Such as `1 failed, 2 warnings, 14 ok`. */
export function describeCounts({ ok, warning, failed }: FindingCounts): string {
  return joinCounts(
    (
      [
        ['failed', failed],
        [warning === 1 ? 'warning' : 'warnings', warning],
        ['ok', ok],
      ] as const
    ).filter(([, count]) => count > 0),
  );
}

/** The line of a finding: what it is, and what to do. */
export function findingText({ text, advice }: Pick<Finding, 'text' | 'advice'>): string {
  return advice === undefined ? text : `${text}; ${advice}`;
}

/** What a finding is about, such as `object CC-Ubuntu22.04`. */
export function findingTitle({ check, subject }: Pick<Finding, 'check' | 'subject'>): string {
  return subject === undefined ? check : `${check} ${subject}`;
}
