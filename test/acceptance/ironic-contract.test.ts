import { describeIronic } from '../sandbox/ironic.contract.js';
import { cloudSystemToken, fact, readCloud, tokenOf } from './cloud.js';

describeIronic('the real service', async () => {
  const cloud = readCloud();
  return {
    url: fact(cloud, 'ironic_url'),
    admin: { token: await tokenOf(cloud, 'admin'), projectId: fact(cloud, 'admin_project_id') },
    system: { token: await cloudSystemToken(cloud) },
    demo: { token: await tokenOf(cloud, 'demo') },
    // Its image cannot be had.
    failDeployment: () => {},
    close: async () => {},
  };
});
