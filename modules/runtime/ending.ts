// Makes sure that a process ends: on exit, Node.js waits for threads that resolve a name or read
// from a disk.
import { spawn } from 'node:child_process';
import { messageOf, OperationError } from '../core/errors.js';
import { caughtSignals } from '../core/interruption.js';

/** The work that keeps a thread busy, as named by process.getActiveResourcesInfo(). */
const threadWork: ReadonlySet<string> = new Set([
  'FSReqCallback',
  'FSReqPromise',
  'FileHandleCloseReq',
  'GetAddrInfoReqWrap',
  'GetNameInfoReqWrap',
]);
/** By default, a resolver with one name server gives up after ten seconds. */
const longestSeconds = 12;
const longestUninterruptedSeconds = 60;

/** The error of a run whose result could not be written. */
export function outputLostError(cause: unknown): OperationError {
  return new OperationError('OUTPUT_LOST', `the result could not be written (${messageOf(cause)})`, {}, cause);
}

/**
 * To be called right before process.exit(). If a thread is still busy, the process is killed after
 * some seconds by the signal that ended the run, so that a shell sees the same exit code (143 for
 * SIGTERM). A run that nothing ended gets more time, since its exit code would be lost.
 */
export function limitExit(reason: unknown): void {
  // Missing in the types of Node.js 18, although it was added in 17.3.
  const { getActiveResourcesInfo } = process as unknown as { getActiveResourcesInfo(): readonly string[] };
  if (!getActiveResourcesInfo().some((resource) => threadWork.has(resource))) return;
  const { signal: given } = reason instanceof OperationError ? reason.facts : {};
  const signal = caughtSignals.find((name) => name === given) ?? 'SIGTERM';
  // Restores the default action, which works even if this process no longer runs code.
  process.removeAllListeners(signal);
  const seconds = reason === undefined ? longestUninterruptedSeconds : longestSeconds;
  const pid = String(process.pid);
  // Not a later process with the same number.
  const wait = `for i in $(seq ${seconds}); do sleep 1; kill -0 ${pid} || exit; done`;
  const command = `${wait}; kill -s ${signal.replace(/^SIG/, '')} ${pid}`;
  spawn('/bin/sh', ['-c', command], { detached: true, stdio: 'ignore' })
    .on('error', () => undefined)
    .unref();
}
