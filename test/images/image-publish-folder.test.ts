// Publishing into a folder that a web server shows, and into one that cannot rename.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { startImageStore } from '../sandbox/image-store.js';
import {
  content,
  filesIn,
  name,
  objectPath,
  otherContent,
  release,
  startPublishSite,
  type PublishSite,
} from './publish-site.js';

let site: PublishSite;
let store: string;

beforeEach(async () => {
  site = await startPublishSite();
  store = join(site.folder.path, 'images');
  mkdirSync(store);
});
afterEach(() => site.close());

const manifestPath = `prod/versions/${release}/${name}.manifest`;
const publish = (args: Record<string, unknown> = {}, options = {}) =>
  site.publish({ store_dir: store, current: true, ...args }, options);

test('takes a relative path for one of the present directory', async () => {
  expect(await publish({ store_dir: `${relative(process.cwd(), store)}/` })).toMatchObject({ message: '3 write' });
  expect(await publish()).toMatchObject({ message: '3 up_to_date' });
});

test.each([
  ['is not there', () => join(store, 'none'), /^store_dir: there is no folder \S+\/none; create it, or mount/],
  ['is a file', () => site.folder.write('file', 'x'), /is not a directory/],
])('refuses a folder that %s', async (_, folder, message) => {
  await expect(publish({ store_dir: folder() })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringMatching(message),
  });
});

test('does not publish the half image that a run elsewhere is writing', async () => {
  const draft = join(store, `${objectPath}.draft`);
  site.progress.push = ({ stage } = { stage: '', subject: '' }) => {
    if (stage === 'transfer') {
      rmSync(draft);
      writeFileSync(draft, 'half');
    }
    return 0;
  };

  await expect(publish()).rejects.toMatchObject({ code: 'PUBLISHED_MEANWHILE' });
  expect([...filesIn(store).keys()]).toEqual([`${objectPath}.draft`]);
});

test('writes in place through no link', async () => {
  const precious = site.folder.write('precious', 'precious');
  mkdirSync(dirname(join(store, objectPath)), { recursive: true });
  symlinkSync(precious, join(store, `${objectPath}.unfinished`));

  await expect(publish({ in_place: true })).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' });
  expect(readFileSync(precious, 'utf8')).toBe('precious');
});

describe.each([false, true])('in_place: %s', (inPlace) => {
  const publishThere = (args: Record<string, unknown> = {}, options = {}) =>
    publish({ in_place: inPlace, ...args }, options);

  test('writes three files that everybody may read, and a second run changes nothing', async () => {
    const umask = process.umask(0o077);
    try {
      const planned = await publishThere({}, { checkMode: true });
      const before = filesIn(store).size;
      const first = await publishThere();
      const second = await publishThere();

      expect([planned.message, before]).toEqual(['planned: 3 write', 0]);
      expect(first).toMatchObject({ changed: true, message: '3 write', values: { location: store } });
      expect(second).toMatchObject({ changed: false, message: '3 up_to_date' });
      expect([...filesIn(store).keys()]).toEqual(['prod/current', manifestPath, objectPath]);
      expect(filesIn(store).get(objectPath)?.equals(content)).toBe(true);
      for (const path of ['prod/current', manifestPath, objectPath]) {
        expect(statSync(join(store, path)).mode & 0o777).toBe(0o644);
        expect(statSync(dirname(join(store, path))).mode & 0o777).toBe(0o755);
      }
    } finally {
      process.umask(umask);
    }
  });

  test('what is published is what a site deploys from a web server', async () => {
    await publishThere({ manifest: { 'build-distro': 'ubuntu' } });
    const web = await startImageStore({ mode: 'static' });
    for (const [path, data] of filesIn(store)) web.put(path, data);

    const outcome = await site.run(imageDeploy, { object_store_url: web.objectStoreUrl });

    expect(outcome).toMatchObject({ changed: true, failures: [] });
    expect(outcome.values.images).toMatchObject([{ name, release, action: 'deploy' }]);
    await web.close();
  });

  test('refuses other bytes under a published release, also of the same size', async () => {
    await publishThere();

    for (const data of [otherContent, Buffer.concat([content, content])])
      await expect(publishThere({ file: site.folder.write('other.qcow2', data) })).rejects.toMatchObject({
        code: 'RELEASE_TAKEN',
      });
    expect(filesIn(store).get(objectPath)?.equals(content)).toBe(true);
  });
});

test('a raw image is published next to the qcow2 of the same release', async () => {
  await publish();

  const outcome = await publish({ file: site.folder.write('disk.raw', Buffer.alloc(4096, 1)) });

  expect(outcome).toMatchObject({ message: '1 write, 2 up_to_date', values: { disk_format: 'raw' } });
});

test('what a killed run left next to a file, or of it, is replaced', async () => {
  const there = join(store, objectPath);
  mkdirSync(dirname(there), { recursive: true });
  writeFileSync(`${there}.draft`, 'a part');
  await publish();
  const raw = join(store, objectPath.replace(/qcow2$/, 'raw'));
  writeFileSync(raw, 'a part');
  writeFileSync(`${raw}.unfinished`, '');

  const file = site.folder.write('disk.raw', Buffer.alloc(4096, 1));
  expect(await publish({ file, in_place: true })).toMatchObject({ message: '1 write, 2 up_to_date' });

  expect([...filesIn(store).keys()].filter((path) => /draft|unfinished/.test(path))).toEqual([]);
  expect(filesIn(store).get(objectPath.replace(/qcow2$/, 'raw'))).toEqual(Buffer.alloc(4096, 1));
});

test('a `current` that a killed run left half-written in place is finished, with all its entries', async () => {
  await publish({ name: 'CC-Other', in_place: true });
  const current = join(store, 'prod/current');
  writeFileSync(`${current}.draft`, JSON.stringify({ 'CC-Other': release, [name]: release }));
  writeFileSync(current, '{"CC-O');

  expect(await publish({ in_place: true })).toMatchObject({ changed: true });

  expect(JSON.parse(filesIn(store).get('prod/current')?.toString() ?? '')).toEqual({
    'CC-Other': release,
    [name]: release,
  });
  expect(filesIn(store).has('prod/current.draft')).toBe(false);
});

test('a folder that does not exist is not created, since it may not be mounted', async () => {
  await expect(publish({ store_dir: `${store}/nowhere` })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('create it, or mount what it stands for'),
  });
});

test('in_place needs a folder', async () => {
  await expect(site.publish({ in_place: true })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a link in the place of an image is left alone', async () => {
  mkdirSync(dirname(join(store, objectPath)), { recursive: true });
  symlinkSync('/etc/passwd', join(store, objectPath));

  await expect(publish()).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
});

test('a file that changes while it is being written is not published', async () => {
  const file = site.folder.write('growing.raw', Buffer.alloc(3_000_000, 1));
  let isFirst = true;
  const spoil = (): void => {
    if (!isFirst) return;
    isFirst = false;
    writeFileSync(file, Buffer.alloc(3_000_000, 2));
  };
  const watched = site.progress;
  Object.defineProperty(watched, 'push', {
    value: (event: { stage: string }) => (event.stage === 'transfer' ? spoil() : undefined),
    configurable: true,
  });

  await expect(publish({ file })).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  expect([...filesIn(store).keys()].filter((path) => path.endsWith('.raw'))).toEqual([]);
});
