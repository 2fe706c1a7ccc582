// Nova by plain requests, past the proxies: servers that use a test's images and nodes.
import { call, fact, until } from './cloud.js';
import type { Site } from './site.js';

/** Boots without a network need 2.37, those on a node that is named 2.74. */
const novaHeaders = { 'OpenStack-API-Version': 'compute 2.74', 'Content-Type': 'application/json' };

async function nova<T>(site: Site, method: string, path: string, body?: unknown): Promise<T> {
  const headers = { ...novaHeaders, 'X-Auth-Token': site.project.token };
  const answer = await call(method, fact(site.cloud, 'nova_url') + path, {
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export interface Server {
  readonly id: string;
  readonly name: string;
}

/** Boots a server on an image and waits until it runs; it is gone when the test is over. */
export async function bootServer(site: Site, name: string, imageRef: string): Promise<Server> {
  const server = await createServer(site, { name, imageRef, flavorRef: fact(site.cloud, 'flavor_id') });
  await awaitStatus(site, server.id, 'ACTIVE');
  return server;
}

/**
 * Boots a server on that node, and waits until it has the status; it is gone when the test is over.
 */
export async function bootOnNode(site: Site, node: string, imageRef: string, status = 'ACTIVE'): Promise<Server> {
  const flavorRef = fact(site.cloud, 'baremetal_flavor_id');
  const server = await createServer(site, {
    name: `on-${node}`,
    imageRef,
    flavorRef,
    key_name: fact(site.cloud, 'keypair_name'),
    hypervisor_hostname: node,
  });
  await awaitStatus(site, server.id, status);
  return server;
}

async function createServer(site: Site, request: Readonly<Record<string, string>>): Promise<Server> {
  const { server } = await nova<{ server: { id: string } }>(site, 'POST', '/servers', {
    server: { networks: 'none', ...request },
  });
  site.afterwards(() => removeServer(site, server.id));
  return { id: server.id, name: request['name'] ?? '' };
}

export async function act(
  site: Site,
  { id }: Server,
  action: Readonly<Record<string, unknown>>,
  status: string,
): Promise<void> {
  await nova(site, 'POST', `/servers/${id}/action`, action);
  await awaitStatus(site, id, status);
}

/** Starts a snapshot and gives its image's id. */
export async function snapshotServer(site: Site, { id }: Server, name: string): Promise<string> {
  const headers = { 'X-Auth-Token': site.project.token, 'Content-Type': 'application/json' };
  const answer = await call('POST', `${fact(site.cloud, 'nova_url')}/servers/${id}/action`, {
    headers,
    body: JSON.stringify({ createImage: { name } }),
  });
  const image = (answer.headers.get('location') ?? '').split('/').at(-1) ?? '';
  await until(async () => (await site.glance.get(image)).status === 'active', `snapshot ${image}`);
  return image;
}

async function awaitStatus(site: Site, id: string, wanted: string): Promise<void> {
  await until(async () => {
    const { server } = await nova<{ server: { status: string; fault?: { message: string } } }>(
      site,
      'GET',
      `/servers/${id}`,
    );
    if (server.status === 'ERROR' && wanted !== 'ERROR')
      throw new Error(`server ${id} is in ERROR: ${server.fault?.message}`);
    return server.status === wanted;
  }, `server ${id} to be ${wanted}`);
}

/** Deletes a server and waits until it is gone; it may be so already. */
export async function removeServer(site: Site, id: string): Promise<void> {
  let asked = false;
  await until(async () => {
    try {
      // An ordinary deletion may leave it SOFT_DELETED.
      if (!asked) await nova(site, 'POST', `/servers/${id}/action`, { forceDelete: null });
      asked = true;
      await nova(site, 'GET', `/servers/${id}`);
      return false;
    } catch (error) {
      const { status } = error as { status?: number };
      if (status === 404) return true;
      if (status === 409) return false;
      throw error;
    }
  }, `server ${id} to be gone`);
}
