// kill -9 before every step that changes the disk: what is in use is always whole, and the next run puts the rest right.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { april, june, startCacheSite, type CacheSite } from '../operations/cache-site.js';
import { root } from './cloud.js';
import { startModule, type Arguments } from './executable.js';

let site: CacheSite;
const release = (number: number, what: string): Buffer => Buffer.alloc(100_000, `${what} ${number} `);

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

function publish(number: number, lastModified: string): void {
  for (const what of ['file', 'kernel', 'ramdisk']) site.serve(`/${what}`, release(number, what), { lastModified });
}

/** One run of the built module, killed before its step `at`; 0 leaves it alone. Gives the number of steps where it came to its end. */
async function runModule(folder: string, args: Arguments, at: number): Promise<number | 'killed'> {
  const report = `${folder}.steps`;
  rmSync(report, { force: true });
  const environment = { NODE_OPTIONS: `--require=${join(root, 'test/acceptance/kill-at.cjs')}`, KILL_AT: String(at), KILL_BELOW: folder, KILL_REPORT: report };
  const { exitCode, stdout, stderr } = await startModule('image_cache', args, environment).ended;
  if (exitCode === null) return 'killed';
  if (exitCode !== 0) throw new Error(`the module ended with ${exitCode}: ${stdout}${stderr}`);
  return Number(readFileSync(report, 'utf8'));
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
  args: (folder) => ({ sets: [{ name: 'ipa', dest: folder, kernel: { url: `${site.url}/kernel` }, ramdisk: { url: `${site.url}/ramdisk` } }], keep: 0 }),
  inUse: (folder) => ['kernel', 'ramdisk'].map((name) => readFileSync(`${folder}/ipa/${name}`, 'utf8')).join('|'),
  whole: (number) => ['kernel', 'ramdisk'].map((name) => release(number, name).toString()).join('|'),
};

/** What the cache keeps of its own when nothing is under way, without the names of versions. */
function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).map((path) => path.replace(/\d{8}T\d{6}Z(-\d+)?/, 'VERSION')).sort();
}

test.each([['a file', single], ['a set', set]] as const)('of %s', async (_, subject) => {
  const clean = join(site.folder, 'clean');
  publish(1, april);
  await site.run(subject.args(clean));
  publish(2, june);
  const steps = await runModule(clean, subject.args(clean), 0);
  const expected = leftovers(clean);
  expect(subject.inUse(clean)).toBe(subject.whole(2));

  const seen: string[] = [];
  for (let at = 1; at <= Number(steps); at++) {
    const folder = join(site.folder, `killed-${at}`);
    publish(1, april);
    await site.run(subject.args(folder));
    publish(2, june);

    expect({ at, ended: await runModule(folder, subject.args(folder), at) }).toEqual({ at, ended: 'killed' });
    const between = subject.inUse(folder);
    seen.push(between === subject.whole(1) ? 'old' : between === subject.whole(2) ? 'new' : 'broken');
    expect({ at, now: seen.at(-1) }).not.toEqual({ at, now: 'broken' });
    await site.run(subject.args(folder));

    expect({ at, isNew: subject.inUse(folder) === subject.whole(2), left: leftovers(folder) }).toEqual({ at, isNew: true, left: expected });
    expect(await site.run(subject.args(folder))).toMatchObject({ changed: false });
  }
  expect(seen).toEqual([...seen].sort().reverse());
  expect(new Set(seen).size).toBe(2);
});

test('of the first download of all', async () => {
  publish(1, april);
  const steps = await runModule(join(site.folder, 'clean'), set.args(join(site.folder, 'clean')), 0);

  for (let at = 1; at <= Number(steps); at += 3) {
    const folder = join(site.folder, `first-${at}`);
    await runModule(folder, set.args(folder), at);
    await site.run(set.args(folder));

    expect({ at, isWhole: set.inUse(folder) === set.whole(1) }).toEqual({ at, isWhole: true });
  }
});
