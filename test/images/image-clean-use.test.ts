// What uses an image, what happens where that cannot be told, and what somebody does between the
// plan and the change.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Answer, Call } from '../sandbox/http-double.js';
import type { Users } from '../sandbox/sandbox.js';
import { age, clean, resultOf, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startOldSite();
});

afterEach(() => site.close());

describe('an image is kept while it is used by', () => {
  test.each([
    'ACTIVE',
    'SHUTOFF',
    'PAUSED',
    'SUSPENDED',
    'RESCUE',
    'ERROR',
    'BUILD',
    'VERIFY_RESIZE',
    'SHELVED',
    'SHELVED_OFFLOADED',
  ])('a server that is %s (18)', async (status) => {
    const image = seedOld(site);
    site.users.compute.seed({ name: 'web-3', image: image.id, status });

    const outcome = await clean(site);

    expect(resultOf(outcome, image)).toMatchObject({
      action: 'skip',
      reason: `used by server web-3 of project climate; ${age}`,
    });
    expect(outcome).toMatchObject({ changed: false, failures: [] });
    expect(site.writes()).toEqual([]);
  });

  test('a server that was deleted softly (18)', async () => {
    const image = seedOld(site);
    site.users.compute.seed({ name: 'web-3', image: image.id, status: 'SOFT_DELETED' });

    expect(resultOf(await clean(site), image)?.reason).toBe(
      `used by soft-deleted server web-3 of project climate; ${age}`,
    );
  });

  test('a server on the last page, and says so of each project that Keystone names (20)', async () => {
    const image = seedOld(site);
    site.users.compute.maximum = 10;
    for (let count = 0; count < 40; count++) site.users.compute.seed({});
    site.users.compute.seed({ name: 'last', image: image.id, project: 'project-2' });

    expect(resultOf(await clean(site), image)?.reason).toBe(`used by server last of project project-2; ${age}`);
    expect(
      site.users.compute.requests.filter(
        ({ path, query }) => path.endsWith('/servers/detail') && !query.has('soft_deleted'),
      ),
    ).toHaveLength(5);
  });

  test('a node on the last page, although the node before the second page is deleted meanwhile', async () => {
    const image = seedOld(site);
    const { baremetal } = site.users;
    baremetal.maximum = 2;
    for (const name of ['first', 'passing', 'third', 'fourth']) baremetal.seed({ name });
    baremetal.seed({ name: 'last', driver_info: { deploy_kernel: image.id } });
    baremetal.intervene = ({ query }) => {
      const passing = baremetal.nodes.findIndex(({ name }) => name === 'passing');
      if (query.has('marker') && passing !== -1) baremetal.nodes.splice(passing, 1);
      return undefined;
    };

    expect(resultOf(await clean(site), image)?.reason).toBe(`used by node last (driver_info deploy_kernel); ${age}`);
    expect(baremetal.nodes).toHaveLength(4);
  });

  test('a server that boots from a volume made of it (19)', async () => {
    const image = seedOld(site);
    const { id: server } = site.users.compute.seed({ name: 'web-3', image: '' });
    site.users.volumev3.seed({ name: 'root-3', image: image.id, server });
    site.users.volumev3.seed({ name: 'data' });

    expect(resultOf(await clean(site), image)?.reason).toBe(
      `used by volume root-3 of server ${server} of project climate; ${age}`,
    );
  });

  test("a copy in Cinder's image-volume cache", async () => {
    const image = seedOld(site);
    site.users.volumev3.seed({ name: `image-${image.id}`, image: image.id });

    expect(resultOf(await clean(site), image)?.reason).toBe(
      `used by volume image-${image.id} (Cinder's image-volume cache) of project climate; ${age}`,
    );
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['driver_info', { deploy_kernel: '{id}', ipmi_password: '******' }, 'deploy_kernel'],
    ['driver_info', { deploy_ramdisk: 'glance://{id}' }, 'deploy_ramdisk'],
    ['driver_info', { rescue_kernel: '{id}' }, 'rescue_kernel'],
    ['driver_info', { rescue_ramdisk: '{id}' }, 'rescue_ramdisk'],
    ['driver_info', { redfish_deploy_iso: '{id}' }, 'redfish_deploy_iso'],
    ['driver_info', { bootloader: 'http://glance/v2/images/{id}/file' }, 'bootloader'],
    ['instance_info', { image_source: '{id}' }, 'image_source'],
    ['instance_info', { kernel: '{id}', configdrive: null }, 'kernel'],
    ['instance_info', { ramdisk: '{ID}' }, 'ramdisk'],
    ['instance_info', { nested: { list: ['{id}'] } }, 'nested'],
  ])('a node, in its %s %j (21)', async (kind, info, key) => {
    const image = seedOld(site, { name: 'CC-IPA-Debian11-AMD64.kernel-20240302' });
    const given = JSON.parse(
      JSON.stringify(info).replace('{id}', image.id).replace('{ID}', image.id.toUpperCase()),
    ) as Record<string, unknown>;
    site.users.baremetal.seed({ name: 'rack3-07', [kind]: given });

    expect(resultOf(await clean(site), image)?.reason).toBe(`used by node rack3-07 (${kind} ${key}); ${age}`);
  });

  test.each(['baremetal_deploy_kernel_image', 'baremetal_deploy_ramdisk_image'])(
    'hardware of Doni, as its %s (21)',
    async (property) => {
      const image = seedOld(site);
      site.users.inventory.seed({ name: 'rack3-07', properties: { [property]: image.id } });

      expect(resultOf(await clean(site), image)?.reason).toBe(`used by hardware rack3-07 in Doni; ${age}`);
    },
  );

  test.each([{ visibility: 'private' }, { visibility: 'community' }, { visibility: 'public', os_hidden: true }])(
    'an image of another project that boots with it, %j',
    async (attributes) => {
      const image = seedOld(site);
      const booting = site.glance.seed({
        name: 'booting',
        owner: 'stranger',
        ...attributes,
        properties: { kernel_id: image.id },
      });

      expect(resultOf(await clean(site), image)?.reason).toBe(
        `used by image booting (${booting.id}) as its kernel or ramdisk; ${age}`,
      );
    },
  );
});

type Failure = readonly [string, keyof Users, (call: Call) => Answer | undefined];

const failures: readonly Failure[] = [
  ['Nova answers 503', 'compute', () => ({ status: 503, body: 'maintenance' })],
  [
    'Nova refuses what is deleted softly',
    'compute',
    ({ query }) => (query.has('soft_deleted') ? { status: 400 } : undefined),
  ],
  [
    'Nova knows no microversion 2.69',
    'compute',
    () => ({ status: 406, body: { computeFault: { message: 'Version 2.69 is not supported by the API.' } } }),
  ],
  [
    'Nova lists a server without data of its image',
    'compute',
    ({ segments }) =>
      segments.includes('detail')
        ? { status: 200, body: { servers: [{ id: 'x', name: 'x', status: 'ACTIVE' }] } }
        : undefined,
  ],
  ['Nova answers no list', 'compute', () => ({ status: 200, body: {} })],
  [
    'Nova refuses to list all projects',
    'compute',
    () => ({ status: 403, body: { forbidden: { message: 'not allowed' } } }),
  ],
  ['Cinder is not where the catalogue says', 'volumev3', () => ({ status: 404 })],
  [
    'Ironic answers 500 on its second page',
    'baremetal',
    ({ query }) => (query.has('marker') ? { status: 500 } : undefined),
  ],
  ['Ironic loses every marker', 'baremetal', ({ query }) => (query.has('marker') ? { status: 404 } : undefined)],
  [
    'Ironic leads back to its first page',
    'baremetal',
    ({ url }) => ({
      status: 200,
      body: { nodes: [], next: `${url}/v1/nodes?fields=uuid,name,driver_info,instance_info&limit=1000` },
    }),
  ],
  ['Doni answers a page of a proxy', 'inventory', () => ({ status: 200, body: '<html>welcome</html>' })],
];

describe('nothing is changed and the run fails if', () => {
  test.each(failures)(
    '%s',
    async (_, service, intervene) => {
      for (const created_at of ['2024-03-22T16:00:00Z', '2025-05-20T00:00:00Z']) seedOld(site, { created_at });
      site.users.baremetal.maximum = 1;
      for (let count = 0; count < 2; count++) site.users.baremetal.seed({});
      site.users[service].intervene = intervene;

      await expect(clean(site)).rejects.toMatchObject({
        code: 'USE_UNKNOWN',
        message: expect.stringContaining('nothing is hidden or deleted'),
      });
      expect(site.writes()).toEqual([]);
    },
    20_000,
  );

  test('a cell of Nova is down', async () => {
    seedOld(site);
    site.users.compute.seed({ isLost: true });

    await expect(clean(site)).rejects.toThrow('a cell of Nova does not answer: 1 of its servers has status UNKNOWN');
    expect(site.writes()).toEqual([]);
  });

  test('a cell of Nova is down, and there are more servers than an answer holds', async () => {
    seedOld(site);
    site.users.compute.maximum = 5;
    for (let count = 0; count < 5; count++) site.users.compute.seed({});
    site.users.compute.seed({ isLost: true });

    await expect(clean(site)).rejects.toThrow('a cell of Nova does not answer: 1 of its services has status UNKNOWN');
    expect(site.writes()).toEqual([]);
  });

  test('the login may not see other projects', async () => {
    seedOld(site, { owner: site.keystone.demo.project.id });

    await expect(clean(site, { auth: site.demoAuth })).rejects.toMatchObject({ code: 'USE_UNKNOWN' });
    expect(site.writes()).toEqual([]);
  });
});

test("another project's images are never touched, whatever their properties say (23)", async () => {
  seedOld(site, { owner: 'stranger' });
  seedOld(site, { owner: 'stranger', visibility: 'community' });

  expect(await clean(site)).toMatchObject({ changed: false, message: 'no images to manage' });
});

test.each(['private', 'shared', 'community', 'public'])(
  'what was hidden before is seen again and deleted in its time: %s (17)',
  async (visibility) => {
    const image = seedOld(site, { visibility, os_hidden: visibility === 'public' });

    expect(resultOf(await clean(site), image)).toMatchObject({ action: 'delete' });
    expect(site.glance.state.images.has(image.id)).toBe(false);
  },
);
