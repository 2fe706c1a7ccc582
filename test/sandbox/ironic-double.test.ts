import { describeIronic } from './ironic.contract.js';
import { logIn } from './log-in.js';
import { startSandbox } from './sandbox.js';

describeIronic('the double', async () => {
  const sandbox = await startSandbox();
  const { baremetal } = sandbox.users;
  return {
    url: baremetal.url,
    token: await logIn(sandbox.auth),
    addNode: async (settings) => baremetal.seed(settings as object).uuid,
    close: sandbox.close,
  };
});
