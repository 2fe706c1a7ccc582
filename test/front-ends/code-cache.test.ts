// The compiled code that an executable keeps for its next run.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { executableOf } from '../../scripts/launcher.js';
import { commandLine, run, withFolder, type Ended } from './run.js';

jest.setTimeout(30_000);

/** Of the same length, since V8 takes compiled code for that of every text that is as long. */
const says = (word: 'written' | 'planted'): string =>
  `process.stdout.write([${JSON.stringify(word)}, ...process.argv.slice(2), moduleUrl, require('path').sep].join(' '))`;

interface Home {
  readonly folder: string;
  readonly cache: string;
  /** An executable of its own that has this word in it. */
  write(word: 'written' | 'planted'): string;
  start(program: string, environment?: Readonly<Record<string, string>>, args?: readonly string[]): Promise<Ended>;
  /** The only file in the cache. */
  cached(): string;
}

function inHome(use: (home: Home) => Promise<void>): () => Promise<void> {
  return () =>
    withFolder(async (folder) => {
      const cache = join(folder, '.cache/chameleon_image_tools');
      await use({
        folder,
        cache,
        write: (word) => {
          const program = join(folder, `${word}.mjs`);
          writeFileSync(program, executableOf(says(word), 'command'), { mode: 0o755 });
          return program;
        },
        start: (program, environment = {}, args = ['one', '--two']) =>
          run(program, args, { environment: { HOME: folder, XDG_CACHE_HOME: '', ...environment } }),
        cached: () => {
          const names = readdirSync(cache);
          expect(names).toHaveLength(1);
          return join(cache, String(names[0]));
        },
      });
    });
}

/** Puts the compiled code of a program that says "planted" where that of "written" is, and starts "written". */
async function startPlanted(home: Home, alter: (file: string) => void): Promise<string> {
  const planted = home.write('planted');
  await home.start(planted);
  const code = readFileSync(home.cached());
  rmSync(home.cached());
  const written = home.write('written');
  await home.start(written);
  writeFileSync(home.cached(), code);
  alter(home.cached());
  const { stdout, stderr, code: exitCode } = await home.start(written);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout.split(' ')[0] ?? '';
}

const isRoot = process.geteuid?.() === 0;
const nobody = 65534;

describe('the compiled code of a program', () => {
  test(
    'is kept in the cache folder of the user, for this user alone',
    inHome(async (home) => {
      const program = home.write('written');
      const expected = `written one --two file://${program} /`;

      expect(await home.start(program)).toEqual({ code: 0, stdout: expected, stderr: '' });

      const { ino, mtimeMs, mode } = statSync(home.cached());
      expect(mode & 0o777).toBe(0o600);
      expect(statSync(home.cache).mode & 0o777).toBe(0o700);
      expect(await home.start(program)).toEqual({ code: 0, stdout: expected, stderr: '' });
      expect(statSync(home.cached())).toMatchObject({ ino, mtimeMs });
    }),
  );

  test(
    'is what the next run executes',
    inHome(async (home) => {
      expect(await startPlanted(home, () => undefined)).toBe('planted');
    }),
  );

  test.each<[string, (file: string) => void]>([
    ['whose file others may write', (file) => chmodSync(file, 0o620)],
    ['whose folder others may write', (file) => chmodSync(join(file, '..'), 0o702)],
    ['in a cache folder that others may write', (file) => chmodSync(join(file, '../..'), 0o777)],
    ['in a home that others may write', (file) => chmodSync(join(file, '../../..'), 0o1777)],
    [
      'whose file is a link',
      (file) => {
        renameSync(file, join(file, '../../elsewhere'));
        symlinkSync('../elsewhere', file);
      },
    ],
    [
      'whose folder is a link',
      (file) => {
        const folder = join(file, '..');
        renameSync(folder, `${folder}-elsewhere`);
        symlinkSync(`${folder}-elsewhere`, folder);
      },
    ],
    [
      'that is damaged',
      (file) => {
        const code = readFileSync(file);
        code[code.length - 100] = (code.at(-100) ?? 0) ^ 1;
        writeFileSync(file, code);
      },
    ],
    ['that is cut off', (file) => writeFileSync(file, readFileSync(file).subarray(0, 100))],
    ['that is empty', (file) => writeFileSync(file, '')],
    [
      'that V8 did not make',
      (file) => {
        const code = Buffer.from('no code');
        writeFileSync(file, Buffer.concat([createHash('sha256').update(code).digest(), code]));
      },
    ],
    ...(isRoot
      ? ([
          ['whose file is of another user', (file) => chownSync(file, nobody, nobody)],
          ['whose folder is of another user', (file) => chownSync(join(file, '..'), nobody, nobody)],
          ['in a home of another user', (file) => chownSync(join(file, '../../..'), nobody, nobody)],
        ] satisfies [string, (file: string) => void][])
      : []),
  ])('is not executed from a cache %s', async (_, alter) => {
    await inHome(async (home) => expect(await startPlanted(home, alter)).toBe('written'))();
  });

  test(
    'replaces what cannot be used',
    inHome(async (home) => {
      const program = home.write('written');
      await home.start(program);
      const code = readFileSync(home.cached());
      writeFileSync(home.cached(), code.subarray(0, 50));

      await home.start(program);

      expect(readFileSync(home.cached()).length).toBeGreaterThan(50);
    }),
  );

  test(
    'is kept whole by a long run, in which V8 collects garbage often',
    inHome(async (home) => {
      const program = join(home.folder, 'long.mjs');
      const functions = Array.from(
        { length: 200 },
        (_, n) => `function f${n}(x) { return [x, 'text ${n}', x * ${n}]; } f${n}(1);`,
      );
      const collects =
        'for (let n = 0; n < Number(process.argv[2]); n++) await new Promise((done) => setImmediate(done, Buffer.alloc(2 ** 26)));';
      writeFileSync(program, executableOf(functions.join('') + collects, 'command'), { mode: 0o755 });
      const sizeAfter = async (rounds: number): Promise<number> => {
        expect(await home.start(program, {}, [String(rounds)])).toEqual({ code: 0, stdout: '', stderr: '' });
        const { size } = statSync(home.cached());
        rmSync(home.cached());
        return size;
      };

      const ofShort = await sizeAfter(0);

      expect(await sizeAfter(60)).toBeGreaterThan(0.95 * ofShort);
    }),
  );

  test(
    'is kept of at most 32 programs',
    inHome(async (home) => {
      mkdirSync(home.cache, { recursive: true, mode: 0o700 });
      for (let number = 0; number < 40; number++) {
        writeFileSync(join(home.cache, `old-${number}`), '');
        utimesSync(join(home.cache, `old-${number}`), 1000 + number, 1000 + number);
      }

      await home.start(home.write('written'));

      const names = readdirSync(home.cache);
      expect(names).toHaveLength(32);
      expect(names).toContain('old-39');
      expect(names).not.toContain('old-8');
    }),
  );

  test.each([
    ['there is no home', { HOME: '' }],
    ['the home does not exist', { HOME: '/nonexistent/home' }],
    ['the home is a relative path', { HOME: '.' }],
    ['the home is a file', { HOME: '/etc/passwd' }],
    ['Node.js is to keep no compiled code', { NODE_DISABLE_COMPILE_CACHE: '1' }],
    ['no folder can be made', { HOME: '/proc/self' }],
  ])('is not kept if %s', async (_, environment) => {
    await inHome(async (home) => {
      expect(await home.start(home.write('written'), environment)).toMatchObject({ code: 0, stderr: '' });
      expect(existsSync(join(home.folder, '.cache'))).toBe(false);
    })();
  });

  test(
    'is in XDG_CACHE_HOME if that is given',
    inHome(async (home) => {
      await home.start(home.write('written'), { XDG_CACHE_HOME: join(home.folder, 'elsewhere') });

      expect(readdirSync(join(home.folder, 'elsewhere/chameleon_image_tools'))).toHaveLength(1);
      expect(existsSync(join(home.folder, '.cache'))).toBe(false);
    }),
  );
});

test(
  'Node.js runs an executable without its launcher too',
  inHome(async (home) => {
    const program = home.write('written');
    const { stdout } = await run(process.execPath, [program, 'one']);

    expect(stdout).toBe(`written one file://${program} /`);
  }),
);

test(
  'the command answers the same with compiled code and without',
  inHome(async (home) => {
    const first = await home.start(commandLine, {}, ['deploy', '--help']);
    const second = await home.start(commandLine, {}, ['deploy', '--help']);

    expect(first.code).toBe(0);
    expect(first.stdout).toContain('--object-store-url');
    expect(second).toEqual(first);
  }),
);

test('no program may contain the line that ends it', () => {
  expect(() => executableOf('`\n//# part\n`', 'command')).toThrow('the program contains');
});
