// What a run says and does about images of lists that cannot be had, used or copied.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { imageInfo } from '../../modules/images/info/operation.js';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import { startFaultProxy } from '../cloud/fault-proxy.js';
import { hashOf, startListSite, type ListTestSite } from './list-site.js';
import { disk } from './objects-site.js';
import { listedResults } from './rollback-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(60_000);

const name = 'Debian 12';
let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite();
  site.web.serve('/a.qcow2', disk('first'));
});

afterEach(() => site.close());

function list(more: Readonly<Record<string, unknown>>): void {
  site.write('a.yml', [{ name, url: `${site.web.url}/a.qcow2`, ...more }]);
}

test('an image that waits for its promotion outlasts a night without the checksum file', async () => {
  const sums = `${hashOf(disk('first'))}  a.qcow2\n`;
  list({ checksum: `${site.web.url}/SUMS` });
  site.web.serve('/SUMS', sums);
  const proxy = await startFaultProxy(site.glance.url);
  try {
    proxy.addFault({ method: 'PATCH', status: 403 });
    await site.deploy({ endpoint_override: { image: proxy.url } });
  } finally {
    await proxy.close();
  }
  const [incoming] = [...site.glance.state.images.values()];
  expect(incoming).toMatchObject({ status: 'active', visibility: 'private' });
  site.web.files.delete('/SUMS');

  const failed = await site.deploy();
  site.web.serve('/SUMS', sums);
  const before = site.writes().length;
  const resumed = await site.deploy();

  expect(listedResults(failed)).toMatchObject([{ action: 'failed' }]);
  expect(site.writes().filter((write) => write.startsWith('DELETE'))).toEqual([]);
  expect(listedResults(resumed)).toMatchObject([{ action: 'resume', id: incoming!.id }]);
  expect(
    site
      .writes()
      .slice(before)
      .filter((write) => write.startsWith('PUT')),
  ).toEqual([]);
});

test('an image that is kept from use does not take the place of one that is not', async () => {
  list({ version: '1', status: 'deactivated' });
  await site.deploy();
  site.web.serve('/a.qcow2', disk('second'));
  list({ version: '2' });
  expect((await site.deploy()).failures).toEqual([]);
  const present = site.production(name).id;

  const refused = site.run(imageRollback, { image: name });

  await expect(refused).rejects.toMatchObject({
    code: 'ROLLBACK_REFUSED',
    message: expect.stringContaining('is deactivated, so nobody could use it'),
  });
  expect(site.production(name).id).toBe(present);
});

test('a name with parentheses is a name: of one that is missing the run says so, and info finds it', async () => {
  site.write('a.yml', [{ name: 'Debian 12 (ARM)', url: `${site.web.url}/a.qcow2`, version: '1' }]);
  await site.deploy();

  const missing = await site.deploy({ images: ['Debian 13 (ARM)'] });
  const { values } = await site.run(imageInfo, { images: ['Debian 12 (ARM)'] });

  expect(missing.failures.join()).toContain('the catalogue has no image of this name');
  expect(values.images).toMatchObject([{ name: 'Debian 12 (ARM)' }]);
});

test('a name without versions is told only to those who ask for it', async () => {
  site.write('a.yml', [{ name: 'Fedora', multi: true, versions: [] }]);

  expect(listedResults(await site.deploy())).toEqual([]);
  expect((await site.deploy({ images: ['Fedora'] })).failures.join()).toContain('its list has no version of it');
});

const stores = { stores: ['fast', 'slow'] };

test('an image that is kept from use is not copied, and nothing fails because of it', async () => {
  list({ version: '1', status: 'deactivated' });

  const planned = await site.deploy(stores, { checkMode: true });
  const first = await site.deploy(stores);
  const second = await site.deploy(stores);
  list({ version: '1', status: 'active' });
  const later = await site.deploy(stores, { checkMode: true });

  expect([first, second].map(({ changed, failures }) => [changed, failures])).toEqual([
    [true, []],
    [false, []],
  ]);
  expect(listedResults(planned)).toMatchObject([expect.not.objectContaining({ copied_to: expect.anything() })]);
  expect(listedResults(later)).toMatchObject([{ action: 'update', copied_to: ['slow'] }]);
  expect(listedResults(await site.deploy(stores))).toMatchObject([{ copied_to: ['slow'] }]);
});

test('an image whose stores cannot be read is the failure of this one alone', async () => {
  const url = `${site.web.url}/a.qcow2`;
  site.write(
    'a.yml',
    ['one', 'two'].map((each) => ({ name: each, url, version: '1' })),
  );
  await site.deploy();
  const proxy = await startFaultProxy(site.glance.url);
  try {
    proxy.addFault({ method: 'GET', path: new RegExp(`/images/${site.production('one').id}$`), status: 403 });

    const outcome = await site.deploy({ ...stores, endpoint_override: { image: proxy.url } });

    expect(outcome.failures).toEqual([
      expect.stringMatching(/^one: which stores of Glance have \S+ could not be read/),
    ]);
    expect(listedResults(outcome)).toMatchObject([
      { name: 'one', action: 'up_to_date' },
      { name: 'two', action: 'copy', copied_to: ['slow'] },
    ]);
  } finally {
    await proxy.close();
  }
});
