// The outcome of a check: every finding, and what keeps a run from succeeding as its failures.
import type { Outcome } from '../../core/operation.js';
import {
  countFindings,
  describeCounts,
  findingText,
  findingTitle,
  type Finding,
  type FindingResult,
} from '../policy/check-findings.js';

export function checkOutcome(findings: readonly Finding[]): Outcome {
  const counts = countFindings(findings);
  const lines = (result: FindingResult): string[] =>
    findings
      .filter((finding) => finding.result === result)
      .map((finding) => `${findingTitle(finding)}: ${findingText(finding)}`);
  return {
    changed: false,
    message: describeCounts(counts),
    values: { findings, counts },
    failures: lines('failed'),
    warnings: lines('warning'),
    differences: [],
    table: {
      columns: ['result', 'check', 'finding'],
      rows: findings.map((finding) => [finding.result, findingTitle(finding), findingText(finding)]),
    },
    reportsInTable: true,
  };
}
