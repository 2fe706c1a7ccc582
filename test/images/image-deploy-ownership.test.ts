// Whose an image is: what other projects have under our ids, names and markers is passed over, and
// what an operator has set aside stays.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { imageId } from '../../modules/images/policy/new-image.js';
import { markers } from '../../modules/images/policy/site-image.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { publishRelease } from '../sandbox/releases.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const release = '20250601-v1-amd';
const old = '20250422-v1-amd';

let site: TestSite;

beforeEach(async () => {
  site = await startSite({ services: ['compute'] });
});

afterEach(() => site.close());

function disk(content: string): Buffer {
  const head = Buffer.alloc(1024);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(3, 4);
  return Buffer.concat([head, Buffer.from(content)]);
}

function publish(of: string, content = disk(of)): Buffer {
  publishRelease(site.store, { name, release: of, content });
  return content;
}

/** Runs that many deployments of the release of old, so that the site has a production image. */
async function startUpgrade(): Promise<StoredImage> {
  publish(old);
  await site.run(imageDeploy);
  publish(release);
  return onlyPublic();
}

function resultsOf({ values }: Outcome) {
  return values.images as { name: string; action: string; reason: string; id?: string; archived_id?: string }[];
}

function onlyPublic(): StoredImage {
  const images = [...site.glance.state.images.values()].filter(
    (image) => image.name === name && image.visibility === 'public',
  );
  expect(images).toHaveLength(1);
  return images[0] as StoredImage;
}

function nextId(attempt: number): string {
  return imageId({ project: site.keystone.admin.project.id, name, release, attempt });
}

/**
 * What anybody can make of a public image: the same properties and markers, under the id of the
 * release to come.
 */
function squat(
  attempt: number,
  changes: Partial<StoredImage> = {},
  content: Buffer | undefined = disk(release),
): StoredImage {
  const id = nextId(attempt);
  const present = [...site.glance.state.images.values()].find((image) => image.name === name);
  const properties = {
    ...present?.properties,
    [markers.id]: id,
    [markers.name]: name,
    current: release,
    [markers.lock]: present?.properties[markers.lock] ?? '',
    hypervisor_type: 'evil',
    ...changes.properties,
  };
  const base = {
    id,
    name: `testing_${name}`,
    owner: site.keystone.demo.project.id,
    visibility: 'private' as const,
    disk_format: 'qcow2',
    container_format: 'bare',
  };
  return site.glance.seed({ ...base, ...changes, properties }, content);
}

test.each<[string, Partial<StoredImage>, boolean]>([
  ['private, with the genuine bytes', {}, true],
  ['with another disk format and min_disk', { disk_format: 'raw', min_disk: 9999 }, true],
  ['queued, with a lock that nobody holds', { status: 'queued', properties: { [markers.lock]: 'nobody' } }, false],
  ['of the community', { visibility: 'community' }, true],
  ['public, under the production name', { visibility: 'public', name }, true],
  ['shared', { visibility: 'shared' }, true],
])(
  'an image of another project under the id of the release to come, %s, is passed over and told',
  async (_, changes, hasData) => {
    const before = await startUpgrade();
    const foreign = squat(0, changes, hasData ? disk(release) : undefined);
    const asItWas = structuredClone(foreign);

    const planned = await site.run(imageDeploy, {}, { checkMode: true });
    const outcome = await site.run(imageDeploy);

    if (changes.visibility !== 'community') expect(planned.warnings).toEqual(outcome.warnings);
    const [result] = resultsOf(outcome);
    expect(outcome.failures).toEqual([]);
    expect(result).toMatchObject({ action: 'deploy', id: nextId(1), archived_id: before.id });
    expect(outcome.warnings).toContainEqual(
      expect.stringContaining(`(${foreign.id}) of project ${foreign.owner}; another id is used`),
    );
    expect(site.glance.state.images.get(foreign.id)).toEqual(asItWas);
    const image = site.glance.state.images.get(nextId(1));
    expect(image).toMatchObject({
      name,
      visibility: 'public',
      owner: site.keystone.admin.project.id,
      disk_format: 'qcow2',
      min_disk: 0,
    });
    expect(image?.properties.hypervisor_type).toBeUndefined();
    expect(await site.run(imageDeploy)).toMatchObject({ changed: false, failures: [] });
  },
);

test.each([
  ['two', 2, true],
  ['three', 3, false],
  ['six', 6, false],
])(
  'where another project has %s of the next ids the image is deployed all the same, under a random one from the third on',
  async (_, count, isComputed) => {
    await startUpgrade();
    const foreign = Array.from({ length: count }, (__, attempt) => structuredClone(squat(attempt)));

    const outcome = await site.run(imageDeploy);

    expect(outcome).toMatchObject({ changed: true, failures: [] });
    expect(onlyPublic()).toMatchObject({ owner: site.keystone.admin.project.id, properties: { current: release } });
    expect(Array.from({ length: 9 }, (__, attempt) => nextId(attempt)).includes(onlyPublic().id)).toBe(isComputed);
    expect(onlyPublic().properties[markers.id]).toBe(onlyPublic().id);
    for (const image of foreign) expect(site.glance.state.images.get(image.id)).toEqual(image);
    expect(await site.run(imageDeploy)).toMatchObject({ changed: false, failures: [] });
  },
);

test('ids that somebody else has taken do not prevent the deployment of a release', async () => {
  await startUpgrade();
  const gone = site.glance.seed({});
  for (let attempt = 0; attempt < 1000; attempt++) site.glance.state.deleted.set(nextId(attempt), gone);

  expect(await site.run(imageDeploy, { images: [name] })).toMatchObject({ changed: true, failures: [] });
});

/** An image of ours that a run has left behind when it had all its bytes. */
async function leave(changes: Partial<StoredImage> = {}, owner = site.keystone.admin.project.id): Promise<StoredImage> {
  await site.run(imageDeploy);
  const made = onlyPublic();
  const id = '7c9f2d64-2a59-4f4e-9c0b-3f0a1e2d4c5b';
  const properties: Record<string, string> = {
    ...made.properties,
    [markers.id]: id,
    [markers.promoted]: '',
    ...changes.properties,
  };
  for (const key of Object.keys(properties)) if (properties[key] === undefined) delete properties[key];
  site.glance.state.images.delete(made.id);
  site.glance.state.deleted.set(made.id, made);
  return site.glance.seed(
    { ...made, id, name: `testing_${name}`, visibility: 'private', owner, ...changes, properties },
    disk(release),
  );
}

test('what a run has left behind is resumed if this run would create the same', async () => {
  publish(release);
  const left = await leave();

  expect(resultsOf(await site.run(imageDeploy))).toMatchObject([{ action: 'resume', id: left.id }]);
});

test.each<[string, Partial<StoredImage>]>([
  ['disk format', { disk_format: 'raw' }],
  ['container format', { container_format: 'ovf' }],
  ['min_disk', { min_disk: 40 }],
  ['min_ram', { min_ram: 1 }],
  ['tags', { tags: ['mine'] }],
  ['property more', { properties: { hypervisor_type: 'evil' } }],
  ['property less', { properties: { 'build-distro': undefined as never } }],
  ['property of another value', { properties: { 'build-distro': 'mine' } }],
])('what has another %s is not gone on with', async (_, changes) => {
  publish(release);
  const left = await leave(changes);

  const outcome = await site.run(imageDeploy);

  expect(resultsOf(outcome)).toMatchObject([{ action: 'deploy' }]);
  expect(outcome.failures).toEqual([]);
  expect(onlyPublic()).toMatchObject({
    disk_format: 'qcow2',
    container_format: 'bare',
    min_disk: 0,
    min_ram: 0,
    tags: [],
  });
  expect(onlyPublic().id).not.toBe(left.id);
  expect(site.glance.state.images.has(left.id)).toBe(false);
});

test('a leftover that a server uses is kept and reported, and the release is deployed', async () => {
  publish(release);
  const left = await leave({ properties: { hypervisor_type: 'mine' } });
  site.users.compute.seed({ name: 'web-1', image: left.id });
  const asItWas = structuredClone(left);

  const outcome = await site.run(imageDeploy);

  expect(outcome).toMatchObject({ changed: true, failures: [] });
  expect(outcome.warnings).toContainEqual(expect.stringContaining('it is used by server web-1'));
  expect(site.glance.state.images.get(left.id)).toEqual(asItWas);
});

test.each([false, true])(
  'an unwanted leftover that a server uses stays, and so it is planned: check mode %s',
  async (checkMode) => {
    publish(release);
    const left = await leave({ properties: { current: old } });
    await site.run(imageDeploy, {}, { checkMode: true });
    site.users.compute.seed({ name: 'web-1', image: left.id });

    const outcome = await site.run(imageDeploy, {}, { checkMode });

    expect(resultsOf(outcome).map(({ action }) => action)).toEqual(['deploy']);
    expect(outcome.warnings).toContainEqual(
      expect.stringContaining(`(${left.id}), left by an earlier run, was not deleted: it is used by server web-1`),
    );
    expect(site.glance.state.images.has(left.id)).toBe(true);
  },
);

test('an unwanted leftover of which it is not known whether it is in use stays', async () => {
  publish(release);
  const left = await leave({ properties: { current: old } });
  site.users.compute.intervene = ({ method }) => (method === 'GET' ? { status: 400 } : undefined);

  const outcome = await site.run(imageDeploy);

  expect(outcome.warnings).toContainEqual(expect.stringContaining('it is not known whether it is in use: '));
  expect(site.glance.state.images.has(left.id)).toBe(true);
});

test.each<[string, Partial<StoredImage>]>([
  ['renamed and made private', { name: `old-${name}`, visibility: 'private' }],
  ['called a backup', { name: `backup-${name}`, visibility: 'private' }],
  ['given the name of an incoming image', { name: `testing_${name}`, visibility: 'private' }],
  ['made private under its name', { visibility: 'private' }],
])('a production image that the operator has %s is the operator’s', async (_, changes) => {
  const mine = await startUpgrade();
  Object.assign(mine, changes);
  const asItWas = structuredClone(mine);

  const outcome = await site.run(imageDeploy);

  expect(outcome).toMatchObject({ changed: true, failures: [] });
  expect(resultsOf(outcome)).toMatchObject([{ action: 'deploy' }]);
  expect(onlyPublic().properties.current).toBe(release);
  expect(site.glance.state.images.get(mine.id)).toEqual(asItWas);
});

test('a leftover whose bytes are wrong is not deleted while a server uses it, and not published', async () => {
  publish(release);
  const left = await leave();
  site.glance.state.data.set(left.id, disk('altered'));
  Object.assign(left, { size: disk('altered').length, checksum: 'd41d8cd98f00b204e9800998ecf8427e' });
  site.users.compute.seed({ name: 'web-1', image: left.id });

  const outcome = await site.run(imageDeploy);

  expect(resultsOf(outcome)).toMatchObject([
    {
      action: 'failed',
      reason: expect.stringContaining(`${left.id} is kept, private: it is used by server web-1`),
    },
  ]);
  expect(site.glance.state.images.get(left.id)).toMatchObject({ visibility: 'private', name: `testing_${name}` });
});
