// Two tokens in one login, on an Ironic that shows a project's admin only the nodes of the project,
// as 2024.1 and newer do by default.
import { describe, expect, test } from '@jest/globals';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { openIronic as openOurs } from '../../modules/clients/ironic/api.js';
import { createNode, deleteNode, getNode, setProvisionState } from '../../modules/clients/ironic/nodes.js';
import { seesAllNodes } from '../../modules/clients/ironic/visibility.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin, type LoginArguments } from '../../modules/clients/keystone/login.js';
import { openIronic } from './baremetal.js';
import { fact } from './cloud.js';
import { withSite, type Site } from './site.js';

const http = createHttpClient({ validateCerts: true, timeoutSeconds: 30, signal: new AbortController().signal });

async function open(site: Site, args: LoginArguments, environment: Record<string, string> = {}): Promise<Cloud> {
  return connect(
    await resolveLogin(args, { OS_CLIENT_CONFIG_FILE: site.cloud.os_client_config_file, ...environment }),
    http,
  );
}

/** A node of nobody. */
const nodeOfNobody = (site: Site): Promise<string> =>
  openIronic(site)
    .createNode({ owner: null })
    .then((uuid) => disown(site, uuid));

/** Zed gives a node that a project's token creates to the project. */
async function disown(site: Site, uuid: string): Promise<string> {
  const ironic = openIronic(site);
  const { owner } = await ironic.getNode(uuid);
  if (owner !== null) await ironic.ask('PATCH', `/nodes/${uuid}`, [{ op: 'remove', path: '/owner' }]);
  return uuid;
}

const isSeen = async (cloud: Cloud, uuid: string): Promise<boolean> =>
  (await getNode(await openOurs(cloud), uuid)) !== undefined;

describe('an Ironic that enforces scope', () => {
  test.each([
    ['an admin with a role on the system', { cloud: 'local-scoped' }, 'system', true],
    ['a login to the whole system alone, as kolla-admin-system', { cloud: 'local-system' }, 'system', true],
    ['an admin of the project alone', { cloud: 'local-scoped-operator' }, 'project', false],
  ] as const)('shows nodes of nobody to %s: %s', (_, args, scope, sees) =>
    withSite(async (site) => {
      const uuid = await nodeOfNobody(site);
      const cloud = await open(site, args);

      expect(await cloud.baremetalScope()).toBe(scope);
      expect(await isSeen(cloud, uuid)).toBe(sees);
      expect(await seesAllNodes(cloud)).toMatchObject({ seen: sees });
    })(),
  );

  test(
    'does not show them to an application credential, which is told',
    withSite(async (site) => {
      const cloud = await open(site, {
        cloud: 'local-appcred',
        endpoint_override: { baremetal: fact(site.cloud, 'ironic_scoped_url') },
      });

      const { seen, why } = await seesAllNodes(cloud);

      expect(seen).toBe(false);
      expect(why).toContain('log in with a password, since application credentials cannot have system scope');
    }),
  );

  test(
    'images are read with the token of the project in the same login',
    withSite(async (site) => {
      const cloud = await open(site, { cloud: 'local-scoped', system_scope: 'all' });
      const uuid = await nodeOfNobody(site);

      expect((await cloud.request('image', { method: 'GET', path: '/v2/images?limit=1' })).status).toBe(200);
      expect(cloud.projectId).toBe(site.cloud.admin_project_id);
      expect(await isSeen(cloud, uuid)).toBe(true);
    }),
  );

  test(
    'a login to the whole system alone has no images',
    withSite(async (site) => {
      const cloud = await open(site, { cloud: 'local-system' });

      await expect(cloud.request('image', { method: 'GET', path: '/v2/images' })).rejects.toMatchObject({
        code: 'NO_PROJECT',
        message: expect.stringContaining('has system scope (system_scope: all) and no project'),
      });
    }),
  );

  test(
    'by OS_SYSTEM_SCOPE, and refused to who has no role there',
    withSite(async (site) => {
      const openrc = (user: string): Record<string, string> => ({
        ...{
          OS_AUTH_URL: site.cloud.keystone_url,
          OS_USERNAME: user,
          OS_PASSWORD: fact(site.cloud, `${user}_password`),
          OS_PROJECT_NAME: 'admin',
          OS_SYSTEM_SCOPE: 'all',
        },
        OS_BAREMETAL_ENDPOINT_OVERRIDE: fact(site.cloud, 'ironic_scoped_url'),
      });
      const uuid = await nodeOfNobody(site);

      expect(await isSeen(await open(site, {}, openrc('admin')), uuid)).toBe(true);
      await expect(open(site, {}, openrc('operator')).then((cloud) => isSeen(cloud, uuid))).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        message: expect.stringContaining('a system-scoped token'),
      });
    }),
  );

  test(
    'a node that is created with a token of the system has no owner, and goes through its states',
    withSite(async (site) => {
      const cloud = await open(site, { cloud: 'local-scoped' });
      const ironic = await openOurs(cloud);

      const { uuid, record } = await createNode(ironic, { driver: 'fake-hardware' });
      site.afterwards(() => deleteNode(ironic, uuid));
      await setProvisionState(ironic, uuid, { target: 'manage' });

      expect(record['owner']).toBeNull();
      expect(await openIronic(site).waitForState(uuid, 'manageable')).toMatchObject({ owner: null });
    }),
  );
});

test(
  'an Ironic as its release has it by itself shows all to the admin of a project before 2025.1, and not since',
  withSite(async (site) => {
    const cloud = await open(site, {
      cloud: 'local-scoped-operator',
      endpoint_override: { baremetal: fact(site.cloud, 'ironic_url') },
    });
    const uuid = await nodeOfNobody(site);

    const showsAll = (await openIronic(site).newestMinor()) < 96;

    expect([await isSeen(cloud, uuid), (await seesAllNodes(cloud)).seen]).toEqual([showsAll, showsAll]);
  }),
);
