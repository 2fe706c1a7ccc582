// The cache as root, in folders where another user decides what each name means.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { asNobody, holdAs, nobody } from '../clients/other-user.js';
import { temporaryFolder, type TemporaryFolder } from '../clients/temporary-folder.js';
import { may, startCacheSite, type CacheSite, type FileResult } from './cache-site.js';

let site: CacheSite;
let temporary: TemporaryFolder;
/** What only root may see, and nothing may happen to. */
let secret: string;
/** A folder of nobody's. */
let theirs: string;

beforeAll(async () => void (site = await startCacheSite()));
afterAll(() => site.close());

beforeEach(() => {
  temporary?.remove();
  temporary = temporaryFolder();
  chmodSync(temporary.path, 0o755);
  secret = join(temporary.path, 'secret');
  theirs = join(temporary.path, 'theirs');
  temporary.write('secret/shadow', 'root:hash');
  temporary.write('secret/files/kernel', 'precious');
  for (const folder of [secret, join(secret, 'files')]) chmodSync(folder, 0o700);
  mkdirSync(theirs);
  chownSync(theirs, nobody, nobody);
  site.files.set('/file', { body: Buffer.from('the image'), lastModified: may });
  site.files.set('/kernel', { body: Buffer.from('the kernel'), lastModified: may });
  site.files.set('/ramdisk', { body: Buffer.from('the ramdisk'), lastModified: may });
});

/** Everything that is below a folder, with what may not change of it. */
function stateOf(folder: string): unknown[] {
  return (readdirSync(folder, { recursive: true }) as string[]).sort().map((name) => {
    const { mode, uid, gid, size, mtimeMs, ino } = lstatSync(join(folder, name));
    return { name, mode, uid, gid, size, mtimeMs, ino };
  });
}

const inTheirs = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  files: [{ url: `${site.url}/file`, dest: join(theirs, 'copy'), mode: '0666', owner: 'nobody', ...more }],
});
const setInTheirs = (): Record<string, unknown> => ({
  sets: [
    {
      name: 'ipa',
      dest: theirs,
      mode: '0666',
      owner: 'nobody',
      kernel: { url: `${site.url}/kernel` },
      ramdisk: { url: `${site.url}/ramdisk` },
    },
  ],
});

/** Runs it to its end, whichever it is: what failed, and how. */
async function codesOf(args: Record<string, unknown>): Promise<string[]> {
  try {
    const { values } = await site.run({ ...args, lock_timeout: 0 });
    return [...((values.files ?? []) as FileResult[]), ...((values.sets ?? []) as FileResult[])].flatMap(({ code }) =>
      typeof code === 'string' ? [code] : [],
    );
  } catch (error) {
    return [String((error as { code?: string }).code)];
  }
}

const filePlaces = [
  '',
  '/lock',
  '/files',
  '/files/copy.json',
  '/files/copy.json.draft',
  '/files/copy.part',
  '/files/copy.part.json',
  '/files/copy.part.json.draft',
];
const setPlaces = [
  '',
  '/lock',
  '/sets',
  '/sets/ipa',
  '/sets/ipa/incoming',
  '/sets/ipa/incoming/kernel.part',
  '/sets/ipa/incoming/kernel.part.json',
  '/sets/ipa/building',
  '/sets/ipa/link',
];
const places = [
  ...filePlaces.map((place) => ['a file', place] as const),
  ...setPlaces.map((place) => ['a set', place] as const),
];

const traps: readonly (readonly [string, (path: string) => void])[] = [
  ['a link to a file', (path) => asNobody(`ln -s ${secret}/shadow ${path}`)],
  ['a link to a folder', (path) => asNobody(`ln -s ${secret} ${path}`)],
  ['a link to nothing', (path) => asNobody(`ln -s ${secret}/new ${path}`)],
  ['a pipe', (path) => asNobody(`mkfifo ${path}`)],
  ['a file', (path) => asNobody(`echo planted >${path}`)],
  ['a folder', (path) => asNobody(`mkdir ${path}`)],
  ['a hard link', (path) => linkSync(join(secret, 'shadow'), path)],
];

describe.each(places)('of %s, in the place of .image_cache%s', (kind, place) => {
  test.each(traps)('%s of another user brings nothing of root into danger', async (_, trap) => {
    const path = join(theirs, `.image_cache${place}`);
    asNobody(`mkdir -p ${dirname(path)}`);
    trap(path);
    const before = stateOf(secret);

    const codes = await codesOf(kind === 'a file' ? inTheirs() : setInTheirs());

    expect(codes).toEqual(['UNSAFE_PATH']);
    expect(stateOf(secret)).toEqual(before);
    expect(readFileSync(join(secret, 'shadow'), 'utf8')).toBe('root:hash');
  });

  test.each(traps.filter(([name]) => ['a link to a folder', 'a file', 'a folder'].includes(name)))(
    '%s of another user in a tree of root is met with care too',
    async (_, trap) => {
      const path = join(theirs, `.image_cache${place}`);
      mkdirSync(dirname(path), { recursive: true });
      if (place !== '') chmodSync(dirname(path), 0o777);
      trap(path);
      for (let folder = dirname(path); folder.includes('.image_cache'); folder = dirname(folder))
        chmodSync(folder, 0o755);
      const before = stateOf(secret);

      const codes = await codesOf(kind === 'a file' ? inTheirs() : setInTheirs());

      expect(codes.filter((code) => code !== 'UNSAFE_PATH')).toEqual([]);
      expect(stateOf(secret)).toEqual(before);
    },
  );
});

describe('where the copy is to be', () => {
  test('a link is left alone', async () => {
    asNobody(`ln -s ${secret}/shadow ${theirs}/copy`);
    const before = stateOf(secret);

    expect(await codesOf(inTheirs())).toEqual(['CACHE_PATH_TAKEN']);
    expect(stateOf(secret)).toEqual(before);
  });

  test("a file of root's that was moved there is replaced, and not given away", async () => {
    temporary.write('theirs/old-secret', 'root:hash');
    linkSync(join(theirs, 'old-secret'), join(secret, 'same'));
    asNobody(`mv ${theirs}/old-secret ${theirs}/copy`);

    const [file] = (await site.run(inTheirs())).values.files as FileResult[];

    expect(file).toMatchObject({
      action: 'fetch',
      detail: expect.stringContaining('other users may write to its folder'),
    });
    expect(statSync(join(secret, 'same'))).toMatchObject({ uid: 0 });
    expect(statSync(join(secret, 'same')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(theirs, 'copy'), 'utf8')).toBe('the image');
  });

  test('even one with the same bytes is not changed in its place', async () => {
    temporary.write('theirs/copy', 'the image');
    linkSync(join(theirs, 'copy'), join(secret, 'same'));

    await site.run(inTheirs());

    expect(statSync(join(secret, 'same')).mode & 0o777).toBe(0o600);
    expect(statSync(join(theirs, 'copy')).uid).toBe(nobody);
  });
});

describe('on the path', () => {
  test('a link of another user is refused by name', async () => {
    asNobody(`ln -s ${secret} ${theirs}/way`);
    const before = stateOf(secret);

    await expect(
      site.run({ files: [{ url: `${site.url}/file`, dest: join(theirs, 'way/copy') }] }),
    ).rejects.toMatchObject({
      code: 'UNSAFE_PATH',
      message: expect.stringContaining(`${theirs}/way is a symbolic link of user 65534`),
    });
    expect(stateOf(secret)).toEqual(before);
  });

  test("so is a link of root's that another user can move", async () => {
    symlinkSync(secret, join(theirs, 'way'));

    await expect(
      site.run({ files: [{ url: `${site.url}/file`, dest: join(theirs, 'way/copy') }] }),
    ).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
  });

  test("a link of root's in a folder of root's leads to the copy", async () => {
    mkdirSync(join(temporary.path, 'disk'));
    symlinkSync('disk', join(temporary.path, 'images'));

    expect(
      await codesOf({ files: [{ url: `${site.url}/file`, dest: join(temporary.path, 'images/new/copy') }] }),
    ).toEqual([]);
    expect(readFileSync(join(temporary.path, 'disk/new/copy'), 'utf8')).toBe('the image');
  });
});

describe('a folder of another user with nothing hostile in it', () => {
  test.each([
    ['a file', () => inTheirs()],
    ['a set', () => setInTheirs()],
  ] as const)('has %s as before, with the owner that was asked for, and fresh ever after', async (_, args) => {
    const first: Outcome = await site.run(args());
    const second: Outcome = await site.run(args());

    expect([first.failures, second.failures]).toEqual([[], []]);
    expect([first.changed, second.changed]).toEqual([true, false]);
    for (const name of ['copy', 'ipa/kernel', 'ipa/ramdisk'])
      if (existsSync(join(theirs, name))) expect(statSync(join(theirs, name))).toMatchObject({ uid: nobody });
    expect(statSync(join(theirs, '.image_cache'))).toMatchObject({ uid: 0 });
  });

  test('has a lock that its owner cannot hold', async () => {
    await site.run(inTheirs());

    await expect(holdAs(join(theirs, '.image_cache/lock'))).rejects.toThrow('could not be locked');
  });

  test('whose .image_cache was replaced meanwhile is refused', async () => {
    await site.run(inTheirs());
    asNobody(
      `cd ${theirs} && mv .image_cache away && mkdir -p .image_cache/files && ln -s ${secret}/shadow ` +
        '.image_cache/files/copy.part',
    );
    const before = stateOf(secret);

    expect(await codesOf(inTheirs({ checksum: 'f'.repeat(64) }))).toEqual(['UNSAFE_PATH']);
    expect(stateOf(secret)).toEqual(before);
  });

  test('is emptied without following what was planted', async () => {
    await site.run(setInTheirs());
    const sets = join(theirs, '.image_cache/sets');
    renameSync(join(sets, 'ipa'), join(temporary.path, 'ipa'));
    rmSync(join(theirs, 'ipa'));
    symlinkSync(secret, join(sets, 'ipa'));
    const before = stateOf(secret);

    await site.run({ sets: [{ name: 'ipa', dest: theirs }], state: 'absent' }).catch(() => undefined);

    expect(stateOf(secret)).toEqual(before);
  });
});

test('a pipe as a source is refused without waiting for it', async () => {
  const pipe = join(temporary.path, 'pipe');
  spawnSync('mkfifo', [pipe]);

  expect(
    await codesOf({ files: [{ url: `file://${pipe}`, dest: join(theirs, 'copy') }], allowed_paths: [temporary.path] }),
  ).toEqual(['FILE_REFUSED']);
});
