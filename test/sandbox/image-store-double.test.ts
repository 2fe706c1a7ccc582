import { expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import { describeSwiftWriting } from './image-store-write.contract.js';
import { describeStaticStore, describeSwift } from './image-store.contract.js';
import type { ImageStoreTarget } from './image-store.contract.js';
import { startImageStore } from './image-store.js';
import type { ImageStoreOptions } from './image-store.js';
import { logIn } from './log-in.js';
import { publishRelease } from './releases.js';
import { startSandbox } from './sandbox.js';

describeSwift('the double of Swift', () => connect({ mode: 'swift' }));
describeStaticStore('the double of nginx', () => connect({ mode: 'static' }));

describeSwiftWriting('the double of Swift', async () => {
  const { store, auth, close } = await startSandbox();
  return { containerUrl: store.containerUrl, token: await logIn(auth), close };
});

async function connect(options: ImageStoreOptions): Promise<ImageStoreTarget> {
  const { containerUrl, put, close } = await startImageStore(options);
  return {
    containerUrl,
    put: async (name, content, putOptions) => void (await Promise.resolve(put(name, content, putOptions))),
    close,
  };
}

test('a plain web server without ranges returns 200 with the complete file', async () => {
  const store = await startImageStore({ mode: 'static', ranges: 'ignored' });
  store.put('x', 'chameleon');

  const reply = await send('GET', `${store.containerUrl}/x`, { headers: { Range: 'bytes=5-', 'If-Match': '"other"' } });

  expect(reply).toMatchObject({ status: 200, text: 'chameleon' });
  expect(reply.headers.get('etag')).toBeNull();
  expect(reply.headers.get('last-modified')).toMatch(/ GMT$/);
  await store.close();
});

test('releases are published with current, manifest and image', async () => {
  const store = await startImageStore();

  publishRelease(store, { name: 'CC-A', release: '20250422-v1', content: 'old' });
  publishRelease(store, {
    name: 'CC-B',
    release: '20250423-v1-arm',
    content: 'x',
    format: 'raw',
    manifest: { 'build-variant': 'gpu' },
  });

  expect(JSON.parse(store.objects.get('prod/current')!.content.toString())).toEqual({
    'CC-A': '20250422-v1',
    'CC-B': '20250423-v1-arm',
  });
  expect([...store.objects.keys()].sort()).toEqual([
    'prod/current',
    'prod/versions/20250422-v1',
    'prod/versions/20250422-v1/CC-A.manifest',
    'prod/versions/20250422-v1/CC-A.qcow2',
    'prod/versions/20250423-v1-arm',
    'prod/versions/20250423-v1-arm/CC-B.manifest',
    'prod/versions/20250423-v1-arm/CC-B.raw',
  ]);
  const manifest = await send('GET', `${store.containerUrl}/prod/versions/20250423-v1-arm/CC-B.manifest`);
  expect(manifest.json).toMatchObject({ 'build-variant': 'gpu', 'build-timestamp': '2025-04-23 15:30:45.123456' });
  await store.close();
});
