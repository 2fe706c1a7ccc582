import { randomUUID } from 'node:crypto';

import { send } from '../sandbox/contract-requests.js';
import { describeNova } from '../sandbox/nova.contract.js';
import type { NovaTarget } from '../sandbox/nova.contract.js';
import { fact, readCloud, tokenOf } from './cloud.js';

describeNova('the real service', connect);

async function connect(): Promise<NovaTarget> {
  const cloud = readCloud();
  const token = await tokenOf(cloud, 'admin');
  const [url, glanceUrl, name] = [fact(cloud, 'nova_url'), fact(cloud, 'glance_url'), `contract-${randomUUID()}`];
  const image = await send('POST', `${glanceUrl}/v2/images`, {
    token,
    json: { name, disk_format: 'raw', container_format: 'bare' },
  });
  const imageUrl = `${glanceUrl}/v2/images/${image.json.id}`;
  await send('PUT', `${imageUrl}/file`, { token, data: Buffer.alloc(512, 'image') });
  const oversized = await send('POST', `${url}/flavors`, {
    token,
    json: { flavor: { name, vcpus: 100_000, ram: 64, disk: 0 } },
  });
  return {
    url,
    networkUrl: fact(cloud, 'neutron_url'),
    admin: { token, projectId: fact(cloud, 'admin_project_id') },
    demo: { token: await tokenOf(cloud, 'demo') },
    imageId: image.json.id,
    flavor: { id: fact(cloud, 'flavor_id'), name: fact(cloud, 'flavor_name') },
    oversizedFlavorId: oversized.json.flavor.id,
    hypervisor: fact(cloud, 'nova_host'),
    hasLeaseFilter: cloud['blazar_url'] !== undefined,
    close: async () => {
      await send('DELETE', `${url}/flavors/${oversized.json.flavor.id}`, { token });
      await send('DELETE', imageUrl, { token });
    },
  };
}
