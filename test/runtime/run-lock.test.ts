// The lock of a run, where other users of the host would hold, block or replace it.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { peekRunLock, takeRunLock, type RunLock, type RunLockOptions } from '../../modules/runtime/run-lock.js';
import { asNobody, holdAs, nobody } from '../clients/other-user.js';
import { temporaryFolder, type TemporaryFolder } from '../clients/temporary-folder.js';
import { lockContext } from './lock-context.js';

let temporary: TemporaryFolder;
let cloud: string;
/** Where a run with that folder has its lock. */
let path: string;
let former: string;

beforeEach(async () => {
  temporary = temporaryFolder();
  chmodSync(temporary.path, 0o755);
  cloud = randomUUID();
  const { lock, path: found } = await pathOf(temporary.path);
  await lock.release();
  path = found;
  former = join('/run/lock', basename(path));
  rmSync(path);
});

afterEach(() => {
  temporary.remove();
  for (const folder of ['/run/lock', '/run/chameleon_image_tools'])
    rmSync(join(folder, basename(path)), { force: true });
});

const options = (directory: string | undefined, more: Partial<RunLockOptions> = {}): RunLockOptions => ({
  operation: 'test',
  cloud,
  context: lockContext(),
  ...more,
  directory,
});
const take = (directory: string | undefined, more: Partial<RunLockOptions> = {}): Promise<RunLock> =>
  takeRunLock(options(directory, more));

/** The lock, and the file that it made in the folder. */
async function pathOf(folder: string): Promise<{ lock: RunLock; path: string }> {
  const lock = await take(folder);
  const { stdout } = spawnSync('ls', [folder], { encoding: 'utf8' });
  return { lock, path: join(folder, stdout.trim()) };
}

async function expectTaken(lock: Promise<RunLock>): Promise<void> {
  await (await lock).release();
}

describe('a folder that the operator names', () => {
  test('has a lock that excludes other runs, and that no other user can open', async () => {
    const lock = await take(temporary.path);

    await expect(take(temporary.path)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS', facts: { lock: path } });
    await expect(holdAs(path)).rejects.toThrow('could not be locked');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await lock.release();
    await expectTaken(take(temporary.path));
  });

  test('excludes a run of an earlier version, and closes its file to others', async () => {
    writeFileSync(path, '', { mode: 0o644 });
    const holder = await holdAs(path, 0);

    await expect(take(temporary.path)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    await holder.release();
    await expectTaken(take(temporary.path));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['a pipe', (place: string) => spawnSync('mkfifo', [place]), 'is a pipe'],
    ['a link', (place: string) => symlinkSync('/etc/hostname', place), 'is a symbolic link'],
    ['a link to nothing', (place: string) => symlinkSync('/nonexistent', place), 'is a symbolic link'],
    ['a folder', (place: string) => mkdirSync(place), 'is a directory'],
    ['a device', (place: string) => spawnSync('mknod', [place, 'c', '1', '7']), 'is a device'],
    [
      'a file of another user',
      (place: string) => (writeFileSync(place, ''), chownSync(place, nobody, nobody)),
      'belongs to user 65534',
    ],
    ['a hard link', (place: string) => spawnSync('ln', [temporary.write('other', ''), place]), 'has another name'],
  ])('with %s in its place is refused by name', async (_, make, reason) => {
    make(path);
    const before = statSync(path, { throwIfNoEntry: false });

    await expect(take(temporary.path)).rejects.toMatchObject({
      code: 'UNSAFE_PATH',
      message: expect.stringContaining(`${path} ${reason}`),
    });
    expect(statSync(path, { throwIfNoEntry: false })).toEqual(before);
  });

  test('may belong to the user of a service, who can then also take a lock that root created', async () => {
    chownSync(temporary.path, nobody, nobody);

    await expectTaken(take(temporary.path));
    await expectTaken(take(temporary.path));
    const holder = await holdAs(path);
    await expect(take(temporary.path)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    await holder.release();
  });

  test('is not reached through a link of another user', async () => {
    chmodSync(temporary.path, 0o777);
    asNobody(`ln -s /etc ${temporary.path}/locks`);

    await expect(take(join(temporary.path, 'locks'))).rejects.toMatchObject({
      code: 'UNSAFE_PATH',
      message: expect.stringContaining('locks is a symbolic link of user 65534'),
    });
    expect(existsSync(join('/etc', basename(path)))).toBe(false);
  });

  test.each(['relative', 'absolute'])("is reached through a link of root's that is %s", async (kind) => {
    mkdirSync(join(temporary.path, 'real'));
    symlinkSync(kind === 'relative' ? 'real' : join(temporary.path, 'real'), join(temporary.path, 'locks'));

    await expectTaken(take(join(temporary.path, 'locks')));
    expect(existsSync(join(temporary.path, 'real', basename(path)))).toBe(true);
  });

  test.each([
    ['/nonexistent/locks', 'there is no such directory'],
    ['/etc/hostname', 'is not a directory'],
  ])('that is none, %s, is a fault of the option', async (folder, reason) => {
    await expect(take(folder)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'lock_dir',
      message: expect.stringContaining(reason),
    });
  });

  test('is no longer waited for once the run is interrupted', async () => {
    const controller = new AbortController();
    controller.abort(new Error('interrupted'));

    await expect(take(temporary.path, { context: lockContext({ signal: controller.signal }) })).rejects.toThrow(
      'interrupted',
    );
  });
});

describe('a look at the lock', () => {
  test('leaves the folder as it is, and tells the fingerprint of the next run', async () => {
    const { fingerprint } = await peekRunLock(options(temporary.path));

    expect(readdirSync(temporary.path)).toEqual([]);
    const lock = await take(temporary.path);
    expect(lock.fingerprint).toBe(fingerprint);
    expect((await peekRunLock(options(temporary.path))).fingerprint).toBe('');
    await lock.release();
    expect((await peekRunLock(options(temporary.path))).fingerprint).toBe(fingerprint);
  });

  test('never keeps a run from its lock', async () => {
    await expectTaken(take(temporary.path));
    const looks = Array.from({ length: 20 }, () => peekRunLock(options(temporary.path)));

    for (let count = 0; count < 5; count++) await expectTaken(take(temporary.path));
    await Promise.all(looks);
  });

  test('leaves the mode and the owner of the file as they are', async () => {
    writeFileSync(path, '', { mode: 0o644 });
    chownSync(temporary.path, nobody, nobody);
    const before = statSync(path);

    await peekRunLock(options(temporary.path));

    expect(statSync(path)).toMatchObject({ mode: before.mode, uid: before.uid, ctimeMs: before.ctimeMs });
  });

  test('tells the fingerprint of the default folder, also before it exists', async () => {
    const before = (await peekRunLock(options(undefined))).fingerprint;
    const lock = await take(undefined);

    expect(before).toBe(lock.fingerprint);
    await lock.release();
  });
});

describe('the default folder', () => {
  test("is root's, and others cannot write to it", async () => {
    const lock = await take(undefined);

    expect(statSync('/run/chameleon_image_tools')).toMatchObject({ uid: 0 });
    expect(statSync('/run/chameleon_image_tools').mode & 0o022).toBe(0);
    await expect(take(undefined)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    await lock.release();
    await expectTaken(take(undefined));
  });

  test('also takes the lock of earlier versions, and respects it', async () => {
    const lock = await take(undefined);
    await expect(holdAs(former, 0)).rejects.toThrow('could not be locked');
    await lock.release();
    const holder = await holdAs(former, 0);

    await expect(take(undefined)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    expect((await peekRunLock(options(undefined))).fingerprint).toBe('');
    await holder.release();
    await expectTaken(take(undefined));
  });

  test('has the fingerprint of earlier versions while it holds their lock', async () => {
    const [mine, theirs] = [await take(undefined), await take(temporary.path)];

    expect(mine.fingerprint).not.toBe(theirs.fingerprint);
    await mine.release();
    asNobody(`umask 0; : >${former}.other`);
    rmSync(former);
    rmSync(`${former}.other`);
    const again = await take(undefined);
    expect(again.fingerprint).toBe(mine.fingerprint);
    await Promise.all([again.release(), theirs.release()]);
  });

  test.each([
    ['makes a file there', () => asNobody(`: >${former}`)],
    ['makes a pipe there', () => asNobody(`mkfifo ${former}`)],
    ['makes a link there', () => asNobody(`ln -s /etc/hostname ${former}`)],
  ])('is not blocked by another user who %s', async (_, block) => {
    block();
    const log: string[] = [];

    const lock = await take(undefined, {
      context: lockContext({ log: (level, text) => void log.push(`${level}: ${text}`) }),
    });

    expect(log).toEqual([`info: ${former} is not taken: another user created it, or holds it`]);
    await expect(take(undefined)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    await lock.release();
  });

  test('is not blocked by another user who holds the lock that root made', async () => {
    writeFileSync(former, '', { mode: 0o644 });
    const holder = await holdAs(former);

    await expectTaken(take(undefined));
    await holder.release();
    await expect(holdAs(former)).rejects.toThrow('could not be locked');
  });
});

describe('a user other than root', () => {
  const script = join(process.cwd(), 'build/test/runtime/take-lock.js');
  const takeAs = (environment: Record<string, string>): { code: string; path: string } => {
    const { stdout, stderr } = spawnSync(process.execPath, [script, cloud], {
      uid: nobody,
      gid: nobody,
      env: { PATH: process.env.PATH, ...environment },
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as { code: string; path: string };
  };

  test.each(['XDG_RUNTIME_DIR', 'HOME'])('has a lock of its own below %s', (variable) => {
    const own = join(temporary.path, 'own');
    mkdirSync(own, { mode: 0o700 });
    chownSync(own, nobody, nobody);

    expect(takeAs({ HOME: '/nonexistent', [variable]: own }).path).toContain(own);
  });

  test.each([
    ['of root', 0o755],
    ['that all may write to', 0o777],
  ])('takes no folder %s for its own', (_, mode) => {
    const own = join(temporary.path, 'own');
    mkdirSync(own);
    chmodSync(own, mode);

    expect(takeAs({ HOME: '/nonexistent', XDG_RUNTIME_DIR: own }).path).toMatch(
      /^\/tmp\/chameleon_image_tools-65534\//,
    );
    expect(readFileSync('/proc/self/status', 'utf8')).toContain('Uid:\t0');
  });
});
