// Takes a lock as the user that runs it, and says which file it has open.
import { readdirSync, readlinkSync } from 'node:fs';
import { takeRunLock } from '../../modules/runtime/run-lock.js';
import { lockContext } from './lock-context.js';

const [, , cloud = ''] = process.argv;
const lock = await takeRunLock({
  directory: undefined,
  operation: 'test',
  cloud,
  context: lockContext({ environment: process.env }),
});
const open = readdirSync('/proc/self/fd').flatMap((name) => {
  try {
    return [readlinkSync(`/proc/self/fd/${name}`)];
  } catch {
    return [];
  }
});
process.stdout.write(
  JSON.stringify({ path: open.find((path) => path.endsWith('.lock') && !path.startsWith('/run/lock/')) }),
);
await lock.release();
