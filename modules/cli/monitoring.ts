// The end of a run as the line and exit code of a monitoring plugin, as Nagios and its successors
// read them (https://www.monitoring-plugins.org/doc/guidelines.html).
import type { Outcome } from '../core/operation.js';
import { messageOf } from '../core/errors.js';
import { isMapping } from '../core/mapping.js';
import { redactAll } from '../core/redaction.js';
import { printable } from './printable.js';

export const monitoringCodes = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;

type State = keyof typeof monitoringCodes;

export interface Monitored {
  readonly line: string;
  readonly code: number;
}

const service = 'IMAGE TOOLS';
/** Of the texts: agents cut longer lines, some at 1,024 bytes. */
const longest = 800;

/** Failures first, then warnings; numbers of the result as performance data. */
export function monitorOutcome(outcome: Outcome, secrets: readonly string[]): Monitored {
  const { failures, warnings, message, values } = redactAll(outcome, secrets);
  const state = failures.length > 0 ? 'CRITICAL' : warnings.length > 0 ? 'WARNING' : 'OK';
  const counts = isMapping(values.counts) ? Object.entries(values.counts) : [];
  const numbers = counts.map(([name, count]) => `${name}=${Number(count)}`).join(' ');
  return monitored(state, [message, ...failures, ...warnings].join('; '), numbers);
}

/** The run has no result, so that the state of the site is not known. */
export function monitorError(error: unknown, secrets: readonly string[]): Monitored {
  return monitored('UNKNOWN', redactAll(messageOf(error), secrets), '');
}

function monitored(state: State, text: string, numbers: string): Monitored {
  // The bar begins the numbers.
  const plain = printable(text).replaceAll('|', '/');
  const shown = plain.length > longest ? `${plain.slice(0, longest - 1)}…` : plain;
  return {
    line: `${service} ${state} - ${shown}${numbers === '' ? '' : ` | ${numbers}`}\n`,
    code: monitoringCodes[state],
  };
}
