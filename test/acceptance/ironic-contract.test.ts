import { describeIronic } from '../sandbox/ironic.contract.js';
import { send } from '../sandbox/contract-requests.js';
import { fact, readCloud, tokenOf, until } from './cloud.js';

describeIronic('the real service', async () => {
  const cloud = readCloud();
  const [url, token] = [fact(cloud, 'ironic_url'), await tokenOf(cloud, 'admin')];
  const headers = { 'X-OpenStack-Ironic-API-Version': '1.82' };
  const nodes: string[] = [];
  const say = async (uuid: string, target: string, state: string): Promise<void> => {
    await send('PUT', `${url}/v1/nodes/${uuid}/states/provision`, { token, headers, json: { target } });
    await until(async () => {
      const { json } = await send('GET', `${url}/v1/nodes/${uuid}`, { token, headers });
      return json.provision_state === state && json.reservation === null;
    }, `node ${uuid} to be ${state}`);
  };
  return {
    url,
    token,
    addNode: async (settings) => {
      const { json } = await send('POST', `${url}/v1/nodes`, { token, headers, json: { driver: 'fake-hardware', ...settings } });
      const uuid: string = json.uuid;
      nodes.push(uuid);
      await say(uuid, 'manage', 'manageable');
      await say(uuid, 'provide', 'available');
      return uuid;
    },
    close: async () => {
      for (const uuid of nodes) {
        await send('PUT', `${url}/v1/nodes/${uuid}/maintenance`, { token, headers, json: {} });
        await send('DELETE', `${url}/v1/nodes/${uuid}`, { token, headers });
      }
    },
  };
});
