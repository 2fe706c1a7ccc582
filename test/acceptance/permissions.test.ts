// A user of each role on the real services: what check mode says beforehand, and that a run which
// may not finish its work neither uploads nor changes anything.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openIronic } from './baremetal.js';
import { createUser, fact } from './cloud.js';
import { parseResult, startModule, type Arguments } from './executable.js';
import { newRelease, onlyImage, publicImages, seedArchiveName, seedProduction } from './images.js';
import { uploadsTo, withSite, writesTo, type Site } from './site.js';

const dry = { _ansible_check_mode: true };
const publishing = /only with the role admin in the project \(policy publicize_image\); the login from .* has /;
const creating = /create images only with the role member in the project \(policies add_image, upload_image\)/;

/** The arguments of a login with these roles. */
async function loginAs(site: Site, role: string, systemRole?: string): Promise<Arguments> {
  const roles = { role, ...(systemRole === undefined ? {} : { systemRole }) };
  const { user_id, password, remove } = await createUser(site.cloud, site.project, roles);
  site.afterwards(remove);
  return { auth: { auth_url: site.cloud.keystone_url, user_id, password, project_id: site.project.id } };
}

async function run(site: Site, name: string, given: Arguments): Promise<Record<string, any>> {
  const running = startModule(name, { region_name: 'RegionOne', ...given }, {});
  site.afterwards(() => running.kill());
  return parseResult(await running.ended);
}

describe('a deployment', () => {
  test.concurrent.each([
    // The role manager includes member only where Keystone itself has it.
    ['reader', [creating, publishing]],
    ['member', [publishing]],
    ['manager', undefined],
  ])('by a %s is told in check mode, and uploads nothing', (role, expected) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      await site.store.publish(site.name, newRelease);
      const login = await loginAs(site, role);

      const planned = await site.deploy({ ...login, ...dry });
      const plannedWrites = writesTo(site.glanceProxy);
      const done = await site.deploy(login);

      expect(planned.changed).toBe(true);
      if (expected) expect(planned.warnings).toEqual(expected.map((text) => expect.stringMatching(text)));
      expect(planned.warnings?.at(-1)).toMatch(publishing);
      expect(plannedWrites).toEqual([]);
      expect(onlyImage(done)).toMatchObject({ action: 'failed', reason: expect.stringMatching(publishing) });
      expect(writesTo(site.glanceProxy).map(({ method, path }) => `${method} ${path}`)).toEqual([
        `PATCH /v2/images/${old.id}`,
      ]);
      expect(await site.glance.list()).toEqual([old]);
    })(),
  );

  test.concurrent(
    'of the first image by a member creates it, asks, and deletes it while it is empty',
    withSite(async (site) => {
      await site.store.publish(site.name, newRelease);

      const done = await site.deploy(await loginAs(site, 'member'));

      expect(onlyImage(done)).toMatchObject({ action: 'failed', reason: expect.stringMatching(publishing) });
      expect(writesTo(site.glanceProxy).map(({ method }) => method)).toEqual(['POST', 'PATCH', 'DELETE']);
      expect(uploadsTo(site.glanceProxy)).toEqual([]);
      expect(await site.glance.list()).toEqual([]);
      // The next run with the right login is not in the way of the id that was spent.
      expect(await site.deploy()).toMatchObject({ changed: true, msg: '1 deploy' });
    }),
  );

  test.concurrent(
    'by an admin is told nothing and costs no request more',
    withSite(async (site) => {
      await seedProduction(site);
      await site.store.publish(site.name, newRelease);
      const login = await loginAs(site, 'admin');

      const planned = await site.deploy({ ...login, ...dry });
      const done = await site.deploy(login);

      expect(planned.warnings ?? []).toEqual([]);
      expect(done).toMatchObject({ changed: true, msg: '1 deploy' });
      expect(writesTo(site.glanceProxy).map(({ method }) => method)).toEqual(['POST', 'PUT', 'PATCH', 'PATCH']);
    }),
  );
});

describe('other changes of images', () => {
  test.concurrent(
    'a rollback to a private image by a member is told in check mode, and changes nothing',
    withSite(async (site) => {
      const old = await seedProduction(site);
      await site.store.publish(site.name, newRelease);
      await site.deploy();
      await site.glance.change(old.id, { visibility: 'private' });
      const before = await publicImages(site);
      const login = await loginAs(site, 'member');

      const planned = await site.rollback({ ...login, ...dry });
      const done = await site.rollback(login);

      expect(planned.warnings).toEqual([expect.stringMatching(publishing)]);
      expect(onlyImage(done)).toMatchObject({ action: 'failed', reason: expect.stringMatching(publishing) });
      expect(await publicImages(site)).toEqual(before);
      expect(await site.glance.get(old.id)).toMatchObject({ name: seedArchiveName(site), visibility: 'private' });
    }),
  );

  test.concurrent(
    'properties and a cached image are told to a reader in check mode',
    withSite(async (site) => {
      const old = await seedProduction(site);
      const folder = mkdtempSync(join(tmpdir(), 'cache-'));
      site.afterwards(() => rmSync(folder, { recursive: true }));
      const login = { ...(await loginAs(site, 'reader')), ...dry };

      const other = await seedProduction(site, { name: `${site.name}-2` });
      const property = await run(site, 'image_property', { ...login, images: [old.id], set: { a: 'b' } });
      const cache = await run(site, 'image_cache', {
        ...login,
        sets: [{ name: 'ipa', dest: folder, glance: { kernel: old.id, ramdisk: other.id } }],
      });

      expect(property['warnings']).toEqual([
        expect.stringMatching(/role member in the project \(policy modify_image\)/),
      ]);
      expect(cache['warnings']).toEqual([
        expect.stringMatching(/role member in the project \(policy download_image\)/),
      ]);
      expect(await site.glance.get(old.id)).toEqual(old);
    }),
  );

  test.concurrent.each(['reader', 'member'])('a clean-up by a %s is refused in check mode as in a run', (role) =>
    withSite(async (site) => {
      await site.store.publish(site.name, newRelease);
      const login = await loginAs(site, role);
      const store = { object_store_url: site.storeProxy.url, scope: site.scope };

      for (const mode of [dry, {}])
        expect(await run(site, 'image_clean', { ...store, ...login, ...mode, lock_dir: site.addHost() })).toMatchObject(
          {
            failed: true,
            code: 'USE_UNKNOWN',
          },
        );
    })(),
  );
});

describe('nodes', () => {
  const inventory = (site: Site): Arguments => ({
    nodes: [1, 2].map((at) => ({ name: `${site.name}-${at}`, driver: 'fake-hardware' })),
    state: 'enroll',
    concurrency: 1,
    bypass_inventory: true,
  });
  const at = (site: Site, url: 'ironic_url' | 'ironic_scoped_url'): Arguments => ({
    endpoint_override: { baremetal: fact(site.cloud, url) },
  });

  test.concurrent.each([
    ['a member', 'member', undefined, 'ironic_url'],
    ['a member where scope is enforced', 'member', undefined, 'ironic_scoped_url'],
    ['a reader of the system', 'member', 'reader', 'ironic_scoped_url'],
    ['a member of the system', 'member', 'member', 'ironic_scoped_url'],
  ] as const)('that %s enrolls are told in check mode, and the run stops at the first', (_, role, systemRole, url) =>
    withSite(async (site) => {
      const given = { ...(await loginAs(site, role, systemRole)), ...at(site, url), ...inventory(site) };

      const planned = await run(site, 'baremetal_enroll', { ...given, ...dry });
      const done = await run(site, 'baremetal_enroll', given);

      expect(planned['nodes']).toMatchObject([{ action: 'create' }, { action: 'create' }]);
      expect(planned['warnings']).toContainEqual(
        expect.stringMatching(/create nodes only with the role admin .*baremetal:node:create/),
      );
      expect(done).toMatchObject({ failed: true, changed: false });
      expect(done['nodes']).toMatchObject([
        { action: 'failed', reason: expect.stringMatching(/baremetal:node:create.*openstack role add/) },
        { action: 'failed', error_code: 'NOT_PERMITTED' },
      ]);
    })(),
  );

  test.concurrent(
    'that a reader of the system sees are not changed, as check mode says, and a member of it may',
    withSite(async (site) => {
      const ironic = openIronic(site);
      const name = `${site.name}-1`;
      const uuid = await ironic.createNode({ name, owner: null });
      const { owner } = await ironic.getNode(uuid);
      if (owner !== null) await ironic.ask('PATCH', `/nodes/${uuid}`, [{ op: 'remove', path: '/owner' }]);
      const change = { ...at(site, 'ironic_scoped_url'), name, extra: { rack: '7' } };
      const asReader = { ...(await loginAs(site, 'reader', 'reader')), ...change };
      const asMember = { ...(await loginAs(site, 'reader', 'member')), ...change };

      const planned = await run(site, 'baremetal_node', { ...asReader, ...dry });
      const refused = await run(site, 'baremetal_node', asReader);
      const permitted = await run(site, 'baremetal_node', { ...asMember, ...dry });
      const done = await run(site, 'baremetal_node', asMember);

      expect(planned['warnings']).toEqual([
        // Zed has the former rules too, by which the admin of any project may.
        expect.stringMatching(/only with the role .*member on the system .*baremetal:node:update/),
      ]);
      expect(refused).toMatchObject({ failed: true, changed: false });
      expect(permitted['warnings'] ?? []).toEqual([]);
      expect(done).toMatchObject({ changed: true });
      expect((await ironic.getNode(uuid))['extra']).toEqual({ rack: '7' });
    }),
  );

  test.concurrent(
    'that a project owns may be enrolled by its admin',
    withSite(async (site) => {
      const ironic = openIronic(site);
      const given = { ...(await loginAs(site, 'admin')), ...at(site, 'ironic_scoped_url'), ...inventory(site) };

      const planned = await run(site, 'baremetal_enroll', { ...given, ...dry });
      const done = await run(site, 'baremetal_enroll', given);
      for (const { uuid } of done['nodes']) site.afterwards(() => ironic.ask('DELETE', `/nodes/${uuid}`));

      expect(planned['warnings']).not.toContainEqual(expect.stringContaining('probably be refused'));
      expect(done['nodes']).toMatchObject([{ action: 'create' }, { action: 'create' }]);
    }),
  );
});
