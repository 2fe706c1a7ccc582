import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { describeStaticStore, describeSwift } from '../sandbox/image-store.contract.js';
import type { ImageStoreTarget } from '../sandbox/image-store.contract.js';
import { describeSwiftWriting } from '../sandbox/image-store-write.contract.js';
import { fact, readCloud, tokenOf } from './cloud.js';
import { makeContainer } from './swift-container.js';

describeSwift('the real Swift', () => makeContainer(readCloud()));
describeStaticStore('the real nginx', connectStatic);
describeSwiftWriting('the real Swift', async () => {
  const cloud = readCloud();
  return { ...(await makeContainer(cloud)), token: await tokenOf(cloud, 'admin') };
});

/** A folder below the one that the test cloud's web server serves. */
async function connectStatic(): Promise<ImageStoreTarget> {
  const cloud = readCloud();
  const name = `contract-${randomUUID()}`;
  const folder = join(fact(cloud, 'cloud_state'), 'store', name);
  return {
    containerUrl: `${fact(cloud, 'store_static_url')}/${name}`,
    put: async (path, content) => {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), content);
    },
    close: () => rm(folder, { recursive: true }),
  };
}
