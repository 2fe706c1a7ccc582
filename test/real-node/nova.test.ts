// A pair in Glance, on a node that really boots and that Nova has.
import { expect, test } from '@jest/globals';
import { fact } from '../acceptance/cloud.js';
import { serversOf } from '../acceptance/ipa-site.js';
import { bootsOf } from './machine.js';
import { uploadPair, withRealNodes } from './real-site.js';

test(
  'through Nova: a server is deployed by the agent on the node, boots from its disk, and is gone with all its traces',
  withRealNodes(async (real) => {
    const { site } = real;
    const [kernel, initramfs] = await uploadPair(site);
    const node = await real.addNode({ fields: { resource_class: fact(site.cloud, 'real_resource_class') } });

    const result = await real.run({
      deployer: 'nova',
      node: node.uuid,
      kernel_image: kernel.id,
      initramfs_image: initramfs.id,
      flavor: fact(site.cloud, 'real_flavor_name'),
      key_name: fact(site.cloud, 'keypair_name'),
      network: 'none',
    });

    expect(result).toMatchObject({
      passed: true,
      changed: false,
      node: { uuid: node.uuid },
      server: expect.any(String),
    });
    expect(result.failed).toBeUndefined();
    expect(bootsOf(node.machine)).toEqual(['the network', 'its disk']);
    expect(node.machine.serial()).toContain(real.serverLine);
    await real.expectPutBack(node);
    expect(await serversOf(site)).toEqual([]);
  }),
);
