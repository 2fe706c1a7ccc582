// The very end of a process, which no thread may hold up: Node.js waits at its exit for threads that resolve a name or read from a disk.
import { spawn } from 'node:child_process';
import { messageOf, OperationError } from '../core/errors.js';

/** What keeps a thread busy, as process.getActiveResourcesInfo() names it. */
const threadWork: ReadonlySet<string> = new Set([
  'FSReqCallback',
  'FSReqPromise',
  'FileHandleCloseReq',
  'GetAddrInfoReqWrap',
  'GetNameInfoReqWrap',
]);
/** A resolver with one name server gives up after ten by default. */
const longestSeconds = 12;

/** The result of a run that nobody could be told. */
export function outputLost(cause: unknown): OperationError {
  return new OperationError('OUTPUT_LOST', `the result could not be written (${messageOf(cause)})`, {}, cause);
}

/**
 * To be called right before process.exit(). Where a thread is still busy the signal that ended the run ends the process too, after some
 * seconds: a shell sees the same code (143 for SIGTERM).
 */
export function limitExit(reason: unknown): void {
  // Absent from the types of Node.js 18, which has it since 17.3.
  const { getActiveResourcesInfo } = process as unknown as { getActiveResourcesInfo(): readonly string[] };
  if (!getActiveResourcesInfo().some((resource) => threadWork.has(resource))) return;
  const signal = String((reason as Partial<OperationError> | undefined)?.facts?.signal ?? 'SIGTERM') as NodeJS.Signals;
  // Its default action again, for which nothing of this process needs to run.
  process.removeAllListeners(signal);
  const command = `sleep ${longestSeconds}; kill -s ${signal.replace(/^SIG/, '')} ${process.pid}`;
  spawn('/bin/sh', ['-c', command], { detached: true, stdio: 'ignore' })
    .on('error', () => undefined)
    .unref();
}
