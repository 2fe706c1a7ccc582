// Users and groups in the host's name service, and which of them can change a file.
import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The number of a user or group, given by name or number; undefined if there is none of that name.
 */
export async function accountNumber(database: 'passwd' | 'group', name: string): Promise<number | undefined> {
  if (/^\d+$/.test(name)) return Number(name);
  const { stdout } = await run('getent', [database, '--', name]).catch(() => ({ stdout: '' }));
  const number = Number(stdout.split(':')[2] || Number.NaN);
  return Number.isInteger(number) ? number : undefined;
}

/** True for root and for this user. */
export function isTrustedUser(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** True if only root and this user can have created what is in it. */
export function isPrivate({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean {
  return isTrustedUser(uid) && (mode & 0o022) === 0;
}

/**
 * True if nobody else can remove or replace our files in it; that includes a sticky directory such
 * as /tmp.
 */
export function isClosed({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean {
  return isTrustedUser(uid) && ((mode & 0o022) === 0 || (mode & 0o1000) !== 0);
}
