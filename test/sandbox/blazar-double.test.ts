import { describeBlazar } from './blazar.contract.js';
import { logIn } from './log-in.js';
import { startSandbox } from './sandbox.js';

describeBlazar('the double', async () => {
  const sandbox = await startSandbox({ services: ['reservation'] });
  const { reservation } = sandbox.users;
  const hosts = ['blz-1', 'blz-2'].map((node_name) => reservation.seed({ node_name, node_type: 'contract' }));
  return {
    url: reservation.url,
    admin: { token: await logIn(sandbox.auth), projectId: sandbox.keystone.admin.project.id },
    demo: { token: await logIn(sandbox.demoAuth) },
    nodeType: 'contract',
    nodes: hosts.map(({ hypervisor_hostname: node }) => node),
    close: sandbox.close,
  };
});
