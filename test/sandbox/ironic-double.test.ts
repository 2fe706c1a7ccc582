import { describeIronic } from './ironic.contract.js';
import { logIn } from './log-in.js';
import { startSandbox } from './sandbox.js';

describeIronic('the double', async () => {
  const sandbox = await startSandbox();
  const { baremetal } = sandbox.users;
  baremetal.looks = 3;
  return {
    url: baremetal.url,
    admin: { token: await logIn(sandbox.auth), projectId: sandbox.keystone.admin.project.id },
    demo: { token: await logIn(sandbox.demoAuth) },
    failDeployment: (uuid) => void (baremetal.fails[`${uuid}/active`] = 'Failed to prepare to deploy: nothing answers'),
    close: sandbox.close,
  };
});
