import { logIn } from './log-in.js';
import { describeNova } from './nova.contract.js';
import { startSandbox } from './sandbox.js';

describeNova('the double', async () => {
  const sandbox = await startSandbox();
  const { compute, network } = sandbox.users;
  const [flavor, oversized] = compute.flavors;
  return {
    url: compute.url,
    networkUrl: network.url,
    admin: { token: await logIn(sandbox.auth), projectId: sandbox.keystone.admin.project.id },
    demo: { token: await logIn(sandbox.demoAuth) },
    imageId: sandbox.glance.seed({}).id,
    flavor: { id: flavor!.id, name: flavor!.name },
    oversizedFlavorId: oversized!.id,
    hypervisor: compute.host,
    hasLeaseFilter: false,
    close: sandbox.close,
  };
});
