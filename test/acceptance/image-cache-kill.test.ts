// kill -9 before every step that changes the disk: what is in use is always whole, and the next run
// puts the rest right.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { april, june, startCacheSite, type CacheSite } from '../cache/cache-site.js';
import { root } from './cloud.js';
import { startModule, type Arguments } from './executable.js';

// A process for each step: seconds, but many where the machine is busy.
jest.setTimeout(300_000);

let site: CacheSite;
const release = (number: number, what: string): Buffer => Buffer.alloc(100_000, `${what} ${number} `);

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

function publish(number: number, lastModified: string): void {
  for (const what of ['file', 'kernel', 'ramdisk']) site.serve(`/${what}`, release(number, what), { lastModified });
}

/**
 * One run of the built module, killed before its step `at`; 0 leaves it alone, as does any that it
 * does not come to.
 */
async function runModule(folder: string, args: Arguments, at: number): Promise<'killed' | 'done'> {
  const environment = {
    NODE_OPTIONS: `--require=${join(root, 'test/acceptance/kill-at.cjs')}`,
    KILL_AT: String(at),
    KILL_BELOW: folder,
  };
  const { exitCode, stdout, stderr } = await startModule('image_cache', args, environment).ended;
  if (exitCode === null) return 'killed';
  if (exitCode !== 0) throw new Error(`the module ended with ${exitCode}: ${stdout}${stderr}`);
  return 'done';
}

interface Subject {
  readonly args: (folder: string) => Arguments;
  /** What is in use now, as one text. */
  readonly inUse: (folder: string) => string;
  readonly whole: (number: number) => string;
}

const single: Subject = {
  args: (folder) => ({ files: [{ url: `${site.url}/file`, dest: `${folder}/copy` }] }),
  inUse: (folder) => readFileSync(`${folder}/copy`, 'utf8'),
  whole: (number) => release(number, 'file').toString(),
};

const set: Subject = {
  args: (folder) => ({
    sets: [
      { name: 'ipa', dest: folder, kernel: { url: `${site.url}/kernel` }, ramdisk: { url: `${site.url}/ramdisk` } },
    ],
    keep: 0,
  }),
  inUse: (folder) => ['kernel', 'ramdisk'].map((name) => readFileSync(`${folder}/ipa/${name}`, 'utf8')).join('|'),
  whole: (number) => ['kernel', 'ramdisk'].map((name) => release(number, name).toString()).join('|'),
};

/** What the cache keeps of its own when nothing is under way, without the names of versions. */
function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .map((path) => path.replace(/\d{8}T\d{6}Z(-\d+)?/, 'VERSION'))
    .sort();
}

test.each([
  ['a file', single],
  ['a set', set],
] as const)('of %s', async (_, subject) => {
  const clean = join(site.folder, 'clean');
  publish(1, april);
  await site.run(subject.args(clean));
  publish(2, june);
  await runModule(clean, subject.args(clean), 0);
  const expected = leftovers(clean);
  expect(subject.inUse(clean)).toBe(subject.whole(2));

  const seen: string[] = [];
  // How many steps there are differs a little, since bytes come in pieces as they like.
  for (let at = 1; ; at++) {
    const folder = join(site.folder, `killed-${at}`);
    publish(1, april);
    await site.run(subject.args(folder));
    publish(2, june);

    if ((await runModule(folder, subject.args(folder), at)) !== 'killed') break;
    const between = subject.inUse(folder);
    seen.push(between === subject.whole(1) ? 'old' : between === subject.whole(2) ? 'new' : 'broken');
    expect({ at, now: seen.at(-1) }).not.toEqual({ at, now: 'broken' });
    await site.run(subject.args(folder));

    expect({ at, isNew: subject.inUse(folder) === subject.whole(2), left: leftovers(folder) }).toEqual({
      at,
      isNew: true,
      left: expected,
    });
    expect(await site.run(subject.args(folder))).toMatchObject({ changed: false });
  }
  expect(new Set(seen)).toEqual(new Set(['old', 'new']));
  expect(seen.length).toBeGreaterThan(10);
});

test('of the first download of all', async () => {
  publish(1, april);

  for (let at = 1; ; at += 3) {
    const folder = join(site.folder, `first-${at}`);
    if ((await runModule(folder, set.args(folder), at)) !== 'killed') break;
    await site.run(set.args(folder));

    expect({ at, isWhole: set.inUse(folder) === set.whole(1) }).toEqual({ at, isWhole: true });
  }
});
