// What other projects have under our ids, names and markers, and what the operator has set aside,
// on the real Glance and Nova.
import { expect, test } from '@jest/globals';
import { imageId } from '../../modules/images/policy/new-image.js';
import { tokenOf } from './cloud.js';
import { bootServer } from './compute.js';
import { makeDisk } from './disk.js';
import { openGlance, type RawGlance, type RawImage } from './glance.js';
import { newRelease, oldRelease, onlyImage, publicImages } from './images.js';
import { withSite, type Site } from './site.js';

/** Several runs each; many of these tests go on side by side. */
const patience = 300_000;

type Attributes = Readonly<Record<string, unknown>>;

interface Upgrade {
  /** The production image, which a run has brought in. */
  readonly old: RawImage;
  /** The bytes of the release to come. */
  readonly content: Buffer;
  readonly stranger: RawGlance;
}

/** A site with a production image of ours, and a store that has the next release. */
async function startUpgrade(site: Site): Promise<Upgrade> {
  await site.store.publish(site.name, oldRelease);
  const { id } = onlyImage(await site.deploy());
  const content = makeDisk();
  await site.store.publish(site.name, newRelease, { content });
  const stranger = openGlance(site.cloud.glance_url, await tokenOf(site.cloud, 'demo'), site.cloud.demo_project_id);
  return { old: await site.glance.get(id), content, stranger };
}

function nextId(site: Site, attempt: number): string {
  return imageId({ project: site.project.id, name: site.name, release: newRelease, attempt });
}

/**
 * What any user can make of a public image: its properties and markers, under the id of the release
 * to come.
 */
async function squat(
  site: Site,
  { old, content, stranger }: Upgrade,
  attempt: number,
  attributes: Attributes = {},
  hasData = true,
): Promise<RawImage> {
  const id = nextId(site, attempt);
  const properties = Object.fromEntries(
    Object.entries(old).filter(([key]) => key.startsWith('build-') || key.startsWith('image_tools_')),
  );
  const image = {
    ...properties,
    id,
    name: `testing_${site.name}`,
    visibility: 'private',
    current: newRelease,
    image_tools_id: id,
    hypervisor_type: 'evil',
    ...attributes,
  };
  const created = await stranger.create(image, hasData ? content : undefined);
  site.afterwards(() => stranger.remove(id));
  return created;
}

test.concurrent.each<[string, Attributes, boolean]>([
  ['private, with the genuine bytes', {}, true],
  ['with another disk format and min_disk', { disk_format: 'raw', min_disk: 9999 }, true],
  ['queued, with a lock that nobody holds', { image_tools_lock: 'nobody' }, false],
])("passes over another project's image under the id of the release to come: %s", (_, attributes, hasData) =>
  withSite(async (site) => {
    const upgrade = await startUpgrade(site);
    const foreign = await squat(site, upgrade, 0, attributes, hasData);

    const result = await site.deploy();

    expect(result).toMatchObject({
      changed: true,
      warnings: [
        expect.stringContaining(`(${foreign.id}) of project ${site.cloud.demo_project_id}; another id is used`),
      ],
    });
    expect(result.failed).toBeUndefined();
    expect(onlyImage(result)).toMatchObject({ action: 'deploy', id: nextId(site, 1), archived_id: upgrade.old.id });
    const [image, ...others] = await publicImages(site);
    expect(others).toEqual([]);
    expect(image).toMatchObject({
      id: nextId(site, 1),
      owner: site.project.id,
      current: newRelease,
      disk_format: 'qcow2',
      min_disk: 0,
    });
    expect(image?.hypervisor_type).toBeUndefined();
    expect(await upgrade.stranger.get(foreign.id)).toEqual(foreign);
    expect(await site.deploy()).toMatchObject({ changed: false });
  })(),
);

test.concurrent.each([3, 6])(
  'is not kept from a release by another project that has the next %i ids',
  (count) =>
    withSite(async (site) => {
      const upgrade = await startUpgrade(site);
      const foreign: RawImage[] = [];
      for (let attempt = 0; attempt < count; attempt++) foreign.push(await squat(site, upgrade, attempt));

      const result = await site.deploy();

      expect(result.failed).toBeUndefined();
      expect(result.warnings).toHaveLength(3);
      const [image] = await publicImages(site);
      expect(image).toMatchObject({
        id: onlyImage(result).id,
        image_tools_id: onlyImage(result).id,
        owner: site.project.id,
        current: newRelease,
      });
      expect(Array.from({ length: 9 }, (__, attempt) => nextId(site, attempt))).not.toContain(image?.id);
      for (const each of foreign) expect(await upgrade.stranger.get(each.id)).toEqual(each);
      expect(await site.deploy()).toMatchObject({ changed: false });
    })(),
  patience,
);

test.concurrent.each<[string, (name: string) => string, boolean]>([
  ['as old-NAME, and a server uses it', (name) => `old-${name}`, true],
  ['as backup-NAME, and nobody uses it', (name) => `backup-${name}`, false],
  ['as testing_NAME, and nobody uses it', (name) => `testing_${name}`, false],
])('leaves alone what the operator has set aside %s', (_, renamed, isUsed) =>
  withSite(async (site) => {
    const { old } = await startUpgrade(site);
    if (isUsed) await bootServer(site, 'web', old.id);
    await site.glance.change(old.id, { name: renamed(site.name), visibility: 'private' });
    const asItWas = await site.glance.get(old.id);

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    expect(result.images.map(({ action }) => action)).toEqual(['deploy']);
    expect(await site.glance.get(old.id)).toEqual(asItWas);
    expect(await publicImages(site)).toEqual([expect.objectContaining({ current: newRelease })]);
  })(),
);

test.concurrent(
  'leaves alone an unwanted leftover that a server uses, and tells it',
  withSite(async (site) => {
    const { old } = await startUpgrade(site);
    const id = `11111111-2222-4333-8444-${site.project.id.slice(0, 12)}`;
    const markers = {
      image_tools_id: id,
      image_tools_name: site.name,
      image_tools_lock: old.image_tools_lock,
      image_tools_source: old.image_tools_source,
    };
    await site.glance.create(
      { id, name: `testing_${site.name}`, visibility: 'private', current: '20240101-v1-amd', ...markers },
      Buffer.from('left behind'),
    );
    const server = await bootServer(site, 'web', id);
    const asItWas = await site.glance.get(id);

    const result = await site.deploy();

    expect(result).toMatchObject({
      warnings: [
        expect.stringContaining(
          `(${id}), left by an earlier run, was not deleted: it is used by server ${server.name}`,
        ),
      ],
    });
    expect(result.images.map(({ action }) => action)).toEqual(['deploy']);
    expect(await site.glance.get(id)).toEqual(asItWas);
  }),
);
