// Users and groups by name, as the host's name service knows them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { InputError } from '../../core/errors.js';

const run = promisify(execFile);

/** The number of a user or group, given by name or number. Throws INVALID_INPUT where there is none of that name. */
export async function accountNumber(database: 'passwd' | 'group', name: string, field: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name);
  const { stdout } = await run('getent', [database, '--', name]).catch(() => ({ stdout: '' }));
  const number = Number(stdout.split(':')[2] || Number.NaN);
  const kind = database === 'passwd' ? 'user' : 'group';
  if (!Number.isInteger(number)) throw new InputError(`${field}: there is no ${kind} ${JSON.stringify(name)} on this host`, field);
  return number;
}
