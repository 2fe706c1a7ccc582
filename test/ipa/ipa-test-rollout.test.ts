// Which nodes get the images, in Ironic and in Doni, after a test or without one.
import { afterEach, expect, test } from '@jest/globals';
import { everything, former, imagesOf, resultsOf, startIpaSite, theirs, type IpaTestSite } from './ipa-test-site.js';

let site: IpaTestSite;

afterEach(async () => {
  await site.close();
});

test('rolls out to all nodes of the type, also in Doni, and the second time to none', async () => {
  site = await startIpaSite();
  const [first, second, third] = [
    site.addNode(),
    site.addNode({ provision_state: 'active', instance_uuid: theirs }),
    site.addNode(),
  ];

  const outcome = await site.test({ push: true, batch_size: 2 });

  expect(outcome).toMatchObject({ changed: true, failures: [], values: { passed: true } });
  expect(resultsOf(outcome)).toEqual([
    'rack1-01 updated: it is available',
    `rack1-02 skipped: instance ${theirs} is on it`,
    'rack1-03 updated: it is available',
  ]);
  const pushed = { deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id };
  expect([imagesOf(first), imagesOf(second), imagesOf(third)]).toEqual([pushed, former, pushed]);
  expect(site.users.inventory.hardware.map(({ properties }) => properties['baremetal_deploy_kernel_image'])).toEqual([
    site.kernel.id,
    former.deploy_kernel,
    site.kernel.id,
  ]);
  expect(outcome.differences).toHaveLength(2);

  const writes = site.allWrites().length;
  const again = await site.test({ push: true, test: false });
  expect([again.changed, resultsOf(again)[0], site.allWrites().length]).toEqual([
    false,
    'rack1-01 unchanged: it already has these images',
    writes,
  ]);
});

test("former images that a late run of Doni's worker brings back are replaced again", async () => {
  site = await startIpaSite();
  const node = site.addNode();
  site.users.inventory.isLate = true;

  const outcome = await site.test({ push: true, test: false });

  expect(resultsOf(outcome)).toEqual(['rack1-01 updated: it is available']);
  expect(imagesOf(node)).toEqual({ deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id });
});

test('a postponed worker of Doni is reported, and not waited for', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  site.users.inventory.defersFor = 'Node is locked.';

  const outcome = await site.test({ push: true, test: false });

  expect(resultsOf(outcome)).toEqual(['rack1-01 updated: it is available']);
  expect(outcome.warnings).toEqual([
    "node rack1-01 has its images, in Doni as well, but Doni's worker reports: Node is locked.",
  ]);
  expect(imagesOf(node)).toEqual({ deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id });
});

test('if the node was deleted meanwhile, Doni still gets its former images', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  site.users.compute.intervene = ({ method }) => {
    if (method === 'POST') site.users.baremetal.nodes.splice(site.users.baremetal.nodes.indexOf(node), 1);
    return undefined;
  };

  const outcome = await site.test();

  expect(outcome.failures).toEqual([expect.stringMatching(/no longer exists$/)]);
  expect(site.users.inventory.hardware[0]?.properties['baremetal_deploy_kernel_image']).toBe(former.deploy_kernel);
  expect([site.users.compute.servers, site.users.reservation.leases, site.journal()]).toEqual([[], [], []]);
});

test('check mode names the node and what would be changed, and changes nothing', async () => {
  site = await startIpaSite(everything);
  const node = site.addNode();

  const outcome = await site.test({ push: true }, { checkMode: true });

  expect(outcome).toMatchObject({
    changed: true,
    values: { node: { uuid: node.uuid, name: 'rack1-01' } },
    message: 'planned: a test on a node that Blazar leases (free nodes: 1); 1 update',
  });
  expect(resultsOf(outcome)).toEqual(['rack1-01 update: it is available']);
  expect([site.allWrites(), site.journal()]).toEqual([[], []]);
});
