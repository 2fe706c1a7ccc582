import { describe, expect, test } from '@jest/globals';

import { send, waitFor } from './contract-requests.js';
import { describeGlance } from './glance.contract.js';
import type { GlanceTarget } from './glance.contract.js';
import { logIn } from './log-in.js';
import { startSandbox } from './sandbox.js';
import type { Sandbox } from './sandbox.js';

describeGlance('the double', connect);

async function connect(): Promise<GlanceTarget> {
  const sandbox = await startSandbox();
  const { glance, keystone, store } = sandbox;
  glance.state.isImportAllowed = ({ host }) => host === new URL(store.url).host;
  return {
    url: glance.url,
    admin: { token: await adminToken(sandbox), projectId: keystone.admin.project.id },
    demo: { token: await logIn(sandbox.demoAuth), projectId: keystone.demo.project.id },
    publish: async (content) => {
      store.put('content', content);
      return Promise.resolve(`${store.containerUrl}/content`);
    },
    missingSource: `${store.containerUrl}/missing`,
    refusedSource: 'http://127.0.0.1:25/content',
    close: sandbox.close,
  };
}

function adminToken(sandbox: Sandbox): Promise<string> {
  return logIn(sandbox.auth);
}

describe('what only the double supports', () => {
  test('thousands of images are seeded and listed quickly', async () => {
    const sandbox = await startSandbox();
    for (let at = 0; at < 5000; at++)
      sandbox.glance.seed({ name: `image-${at}`, created_at: new Date(at * 1000).toISOString() });
    const token = await adminToken(sandbox);

    let count = 0;
    for (let next: string | undefined = '/v2/images?limit=1000'; next !== undefined; ) {
      const reply = await send('GET', sandbox.glance.url + next, { token });
      count += reply.json.images.length as number;
      next = reply.json.next as string | undefined;
    }

    expect(count).toBe(5000);
    await sandbox.close();
  });

  test("a seeded image is the admin's, public and active, and has the content it is given", async () => {
    const sandbox = await startSandbox({ now: () => Date.UTC(2025, 3, 22) });
    const { glance, keystone } = sandbox;
    const token = await adminToken(sandbox);

    const { id } = glance.seed({ name: 'CC-Ubuntu22.04', created_at: '2024-01-01T00:00:00.5Z' }, 'chameleon');

    expect((await send('GET', `${glance.url}/v2/images/${id}`, { token })).json).toMatchObject({
      name: 'CC-Ubuntu22.04',
      status: 'active',
      visibility: 'public',
      owner: keystone.admin.project.id,
      size: 9,
      created_at: '2024-01-01T00:00:00Z',
      updated_at: '2024-01-01T00:00:00Z',
    });
    expect((await send('GET', `${glance.url}/v2/images/${id}/file`, { token })).text).toBe('chameleon');
    await sandbox.close();
  });

  test('an import stalls or fails on request, and the test sets the clock', async () => {
    const sandbox = await startSandbox({ now: () => Date.UTC(2025, 3, 22) });
    const { glance, store } = sandbox;
    const token = await adminToken(sandbox);
    const json = { method: { name: 'web-download', uri: `${store.containerUrl}/x` } };
    const formats = { status: 'queued', stores: undefined, size: null };
    const [stalled, failed] = [glance.seed(formats), glance.seed(formats)];

    glance.state.imports = 'stall';
    await send('POST', `${glance.url}/v2/images/${stalled.id}/import`, { token, json });
    glance.state.imports = 'fail';
    await send('POST', `${glance.url}/v2/images/${failed.id}/import`, { token, json });

    await waitFor(
      'the failure',
      () => Promise.resolve(failed.properties),
      (properties) => properties['os_glance_failed_import'] === 'fast',
    );
    expect(stalled).toMatchObject({ status: 'importing', created_at: '2025-04-22T00:00:00Z' });
    expect(glance.requests.map(({ method, status, body }) => ({ method, status, body }))).toEqual([
      { method: 'POST', status: 202, body: json },
      { method: 'POST', status: 202, body: json },
    ]);
    await sandbox.close();
  });
});
