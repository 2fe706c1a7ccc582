// A pair of images that the deployer has brought from the older image store, on a node that really
// boots.
import { expect, test } from '@jest/globals';
import { putPair, withObjects } from '../acceptance/objects-store.js';
import { bootsOf } from './machine.js';
import { imageFile, openRealSite } from './real-site.js';

test(
  'both halves of one build, deployed by `catalog: objects`, boot the node',
  withObjects(async (site) => {
    const real = await openRealSite(site);
    const build = await putPair(site, {}, (kind) => imageFile(site, `good.${kind}`));
    expect(await site.deployObjects({ ipa: 'kernel' })).toMatchObject({ changed: true, msg: '2 deploy' });
    const kernel = await site.production(site.names.kernel);
    const initramfs = await site.production(site.names.initramfs);
    const node = await real.addNode();

    const result = await real.run({ node: node.uuid, ipa_name: `${site.name}-IPA-AMD64` });

    expect(result).toMatchObject({
      passed: true,
      changed: false,
      kernel: { id: kernel.id },
      initramfs: { id: initramfs.id },
    });
    expect(result.failed).toBeUndefined();
    expect(bootsOf(node.machine)).toEqual(['the network', 'its disk']);
    expect(node.machine.serial()).toContain(real.serverLine);
    await real.expectPutBack(node);
    expect(await site.glance.sha256(kernel.id)).toBe(build.kernel.sha256);
    expect(await site.glance.sha256(initramfs.id)).toBe(build.initramfs.sha256);
  }),
);
