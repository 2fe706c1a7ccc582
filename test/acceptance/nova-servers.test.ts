// The clients that boot servers, with the real Nova, Neutron and Keystone.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Cloud } from '../../modules/clients/keystone/cloud.js';
import { findNetworks } from '../../modules/clients/neutron/networks.js';
import {
  createServer,
  deleteServer,
  findServers,
  getServer,
  nodeSelection,
  type ServerDetails,
  type ServerRequest,
} from '../../modules/clients/nova/servers.js';
import { findFlavor } from '../../modules/clients/nova/flavors.js';
import { hasKeyPair } from '../../modules/clients/nova/keypairs.js';
import { assertVersion } from '../../modules/clients/nova/microversions.js';
import { waitFor } from '../../modules/core/waiting.js';
import { all, cloudOf } from '../clients/cloud-of.js';
import { call, cloudAdminToken, createProject, fact, readCloud, type Project } from './cloud.js';
import { openGlance, type RawGlance } from './glance.js';
import { sql } from './image-clean-site.js';

const name = `CC-IPA-TEST-${randomUUID()}`;
const patience = { timeoutSeconds: 60, intervalSeconds: 0.1 };

let project: Project;
let glance: RawGlance;
let cloud: Cloud;
let request: ServerRequest;
let host: string;

beforeAll(async () => {
  const facts = readCloud();
  host = fact(facts, 'nova_host');
  project = await createProject(facts, name);
  glance = openGlance(facts.glance_url, project.token, project.id);
  const image = await glance.create({ name }, Buffer.alloc(512, 'image'));
  const auth = {
    auth_url: facts.keystone_url,
    username: 'admin',
    password: facts.admin_password,
    project_id: project.id,
    user_domain_id: 'default',
  };
  cloud = await cloudOf({ auth });
  request = { name: `${name}.1`, imageId: image.id, flavorId: facts.flavor_id ?? '', networks: 'none' };
});

afterAll(async () => {
  for await (const { id } of findServers(cloud, name)) await removed(id);
  for (const { id } of await glance.list()) await glance.remove(id);
  await project.remove();
});

/** Waits until nothing is under way. */
function settled(id: string): Promise<ServerDetails> {
  const look = async (): Promise<ServerDetails | undefined> => {
    const server = await getServer(cloud, id);
    return server?.taskState === '' && server.status !== 'BUILD' ? server : undefined;
  };
  return waitFor(look, { subject: `server ${id}`, ...patience });
}

function removed(id: string): Promise<true> {
  return waitFor(async () => ((await deleteServer(cloud, id)) === 'gone' ? true : undefined), {
    subject: `server ${id} to go`,
    ...patience,
  });
}

test('a server boots on the node that is chosen, is found again by its name, and is deleted', async () => {
  const id = await createServer(cloud, { ...request, hypervisorHostname: host });

  const server = await settled(id);

  expect(server).toMatchObject({
    id,
    name: request.name,
    projectId: project.id,
    status: 'ACTIVE',
    fault: '',
    hypervisorHostname: host,
  });
  expect(await all(findServers(cloud, name))).toEqual([server]);
  expect(await all(findServers(cloud, `${name}.2`))).toEqual([]);
  await removed(id);
  expect(await getServer(cloud, id)).toBeUndefined();
});

test('a server that Nova keeps after its deletion is found, and force-deleted', async () => {
  const id = await createServer(cloud, request);
  await settled(id);
  sql('nova', `UPDATE instances SET vm_state = 'soft-delete' WHERE uuid = '${id}'`);

  expect((await all(findServers(cloud, name))).map(({ status }) => status)).toEqual(['SOFT_DELETED']);

  await removed(id);
});

test('an unsupported version is reported with the supported one', async () => {
  await expect(assertVersion(cloud, nodeSelection)).resolves.toBeUndefined();
  await expect(assertVersion(cloud, { version: '2.999', purpose: 'this test' })).rejects.toMatchObject({
    code: 'UNSUPPORTED_VERSION',
    message: expect.stringMatching(
      /^this test needs version 2\.999 of the Compute API, and this Nova supports at most 2\.\d+$/,
    ),
  });
});

test('flavors, key pairs and networks are found by name, or not at all', async () => {
  const flavor = await findFlavor(cloud, request.flavorId);
  const facts = readCloud();
  const headers = { 'X-Auth-Token': await cloudAdminToken(readCloud()), 'Content-Type': 'application/json' };
  const answer = await call('POST', `${fact(facts, 'neutron_url')}/v2.0/networks`, {
    headers,
    body: JSON.stringify({ network: { name } }),
  });
  const { network } = (await answer.json()) as { network: { id: string } };

  try {
    expect(await findFlavor(cloud, fact(facts, 'flavor_name'))).toEqual(flavor);
    expect(await findFlavor(cloud, name)).toBeUndefined();
    expect(await hasKeyPair(cloud, name)).toBe(false);
    expect(await findNetworks(cloud, name)).toEqual([{ id: network.id, name }]);
    expect(await findNetworks(cloud, network.id)).toEqual([{ id: network.id, name }]);
    expect(await findNetworks(cloud, randomUUID())).toEqual([]);
  } finally {
    await call('DELETE', `${fact(facts, 'neutron_url')}/v2.0/networks/${network.id}`, { headers });
  }
});
