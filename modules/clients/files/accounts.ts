// Users and groups by name, as the host's name service knows them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The number of a user or group, given by name or number; undefined where there is none of that name. */
export async function accountNumber(database: 'passwd' | 'group', name: string): Promise<number | undefined> {
  if (/^\d+$/.test(name)) return Number(name);
  const { stdout } = await run('getent', [database, '--', name]).catch(() => ({ stdout: '' }));
  const number = Number(stdout.split(':')[2] || Number.NaN);
  return Number.isInteger(number) ? number : undefined;
}
