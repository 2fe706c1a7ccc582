// The cleaner on real Glance, Nova and Ironic: what has had its time goes, and nothing that anybody
// uses.
import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { openGlance, type RawImage } from './glance.js';
import { act, bootServer, snapshotServer } from './compute.js';
import { openIronic } from './baremetal.js';
import { actionsOf, openOldSite, sql, type OldSite } from './image-clean-site.js';
import { withSite, writesTo, type Site } from './site.js';

const due = '19 months old, deleted at 18';

/**
 * What each image is for, and what is to become of it. An image that is not ours to clean has no
 * expectation.
 */
interface Case {
  readonly image: RawImage;
  readonly expected?: string;
}

async function seedAges({ site, seed }: OldSite): Promise<Case[]> {
  const id = randomUUID();
  const seeds: [months: number, attributes: Record<string, unknown>, expected: string | RegExp][] = [
    [40, { name: site.name }, `keep current: the production image of ${site.name}`],
    [5, {}, 'keep archived: 5 months old; due to be hidden on'],
    [12, {}, 'hide archived: 12 months old, hidden at 12'],
    [17, { visibility: 'community' }, 'hide archived: 17 months old, hidden at 12'],
    [13, { visibility: 'private' }, 'keep archived: 13 months old and hidden; due to be deleted on'],
    [13, { os_hidden: true }, 'keep archived: 13 months old and hidden; due to be deleted on'],
    [18, {}, 'delete archived: 18 months old, deleted at 18'],
    [19, { visibility: 'private' }, `delete archived: ${due}`],
    [19, { os_hidden: true }, `delete archived: ${due}`],
    [19, { name: `${site.name}-20230302-1677628504.897832` }, `delete archived: ${due}`],
    [19, { name: `${site.name}-20230302.2` }, `delete archived: ${due}`],
    [
      19,
      { id, name: `${site.name}_2024-02-01 10:00:00`, image_tools_id: id, image_tools_name: site.name },
      `delete archived: ${due}`,
    ],
    [
      19,
      { name: `${site.name}-Gone` },
      'hide deprecated: 19 months old, hidden at 12; due to be deleted 30 days later at the earliest',
    ],
    [13, { name: `${site.name}-Going`, visibility: 'private' }, 'hide deprecated: 13 months old, and already hidden'],
    [19, { name: `${site.name} of Bob: keep` }, 'keep archived: left alone: its name is neither'],
    [19, { protected: true }, `skip archived: protected in Glance; ${due}`],
    [19, { name: `${site.name}-Skipped-20230302` }, `skip archived: listed in skip_images; ${due}`],
  ];
  return Promise.all(
    seeds.map(async ([months, attributes, expected]) => ({
      image: await seed(months, attributes),
      expected: String(expected),
    })),
  );
}

/** Each image with a server in another state. */
async function seedServers({ site, seed }: OldSite): Promise<Case[]> {
  const states: [name: string, prepare: (server: { id: string; name: string }) => Promise<void> | void][] = [
    ['active', () => undefined],
    ['stopped', (server) => act(site, server, { 'os-stop': null }, 'SHUTOFF')],
    ['shelved', (server) => act(site, server, { shelve: null }, 'SHELVED_OFFLOADED')],
    ['broken', (server) => act(site, server, { 'os-resetState': { state: 'error' } }, 'ERROR')],
    ['soft', ({ id }) => sql('nova', `UPDATE instances SET vm_state = 'soft-delete' WHERE uuid = '${id}'`)],
  ];
  return Promise.all(
    states.map(async ([state, prepare]) => {
      const image = await seed(19);
      const server = await bootServer(site, `web-${state}`, image.id);
      await prepare(server);
      const what = state === 'soft' ? 'soft-deleted server web-soft' : `server web-${state}`;
      return { image, expected: `skip archived: used by ${what} of project ${site.scope}; ${due}` };
    }),
  );
}

async function seedNodes({ site, seed }: OldSite): Promise<Case[]> {
  const [kernel, ramdisk, source] = [
    await seed(19, { name: `${site.name}.kernel-20230302` }),
    await seed(19),
    await seed(19),
  ];
  await openIronic(site).createNode({
    name: `deploys-${site.scope}`,
    driver_info: { deploy_kernel: kernel.id, deploy_ramdisk: `glance://${ramdisk.id}` },
  });
  await openIronic(site).createNode({ name: `runs-${site.scope}`, instance_info: { image_source: source.id } });
  return [
    {
      image: kernel,
      expected: `skip archived: used by node deploys-${site.scope} (driver_info deploy_kernel); ${due}`,
    },
    {
      image: ramdisk,
      expected: `skip archived: used by node deploys-${site.scope} (driver_info deploy_ramdisk); ${due}`,
    },
    { image: source, expected: `skip archived: used by node runs-${site.scope} (instance_info image_source); ${due}` },
  ];
}

/** Images that others boot with, and images that only look like ours. */
async function seedOthers({ site, seed }: OldSite): Promise<Case[]> {
  const [needed, obsolete, snapped] = [await seed(19), await seed(19), await seed(19)];
  const stranger = openGlance(site.cloud.glance_url, site.project.token, site.cloud.demo_project_id);
  const booting = await stranger.create(
    {
      owner: site.cloud.demo_project_id,
      name: `boots-${site.scope}`,
      visibility: 'community',
      os_hidden: true,
      kernel_id: needed.id,
    },
    Buffer.from('x'),
  );
  const foreign = await stranger.create(
    {
      owner: site.cloud.demo_project_id,
      name: `${site.name}-20230302`,
      visibility: 'public',
      current: '1',
      'build-variant': 'base',
    },
    Buffer.from('x'),
  );
  site.afterwards(() => Promise.all([booting, foreign].map(({ id }) => stranger.remove(id))));
  sql('glance', `UPDATE images SET created_at = '2020-01-01' WHERE id = '${foreign.id}'`);
  const server = await bootServer(site, 'snapped', snapped.id);
  const snapshot = await snapshotServer(site, server, `${site.name}-20230303`);
  sql('glance', `UPDATE images SET created_at = '2020-01-01' WHERE id = '${snapshot}'`);
  return [
    {
      image: needed,
      expected: `skip archived: used by image boots-${site.scope} (${booting.id}) as its kernel or ramdisk; ${due}`,
    },
    { image: obsolete, expected: `delete archived: ${due}` },
    { image: await seed(19, { kernel_id: obsolete.id }), expected: `delete archived: ${due}` },
    { image: snapped, expected: `skip archived: used by server snapped of project ${site.scope}; ${due}` },
    { image: await site.glance.get(snapshot) },
    { image: await stranger.get(foreign.id) },
    { image: await seed(30, { name: `testing_${site.name}`, visibility: 'private' }) },
    { image: await seed(30, { name: `${site.name}-20230304`, current: '1', image_tools_id: randomUUID() }) },
  ];
}

/** Nothing of the image is other than it was, but what was to become of it. */
async function expectDone(site: Site, { image, expected = 'keep' }: Case): Promise<void> {
  const present = await site.glance.get(image.id).catch((error: { status?: number }) => error.status);
  if (expected.startsWith('delete')) expect([image.name, present]).toEqual([image.name, 404]);
  else if (expected.startsWith('hide deprecated'))
    expect(present).toEqual({
      ...image,
      visibility: 'private',
      image_tools_hidden_at: expect.any(String),
      updated_at: expect.any(String),
    });
  else if (expected.startsWith('hide'))
    expect(present).toEqual({ ...image, visibility: 'private', updated_at: expect.any(String) });
  else expect(present).toEqual(image);
}

test.concurrent(
  'hides, deletes and leaves alone, image by image, and has nothing left to do the next time',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const cases = (await Promise.all([seedAges(old), seedServers(old), seedNodes(old), seedOthers(old)])).flat();
    const ours = cases.filter(({ expected }) => expected !== undefined);
    site.afterwards(() => sql('glance', `UPDATE images SET protected = 0 WHERE owner = '${site.project.id}'`));
    const given = { skip_images: [`${site.name}-Skipped*`] };

    const planned = await old.clean({ ...given, _ansible_check_mode: true, _ansible_diff: true });

    expect(writesTo(site.glanceProxy)).toEqual([]);
    const actions = actionsOf(planned);
    for (const { image, expected } of ours)
      expect(`${image.name} ${actions.get(image.id)}`).toContain(`${image.name} ${expected}`);
    expect([...actions.keys()].sort()).toEqual(ours.map(({ image }) => image.id).sort());
    expect(planned).toMatchObject({
      changed: true,
      sources: ['compute', 'baremetal'],
      absent: ['block-storage', 'inventory'],
    });
    const refused = await old.clean({ ...given, max_deletes: 3 });
    expect(refused).toMatchObject({
      failed: true,
      changed: false,
      msg: expect.stringContaining('more than max_deletes (3'),
    });
    expect(writesTo(site.glanceProxy)).toEqual([]);

    const first = await old.clean(given);

    expect(first.failed).toBeUndefined();
    expect(actionsOf(first)).toEqual(actions);
    for (const one of cases) await expectDone(site, one);
    const writes = writesTo(site.glanceProxy).length;
    expect(await old.clean(given)).toMatchObject({ changed: false });
    expect(writesTo(site.glanceProxy)).toHaveLength(writes);
    const gone = cases.find(({ image }) => image.name === `${site.name}-Gone`)!.image;
    sql('glance', `UPDATE images SET updated_at = NOW() - INTERVAL 31 DAY WHERE id = '${gone.id}'`);
    expect(actionsOf(await old.clean(given)).get(gone.id)).toBe(`delete deprecated: ${due}`);
  }),
);

test.concurrent(
  'leaves an image alone on which a server starts after the plan was made',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const [image, other] = [await old.seed(19), await old.seed(19)];
    site.glanceProxy.addFault({
      method: 'GET',
      path: new RegExp(`${image.id}$`),
      nth: 1,
      before: async () => void (await bootServer(site, 'quick', image.id)),
    });

    const result = await old.clean();

    expect(actionsOf(result)).toEqual(
      new Map([
        [image.id, `skip archived: used by server quick of project ${site.scope}; ${due}`],
        [other.id, `delete archived: ${due}`],
      ]),
    );
    expect((await site.glance.get(image.id)).status).toBe('active');
  }),
);

test.concurrent(
  'changes nothing where Nova answers 503',
  withSite(async (site) => {
    const old = await openOldSite(site);
    await Promise.all([old.seed(13), old.seed(19)]);
    old.novaProxy.addFault({ path: /detail/, status: 503 });

    const result = await old.clean();

    expect(result).toMatchObject({ failed: true, changed: false, code: 'USE_UNKNOWN' });
    expect(result.msg).toMatch(/^Nova does not report which images are in use, so nothing is hidden or deleted: .*503/);
    expect(writesTo(site.glanceProxy)).toEqual([]);
  }),
);

test.concurrent(
  'finds an image on the second page of Ironic, and changes nothing where that page answers 500',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const [image] = [await old.seed(19), await old.seed(13)];
    const node = await openIronic(site).createNode({ name: `first-${site.scope}` });
    const columns =
      'driver, driver_info, instance_info, driver_internal_info, properties, extra, provision_state, ' +
      'maintenance, console_enabled';
    site.afterwards(() => sql('ironic', `DELETE FROM nodes WHERE name LIKE '${site.scope}-%'`));
    sql(
      'ironic',
      `INSERT INTO nodes (uuid, name, version, ${columns}) SELECT UUID(), CONCAT('${site.scope}-', seq), ` +
        `version, ${columns} FROM nodes, seq_1_to_1100 WHERE uuid = '${node}'`,
    );
    await openIronic(site).createNode({ name: `last-${site.scope}`, driver_info: { rescue_ramdisk: image.id } });

    const fault = old.ironicProxy.addFault({ path: /marker=/, status: 500 });
    const failed = await old.clean();
    fault.remove();
    const result = await old.clean();

    expect(failed).toMatchObject({
      failed: true,
      changed: false,
      code: 'USE_UNKNOWN',
      msg: expect.stringContaining('Ironic does not report which images are in use'),
    });
    expect(actionsOf(result).get(image.id)).toBe(
      `skip archived: used by node last-${site.scope} (driver_info rescue_ramdisk); ${due}`,
    );
  }),
);
