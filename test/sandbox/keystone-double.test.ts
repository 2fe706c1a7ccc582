import { expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import { describeKeystone } from './keystone.contract.js';
import { logIn } from './log-in.js';
import { startSandbox } from './sandbox.js';

describeKeystone('the double', async () => {
  const { auth, demoAuth, keystone, close } = await startSandbox();
  const { project, applicationCredential } = keystone.admin;
  return { auth, demoAuth, projectId: project.id, applicationCredential, close };
});

test("tokens expire by the double's clock, and all of them when they are revoked", async () => {
  let now = Date.UTC(2025, 3, 22);
  const sandbox = await startSandbox({ now: () => now });
  sandbox.keystone.tokenSeconds = 60;
  const status = async (token: string): Promise<number> =>
    (await send('GET', `${sandbox.glance.url}/v2/images`, { token })).status;
  const token = await logIn(sandbox.auth);

  expect(await status(token)).toBe(200);
  now += 60_000;
  expect(await status(token)).toBe(401);
  const fresh = await logIn(sandbox.auth);
  sandbox.keystone.revokeAll();
  expect(await status(fresh)).toBe(401);
  await sandbox.close();
});
