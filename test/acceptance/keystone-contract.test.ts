import { describeKeystone } from '../sandbox/keystone.contract.js';
import { authOf, fact, readCloud, tokenOf } from './cloud.js';

describeKeystone('the real service', async () => {
  const cloud = readCloud();
  // Says so at once if the cloud was stopped.
  await tokenOf(cloud, 'admin');
  return {
    auth: authOf(cloud, 'admin'),
    demoAuth: authOf(cloud, 'demo'),
    projectId: fact(cloud, 'admin_project_id'),
    applicationCredential: {
      id: fact(cloud, 'application_credential_id'),
      secret: fact(cloud, 'application_credential_secret'),
    },
    close: () => Promise.resolve(),
  };
});
