// Lines for standard error: with the priority that the journal of systemd reads, and with the id of
// the run.
import { randomBytes } from 'node:crypto';
import { fstatSync } from 'node:fs';
import type { Environment } from '../core/operation.js';

/** As in syslog(3); systemd reads `<3>` at the beginning of a line and removes it. */
const priorities = { failure: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;
export type LinePriority = keyof typeof priorities;

/** Completes each line of a text. */
export type LineFormat = (text: string, priority: LinePriority) => string;

export interface LineOptions {
  /** Whether what is written is read by the journal. */
  readonly isJournal: boolean;
  /** Shown at the beginning of each line, if given. */
  readonly runId?: string | undefined;
}

/** How the lines of a run begin. */
export function lineFormat({ isJournal, runId }: LineOptions): LineFormat {
  return (text, priority) => {
    const begin = `${isJournal ? `<${priorities[priority]}>` : ''}${runId === undefined ? '' : `[${runId}] `}`;
    return begin === '' ? text : text.replace(/^(?=.)/gm, begin);
  };
}

/** The variable with which a container is told which of its pipes the journal reads: `2`, or `1,2`. */
const journalVariable = 'CHAMELEON_IMAGE_TOOLS_JOURNAL';

/**
 * Whether the journal reads the stream. systemd names device and inode of what it has connected;
 * a program that is started with another standard error inherits the variable, but not these.
 */
export function leadsToJournal(descriptor: number, environment: Environment): boolean {
  const told = environment[journalVariable];
  if (told) return told.split(',').includes(String(descriptor));
  const stream = environment.JOURNAL_STREAM;
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

const idDigits = 8;

/** That of systemd's invocation, by which journalctl finds all its lines; else a random one. */
export function chooseRunId(environment: Environment, isJournal: boolean): string {
  const invocation = environment.INVOCATION_ID ?? '';
  if (isJournal && /^[0-9a-f]{32}$/.test(invocation)) return invocation.slice(0, idDigits);
  return randomBytes(idDigits / 2).toString('hex');
}
