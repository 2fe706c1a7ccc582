// A partial view is no view: what is hidden from the login, or written in another way, is never
// taken for "not in use".
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

describe('an id in another spelling means the same image,', () => {
  const spellings: readonly (readonly [string, (id: string) => string])[] = [
    ['in capitals', (id) => id.toUpperCase()],
    ['in braces', (id) => `{${id}}`],
    ['as a URN', (id) => `urn:uuid:${id}`],
    ['without hyphens', (id) => id.replaceAll('-', '')],
  ];
  const users: readonly (readonly [string, (id: string) => unknown, string])[] = [
    ['server', (image) => site.users.compute.seed({ name: 'web-3', image }), 'used by server web-3 of project climate'],
    [
      'volume',
      (image) => site.users.volumev3.seed({ name: 'root-3', image }),
      'used by volume root-3 of project climate',
    ],
    [
      'node',
      (image) => site.users.baremetal.seed({ name: 'rack3', instance_info: { image_source: image } }),
      'used by node rack3 (instance_info image_source)',
    ],
    [
      'node by a URL',
      (image) =>
        site.users.baremetal.seed({
          name: 'rack3',
          driver_info: { deploy_iso: `http://glance/v2/images/${encodeURIComponent(image)}/file` },
        }),
      'used by node rack3 (driver_info deploy_iso)',
    ],
    [
      'hardware of Doni',
      (image) => site.users.inventory.seed({ name: 'rack3', properties: { baremetal_deploy_kernel_image: image } }),
      'used by hardware rack3 in Doni',
    ],
  ];

  test.each(
    spellings.flatMap(([spelling, spell]) =>
      users.map(([user, use, reason]) => ({ user, spelling, spell, use, reason })),
    ),
  )('$spelling, of a $user', async ({ spell, use, reason }) => {
    const image = seedOld(site);
    use(spell(image.id));

    expect(resultOf(await clean(site), image)).toMatchObject({ action: 'skip', reason: `${reason}; ${age}` });
    expect(site.writes()).toEqual([]);
  });

  test.each(spellings)('%s, of an image that boots with it', async (_, spell) => {
    const image = seedOld(site);
    const booting = site.glance.seed({
      name: 'booting',
      owner: 'stranger',
      properties: { ramdisk_id: spell(image.id) },
    });

    expect(resultOf(await clean(site), image)?.reason).toBe(
      `used by image booting (${booting.id}) as its kernel or ramdisk; ${age}`,
    );
  });

  test.each(spellings)('%s, of the options that name images', async (_, spell) => {
    const [image, other] = [seedOld(site), seedOld(site)];

    expect(resultOf(await clean(site, { skip_images: [spell(image.id)] }, { checkMode: true }), image)).toMatchObject({
      action: 'skip',
    });
    expect(resultOf(await clean(site, { exclude: [spell(image.id)] }, { checkMode: true }), image)).toBeUndefined();
    expect((await clean(site, { images: [spell(other.id)] }, { checkMode: true })).message).toBe('planned: 1 delete');
  });
});

type Hiding = readonly [string, keyof Users, (call: Call) => Answer | undefined, string];

const redacted = '** Redacted - requires baremetal:node:get:driver_info permission. **';
const nodesOf =
  (node: object) =>
  (call: Call): Answer | undefined =>
    call.segments[1] === 'nodes'
      ? { status: 200, body: { nodes: [{ uuid: 'n', name: 'rack3', driver_info: {}, instance_info: {}, ...node }] } }
      : undefined;

const hidings: readonly Hiding[] = [
  [
    'Ironic refuses its conductors, as it does to whom it hides nodes',
    'baremetal',
    ({ segments }) => (segments[1] === 'conductors' ? { status: 403, body: {} } : undefined),
    'not all nodes are shown',
  ],
  [
    'Ironic hides a driver_info',
    'baremetal',
    nodesOf({ driver_info: { content: redacted } }),
    'driver_info content of node rack3',
  ],
  [
    'Ironic hides a driver_info in another way',
    'baremetal',
    nodesOf({ driver_info: redacted }),
    'node rack3 was returned without its driver_info',
  ],
  [
    'Ironic leaves an instance_info out',
    'baremetal',
    nodesOf({ instance_info: undefined }),
    'node rack3 was returned without its instance_info',
  ],
  [
    'Ironic hides a value deep in an instance_info',
    'baremetal',
    nodesOf({ instance_info: { deep: [{ image: '** Value Redacted - Requires x permission. **' }] } }),
    'instance_info deep of node rack3',
  ],
  [
    'Ironic masks a kernel',
    'baremetal',
    nodesOf({ driver_info: { deploy_kernel: '******' } }),
    'driver_info deploy_kernel of node rack3',
  ],
  [
    'Ironic masks an image in a list',
    'baremetal',
    nodesOf({ instance_info: { boot_isos: ['******'] } }),
    'instance_info boot_isos of node rack3',
  ],
  [
    'Ironic masks the URL of an image that is not named otherwise',
    'baremetal',
    nodesOf({ instance_info: { image_url: '******' } }),
    'instance_info image_url of node rack3',
  ],
  [
    'Nova has more bare-metal hypervisors than Ironic has nodes',
    'compute',
    ({ segments }) =>
      segments[1] === 'os-hypervisors'
        ? { status: 200, body: { hypervisors: [{ id: '1', hypervisor_type: 'ironic' }] } }
        : undefined,
    'shows this login 0 nodes but Nova has 1 bare-metal hypervisors',
  ],
  [
    'Cinder refuses its services, as it does to whom it hides volumes',
    'volumev3',
    ({ segments }) => (segments[1] === 'os-services' ? { status: 403 } : undefined),
    'the volumes of its project only',
  ],
  [
    'Doni masks a deploy image',
    'inventory',
    ({ segments }) =>
      segments[1] === 'hardware'
        ? {
            status: 200,
            body: {
              hardware: [{ uuid: 'h', name: 'rack3', properties: { baremetal_deploy_kernel_image: '************' } }],
              links: [],
            },
          }
        : undefined,
    'it masks the deploy images of hardware rack3',
  ],
];

describe('nothing is hidden or deleted, nor planned in check mode, if', () => {
  test.each(hidings)('%s', async (_, service, intervene, why) => {
    for (const created_at of ['2024-03-22T16:00:00Z', '2025-05-20T00:00:00Z']) seedOld(site, { created_at });
    site.users[service].intervene = intervene;

    await expect(clean(site)).rejects.toMatchObject({ code: 'USE_UNKNOWN', message: expect.stringContaining(why) });
    await expect(clean(site, {}, { checkMode: true })).rejects.toMatchObject({ code: 'USE_UNKNOWN' });
    expect(site.writes()).toEqual([]);
  });

  test.each([['compute'], ['volumev3'], ['baremetal'], ['inventory'], []])(
    'a login without the role admin asks: %s',
    async (...services) => {
      await site.close();
      site = await startOldSite(services as (keyof Users & ('compute' | 'volumev3' | 'baremetal' | 'inventory'))[]);
      seedOld(site, { owner: site.keystone.demo.project.id });

      await expect(clean(site, { auth: site.demoAuth })).rejects.toMatchObject({ code: 'USE_UNKNOWN' });
      expect(site.writes()).toEqual([]);
    },
  );
});

test('a node that is deleted meanwhile is not taken for a hidden one, although Nova still has it for a moment', async () => {
  const image = seedOld(site);
  let asked = 0;
  site.users.compute.intervene = ({ segments }) =>
    segments[1] === 'os-hypervisors'
      ? { status: 200, body: { hypervisors: asked++ === 0 ? [{ id: '1', hypervisor_type: 'ironic' }] : [] } }
      : undefined;

  expect(resultOf(await clean(site), image)).toMatchObject({ action: 'delete' });
});

test('a login that may not ask for hypervisors a second time is not taken for one that sees all nodes', async () => {
  seedOld(site);
  let asked = 0;
  site.users.compute.intervene = ({ segments }) => {
    if (segments[1] !== 'os-hypervisors') return undefined;
    return asked++ === 0
      ? { status: 200, body: { hypervisors: [{ id: '1', hypervisor_type: 'ironic' }] } }
      : { status: 403, body: {} };
  };

  await expect(clean(site)).rejects.toMatchObject({ code: 'USE_UNKNOWN', message: expect.stringContaining('hidden') });
  expect(site.writes()).toEqual([]);
});

test.each([
  { driver_info: { ipmi_password: '******', deploy_kernel: 'http://web/ipa.kernel?token=******' } },
  {
    instance_info: {
      image_source: '0b2e35ba-4c0b-4c0e-9d8f-6b0a4c9a7f11',
      image_url: '******',
      configdrive: '******',
      image_checksum: '******',
    },
  },
  { driver_info: null },
])('what Ironic masks and cannot name an image hides nothing: %j', async (node) => {
  const image = seedOld(site);
  site.users.baremetal.intervene = nodesOf(node);

  expect(resultOf(await clean(site), image)).toMatchObject({ action: 'delete' });
});

test('the kernel and ramdisk of a volume, and of a server, count', async () => {
  const [kernel, ramdisk] = [seedOld(site), seedOld(site)];
  const metadata = { image_id: '0b2e35ba-4c0b-4c0e-9d8f-6b0a4c9a7f11', kernel_id: kernel.id.toUpperCase() };
  site.users.volumev3.intervene = ({ segments }) =>
    segments[1] === 'volumes'
      ? { status: 200, body: { volumes: [{ id: 'v', name: 'root', volume_image_metadata: metadata }] } }
      : undefined;
  const server = { id: 's', name: 'web-3', status: 'ACTIVE', image: '', 'OS-EXT-SRV-ATTR:ramdisk_id': ramdisk.id };
  site.users.compute.intervene = ({ segments, query }) =>
    segments[2] === 'detail' && segments[1] === 'servers' && !query.has('image')
      ? { status: 200, body: { servers: [server] } }
      : undefined;

  const outcome = await clean(site);

  expect(resultOf(outcome, kernel)?.reason).toBe(`used by volume root; ${age}`);
  expect(resultOf(outcome, ramdisk)?.reason).toBe(`used by server web-3; ${age}`);
});
