// An image of an image list goes back like any other, and what was taken back stays away.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import { hashOf, startListSite, type ListTestSite } from './list-site.js';
import { disk } from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(60_000);

let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite();
});

afterEach(() => site.close());

const name = 'Debian 12 (ARM)';

/** Deploys this content of the image. */
async function deploy(
  content: string,
  more: Readonly<Record<string, unknown>> = {},
): ReturnType<ListTestSite['deploy']> {
  const data = disk(content);
  site.web.serve('/a.qcow2', data);
  site.write('a.yml', [{ name, url: `${site.web.url}/a.qcow2`, checksum: hashOf(data), ...more }]);
  return site.deploy();
}

test('the release that was taken back is held, and the next one ends this', async () => {
  await deploy('first');
  const first = site.production(name).id;
  await deploy('second');

  const back = await site.run(imageRollback, { image: name });
  const held = await deploy('second');
  const present = site.production(name).id;
  const next = await deploy('third');

  expect(back).toMatchObject({ changed: true, failures: [] });
  expect(present).toBe(first);
  expect(held).toMatchObject({ changed: false, message: '1 held' });
  expect(next).toMatchObject({ changed: true, failures: [] });
  expect(site.production(name).properties.current).toBe(`sha256-${hashOf(disk('third')).slice(0, 16)}`);
});

test.each<[string, Readonly<Record<string, unknown>>]>([
  ['a digest of another kind', { checksum: [hashOf(disk('second')), `sha512:${hashOf(disk('second'), 'sha512')}`] }],
  ['a version', { version: '2' }],
])('the release that was taken back is the same with %s', async (_, more) => {
  await deploy('first');
  await deploy('second');
  await site.run(imageRollback, { image: name });
  const before = site.writes().length;

  const held = await deploy('second', more);

  expect(held).toMatchObject({ changed: false, message: '1 held' });
  expect(site.writes().slice(before)).toEqual([]);
});

test('an image of openstack-image-manager whose place is taken is held by its version', async () => {
  await deploy('first', { version: '20250101' });
  const ours = site.production(name);
  await deploy('second', { version: '20250201' });
  // What that tool does when a site goes back to it for a while.
  const theirs = site.production(name);
  theirs.tags = ['managed_by_osism'];
  theirs.properties = { internal_version: '20250201' };

  const back = await site.run(imageRollback, { image: name, to: '20250101' });
  const held = await deploy('second', { version: '20250201' });

  expect(back).toMatchObject({ changed: true, failures: [] });
  expect(site.production(name).id).toBe(ours.id);
  expect(ours.properties.image_tools_held_release).toBe('20250201');
  expect(held).toMatchObject({ changed: false, message: '1 held' });
});
