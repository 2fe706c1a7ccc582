import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createMember } from './cloud.js';
import { newRelease, oldRelease, onlyImage, seedProduction } from './images.js';
import { withSite, writesTo, type Site } from './site.js';

/** One image in each state, under the site's name. */
async function seedStates(
  site: Site,
): Promise<{ current: string; archived: string; hidden: string; incoming: string; unmanaged: string }> {
  const build = { 'build-timestamp': '2024-11-05 08:00:00', current: oldRelease };
  const superseded = { 'chameleon-supported': 'no', image_tools_superseded_at: '2025-01-15T12:00:00Z' };
  const create = async (attributes: Readonly<Record<string, unknown>>): Promise<string> =>
    (await site.glance.create(attributes, Buffer.from('data'))).id;
  const incoming = randomUUID();
  return {
    current: await create({ name: site.name, visibility: 'public', current: newRelease }),
    archived: await create({ name: `${site.name}_2024-11-05 08:00:00`, visibility: 'public', ...build, ...superseded }),
    hidden: await create({ name: `${site.name}_1677628504.897832`, visibility: 'public', os_hidden: true, ...build }),
    incoming: await create({
      id: incoming,
      name: `testing_${site.name}`,
      visibility: 'private',
      current: newRelease,
      image_tools_id: incoming,
      image_tools_name: site.name,
    }),
    unmanaged: await create({ name: `${site.name}-of-a-user`, visibility: 'private' }),
  };
}

test.concurrent(
  'says of each image in which part of its life it is',
  withSite(async (site) => {
    const ids = await seedStates(site);

    const result = await site.info({
      images: [`*${site.name}*`],
      state: ['current', 'archived', 'incoming', 'unmanaged'],
    });

    expect(result).toMatchObject({ changed: false, msg: '5 images' });
    const byId = new Map(result.images.map((image) => [image.id, image]));
    const of = (state: keyof typeof ids) => byId.get(ids[state]);
    const shared = {
      production_name: site.name,
      managed: true,
      owner: site.project.id,
      disk_format: 'raw',
      bytes: 4,
      age_days: 0,
      status: 'active',
    };
    expect(of('current')).toMatchObject({
      ...shared,
      state: 'current',
      release: newRelease,
      visibility: 'public',
      hidden: false,
    });
    expect(of('archived')).toMatchObject({
      ...shared,
      state: 'archived',
      release: oldRelease,
      superseded_at: '2025-01-15T12:00:00Z',
    });
    expect(of('hidden')).toMatchObject({ ...shared, state: 'archived', hidden: true });
    expect(of('incoming')).toMatchObject({
      ...shared,
      state: 'incoming',
      visibility: 'private',
      name: `testing_${site.name}`,
    });
    expect(of('unmanaged')).toMatchObject({ state: 'unmanaged', managed: false });
    expect(of('unmanaged')?.production_name).toBeUndefined();
  }),
);

test.concurrent(
  'filters by state, name, production name, pattern and id, and leaves out what is not managed unless asked',
  withSite(async (site) => {
    const ids = await seedStates(site);
    const idsOf = async (given: Readonly<Record<string, unknown>>): Promise<string[]> =>
      (await site.info(given)).images.map(({ id }) => id).sort();

    expect(await idsOf({ images: [site.name] })).toEqual([ids.current, ids.archived, ids.hidden, ids.incoming].sort());
    expect(await idsOf({ images: [site.name], state: ['archived'] })).toEqual([ids.archived, ids.hidden].sort());
    expect(await idsOf({ images: [`${site.name}*user`] })).toEqual([]);
    expect(await idsOf({ images: [`${site.name}*user`], state: 'unmanaged' })).toEqual([ids.unmanaged]);
    expect(await idsOf({ images: [ids.hidden, ids.current] })).toEqual([ids.hidden, ids.current].sort());
    expect(writesTo(site.glanceProxy)).toEqual([]);
  }),
);

test.concurrent(
  'gives an empty list where nothing matches',
  withSite(async (site) => {
    const result = await site.info({ images: [site.name] });

    expect(result).toMatchObject({ changed: false, msg: '0 images', images: [] });
    expect(result.failed).toBeUndefined();
  }),
);

test.concurrent(
  "shows to an unprivileged user of another project what that user may see, and as nobody's to care for",
  withSite(async (site) => {
    const { id } = await seedProduction(site);
    await site.glance.create({ name: `testing_${site.name}`, visibility: 'private' });
    const all = ['current', 'archived', 'incoming', 'unmanaged'];

    const result = await site.info({ cloud: 'local-user', images: [`*${site.name}*`], state: all });

    expect(onlyImage(result)).toMatchObject({ id, state: 'unmanaged', managed: false });
  }),
);

test.concurrent(
  'shows to an unprivileged user of the same project the same as to the admin',
  withSite(async (site) => {
    await seedStates(site);
    const member = await createMember(site.cloud, site.project);
    site.afterwards(() => member.remove());
    const auth = {
      auth_url: site.cloud.keystone_url,
      user_id: member.user_id,
      password: member.password,
      project_id: site.project.id,
    };

    const [forMember, forAdmin] = [
      await site.info({ auth, images: [site.name] }),
      await site.info({ images: [site.name] }),
    ];

    expect(forMember.images).toHaveLength(4);
    // Keystone tells the names of projects to admins only.
    expect(forMember.images).toEqual(forAdmin.images.map(({ owner_name: _name, ...image }) => image));
  }),
);

test.concurrent(
  'tells what a deployment has left',
  withSite(async (site) => {
    await site.store.publish(site.name, oldRelease);
    const { id: oldId } = onlyImage(await site.deploy());
    await site.store.publish(site.name, newRelease);
    const { id: newId } = onlyImage(await site.deploy());

    const { images } = await site.info({ images: [site.name] });

    expect(images).toMatchObject([
      { id: newId, state: 'current', release: newRelease },
      { id: oldId, state: 'archived', release: oldRelease, superseded_at: expect.any(String) },
    ]);
  }),
);
