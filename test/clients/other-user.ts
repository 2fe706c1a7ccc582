// What another user of this host does: the tests run as root, and this is nobody.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export const nobody = 65534;

/** Runs a shell command as nobody, and gives what it says. Throws where it fails. */
export function asNobody(command: string): string {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-ec', command], {
    uid: nobody,
    gid: nobody,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`nobody could not ${command}: ${stderr}`);
  return stdout;
}

export interface Holder {
  release(): Promise<void>;
}

/**
 * Locks a file as flock(1) does, as nobody unless told otherwise, until it is released. Throws
 * where it cannot be locked.
 */
export async function holdAs(path: string, uid = nobody): Promise<Holder> {
  const child: ChildProcess = spawn('flock', ['--nonblock', path, 'sh', '-c', 'echo held; exec cat'], {
    uid,
    gid: uid,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [first] = (await Promise.race([once(child.stdout!, 'data'), once(child, 'close')])) as [unknown];
  if (!Buffer.isBuffer(first)) throw new Error(`${path} could not be locked`);
  return {
    release: async () => {
      const closed = once(child, 'close');
      child.stdin!.end();
      await closed;
    },
  };
}
