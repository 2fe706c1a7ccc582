// Publishing into Swift: order, idempotence, refusals, faults on the way, and the round trip to a
// site that deploys it.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { startFaultProxy, type Fault, type FaultProxy } from '../cloud/fault-proxy.js';
import {
  content,
  digest,
  name,
  objectPath,
  otherContent,
  release,
  startPublishSite,
  type PublishSite,
} from './publish-site.js';

// Uploads are repeated after pauses.
jest.setTimeout(60_000);

let site: PublishSite;

beforeEach(async () => void (site = await startPublishSite()));
afterEach(() => site.close());

const manifestPath = `prod/versions/${release}/${name}.manifest`;

test('writes image, manifest and current in this order, and a second run changes nothing', async () => {
  const planned = await site.publish({ current: true }, { checkMode: true });
  const putsOfCheckMode = site.puts().length;
  const first = await site.publish({ current: true });
  const second = await site.publish({ current: true });

  expect(putsOfCheckMode).toBe(0);
  expect(planned).toMatchObject({ changed: true, message: 'planned: 3 write', warnings: [] });
  expect(planned.differences).toMatchObject([
    { before: {}, after: { bytes: content.length, sha256: digest('sha256', content) } },
    { before: {}, after: { 'build-timestamp': expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/) } },
    { header: 'prod/current in container chameleon-supported-images', before: {}, after: { [name]: release } },
  ]);
  expect(first).toMatchObject({ changed: true, message: '3 write', values: { disk_format: 'qcow2' } });
  expect(site.puts()).toEqual([`PUT ${objectPath}`, `PUT ${manifestPath}`, 'PUT prod/current']);
  expect(site.store.objects.get(objectPath)?.headers).toMatchObject({
    'X-Object-Meta-x-sdk-sha256': digest('sha256', content),
    'X-Object-Meta-x-sdk-md5': digest('md5', content),
  });
  expect(second).toMatchObject({ changed: false, message: '3 up_to_date', differences: [] });
  expect(site.progress.map(({ stage }) => stage)).toEqual(expect.arrayContaining(['checksum', 'transfer']));
});

test('what is published is what a site deploys, with its manifest and checksum', async () => {
  await site.publish({ current: true, manifest: { 'build-distro': 'ubuntu', 'build-ipa': false } });

  const outcome = await site.run(imageDeploy);

  expect(outcome).toMatchObject({ changed: true, failures: [] });
  expect(outcome.values.images).toMatchObject([
    { name, release, verified_by: expect.arrayContaining(["store's sha256"]) },
  ]);
  const [image] = [...site.glance.state.images.values()].filter((each) => each.name === name);
  expect(image?.properties).toMatchObject({ 'build-distro': 'ubuntu', 'build-ipa': 'false', current: release });
});

test('without current, the release waits; with it later, only current is written', async () => {
  site.store.put('prod/current', JSON.stringify({ other: 'r9', [name]: 'r1' }));
  await site.publish();

  expect(site.current()).toEqual({ other: 'r9', [name]: 'r1' });
  expect(await site.publish({ current: true })).toMatchObject({ message: '2 up_to_date, 1 write' });
  expect(site.current()).toEqual({ other: 'r9', [name]: release });
});

describe('refuses', () => {
  const refused = async (args: Record<string, unknown>, code: string, message: RegExp): Promise<void> => {
    const before = site.puts().length;
    await expect(site.publish(args)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(site.puts()).toHaveLength(before);
  };

  test('other bytes or another manifest under a published release', async () => {
    await site.publish({ manifest: { 'build-distro': 'ubuntu' } });
    const other = site.folder.write('other.qcow2', otherContent);

    await refused(
      { file: other },
      'RELEASE_TAKEN',
      /already has the release 20250422-v1 of CC-Own, and \S+ has other bytes/,
    );
    await refused({ manifest: { 'build-distro': 'centos' } }, 'RELEASE_TAKEN', /differs in build-distro/);
  });

  test('a container that does not exist, saying how to create it', async () => {
    await refused({ image_container: 'nowhere' }, 'CONTAINER_MISSING', /openstack container create --public nowhere/);
  });

  test('a login that may not write there', async () => {
    await expect(site.publish({ auth: site.demoAuth })).rejects.toMatchObject({
      code: 'CONTAINER_REFUSED',
      message: expect.stringContaining('it needs a role on the project'),
    });
    expect(site.store.objects.size).toBe(0);
  });

  test('files that are not disks, or cannot be read', async () => {
    await refused({ file: site.folder.write('page.qcow2', '<html>') }, 'FORMAT_MISMATCH', /is HTML, not qcow2/);
    await refused({ file: site.folder.path }, 'INVALID_INPUT', /is not a file/);
    await refused({ file: '/nowhere' }, 'INVALID_INPUT', /cannot be read/);
  });

  test('a `current` that is not a catalogue', async () => {
    site.store.put('prod/current', '<html>');

    await refused({ current: true }, 'CATALOGUE_UNUSABLE', /was left alone/);
  });
});

test('warns if the container does not show that it is public', async () => {
  site.store.acl.read = '';

  expect((await site.publish()).warnings.join()).toContain("swift post -r '.r:*,.rlistings'");
});

test('an object whose checksums the store does not publish is read and compared', async () => {
  const object = site.store.put(objectPath, content);
  object.etag = '"elsewhere"';

  expect(await site.publish()).toMatchObject({ message: '1 up_to_date, 1 write' });
});

test('other bytes that were never published are replaced', async () => {
  site.store.put(objectPath, otherContent);

  expect(await site.publish()).toMatchObject({ message: '2 write' });
  expect(site.store.objects.get(objectPath)?.content.equals(content)).toBe(true);
});

describe('through a faulty network', () => {
  let proxy: FaultProxy;
  beforeEach(async () => void (proxy = await startFaultProxy(site.store.objectStoreUrl)));
  afterEach(() => proxy.close());
  const publish = (args: Record<string, unknown> = {}, options: { signal?: AbortSignal } = {}) =>
    site.publish({ current: true, endpoint_override: { 'object-store': proxy.url }, ...args }, options);

  test('the manifest that another host has published meanwhile stays', async () => {
    const theirs = JSON.stringify({ 'build-distro': 'centos' });
    proxy.addFault({ method: 'PUT', nth: 1, answered: () => void site.store.put(manifestPath, theirs) });

    const running = publish({ manifest: { 'build-distro': 'ubuntu' } });

    await expect(running).rejects.toMatchObject({ code: 'RELEASE_TAKEN' });
    expect(site.store.objects.get(manifestPath)?.content.toString()).toBe(theirs);
    expect(site.current()).toBeNull();
  });

  test.each<[string, Fault]>([
    ['the answer to the image is lost', { method: 'PUT', nth: 1, passThenCut: true }],
    ['the upload of the image breaks off', { method: 'PUT', nth: 1, cutRequestAfter: 1000 }],
    ['the store is busy', { method: 'PUT', nth: 1, status: 503 }],
    ['the answer to the manifest is lost', { method: 'PUT', nth: 2, passThenCut: true }],
    ['the answer to current is lost', { method: 'PUT', nth: 3, passThenCut: true }],
  ])('%s: the run goes on', async (_, fault) => {
    proxy.addFault(fault);

    expect(await publish()).toMatchObject({ changed: true, message: '3 write' });
    expect(site.store.objects.get(objectPath)?.content.equals(content)).toBe(true);
    expect(site.current()).toEqual({ [name]: release });
  });

  test('a token that expires on the way is renewed', async () => {
    proxy.addFault({ method: 'PUT', nth: 1, before: () => site.keystone.revokeAll() });

    expect(await publish()).toMatchObject({ message: '3 write' });
  });

  test('a large image is uploaded in segments, and complete ones are not sent again', async () => {
    const killed = new AbortController();
    proxy.addFault({ method: 'PUT', nth: 3, status: 500, before: () => killed.abort(new Error('killed')) });
    await expect(publish({ segment_size: 1500 }, { signal: killed.signal })).rejects.toThrow('killed');
    const atDeath = [...site.store.objects.keys()];
    proxy.clearFaults();

    expect(await publish({ segment_size: 1500 })).toMatchObject({ message: '3 write' });

    const folder = `${objectPath}/${digest('sha256', content).slice(0, 16)}`;
    expect(atDeath.sort()).toEqual([`${folder}/000000`, `${folder}/000001`]);
    const sent = site.puts().filter((put) => put.includes(folder));
    expect(sent.filter((put) => put.endsWith('/000000'))).toHaveLength(1);
    expect(site.store.objects.get(objectPath)?.content.equals(content)).toBe(true);
    expect(site.store.objects.get(objectPath)?.headers).toMatchObject({
      'X-Static-Large-Object': 'True',
      'X-Object-Meta-x-sdk-sha256': digest('sha256', content),
    });
    expect(await publish({ segment_size: 1500 })).toMatchObject({ changed: false });
    expect((await site.run(imageDeploy)).failures).toEqual([]);
  });

  test('another run that publishes other bytes at the same time wins, and is told', async () => {
    proxy.addFault({ method: 'PUT', nth: 1, before: () => void site.store.put(objectPath, otherContent) });

    await expect(publish()).rejects.toMatchObject({ code: 'PUBLISHED_MEANWHILE' });
    expect(site.store.objects.get(objectPath)?.content.equals(otherContent)).toBe(true);
    expect(site.current()).toBeNull();
  });

  test('what another run made current during the transfer stays', async () => {
    proxy.addFault({ method: 'PUT', nth: 1, before: () => void site.store.put('prod/current', '{"other": "r9"}') });
    await publish();

    expect(site.current()).toEqual({ other: 'r9', [name]: release });
  });

  test('an entry that another host overwrites at once is told', async () => {
    proxy.addFault({ method: 'PUT', nth: 3, answered: () => void site.store.put('prod/current', '{"other": "r9"}') });

    await expect(publish()).rejects.toMatchObject({ code: 'CHANGE_LOST' });
  });

  test.each([1, 2, 3])(
    'killed when write %i has been done, no reader sees half a release, and the next run goes on',
    async (nth) => {
      const killed = new AbortController();
      proxy.addFault({ method: 'PUT', nth, answered: () => killed.abort(new Error('killed')) });
      await publish({}, { signal: killed.signal }).catch(() => undefined);
      proxy.clearFaults();
      const current = site.current();

      expect(current).toEqual(nth < 3 ? null : { [name]: release });
      expect(await publish()).toMatchObject({ changed: nth < 3 });
      expect(await publish()).toMatchObject({ changed: false });
      expect((await site.run(imageDeploy)).failures).toEqual([]);
    },
  );
});
