// Nova and Ironic by plain requests, past the proxies: servers and nodes that use a test's images.
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from './cloud.js';
import type { Site } from './site.js';

/** Boots without a network need 2.37. */
const novaHeaders = { 'OpenStack-API-Version': 'compute 2.37', 'Content-Type': 'application/json' };
const ironicHeaders = { 'X-OpenStack-Ironic-API-Version': '1.31', 'Content-Type': 'application/json' };

/** A fact that is there only where the cloud has the service. */
export function need(site: Site, fact: 'nova_url' | 'ironic_url' | 'flavor_id'): string {
  const value = site.cloud[fact];
  if (value === undefined) throw new Error(`this test needs Nova and Ironic: test/cloud/up keystone glance swift web ironic nova`);
  return value;
}

async function nova<T>(site: Site, method: string, path: string, body?: unknown): Promise<T> {
  const headers = { ...novaHeaders, 'X-Auth-Token': site.project.token };
  const answer = await call(method, need(site, 'nova_url') + path, { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export interface Server {
  readonly id: string;
  readonly name: string;
}

/** Boots a server on an image and waits until it runs; it is gone when the test is over. */
export async function bootServer(site: Site, name: string, imageRef: string): Promise<Server> {
  const request = { server: { name, imageRef, flavorRef: need(site, 'flavor_id'), networks: 'none' } };
  const { server } = await nova<{ server: { id: string } }>(site, 'POST', '/servers', request);
  site.afterwards(() => removeServer(site, server.id));
  await awaitStatus(site, server.id, 'ACTIVE');
  return { id: server.id, name };
}

export async function act(site: Site, { id }: Server, action: Readonly<Record<string, unknown>>, status: string): Promise<void> {
  await nova(site, 'POST', `/servers/${id}/action`, action);
  await awaitStatus(site, id, status);
}

/** Starts a snapshot and gives its image's id. */
export async function snapshotServer(site: Site, { id }: Server, name: string): Promise<string> {
  const headers = { 'X-Auth-Token': site.project.token, 'Content-Type': 'application/json' };
  const answer = await call('POST', `${need(site, 'nova_url')}/servers/${id}/action`, { headers, body: JSON.stringify({ createImage: { name } }) });
  const image = (answer.headers.get('location') ?? '').split('/').at(-1) ?? '';
  await until(async () => (await site.glance.get(image)).status === 'active', `snapshot ${image}`);
  return image;
}

async function awaitStatus(site: Site, id: string, status: string): Promise<void> {
  await until(async () => (await nova<{ server: { status: string } }>(site, 'GET', `/servers/${id}`)).server.status === status, `server ${id} to be ${status}`);
}

async function removeServer(site: Site, id: string): Promise<void> {
  // An ordinary deletion may leave it SOFT_DELETED.
  await nova(site, 'POST', `/servers/${id}/action`, { forceDelete: null });
  await until(async () => {
    try {
      await nova(site, 'GET', `/servers/${id}`);
      return false;
    } catch (error) {
      return (error as { status?: number }).status === 404;
    }
  }, `server ${id} to be gone`);
}

/** A node with these images; it is gone when the test is over. */
export async function createNode(site: Site, node: Readonly<Record<string, unknown>>): Promise<string> {
  const headers = { ...ironicHeaders, 'X-Auth-Token': site.project.token };
  const answer = await call('POST', `${need(site, 'ironic_url')}/v1/nodes`, { headers, body: JSON.stringify({ driver: 'fake-hardware', ...node }) });
  const { uuid } = (await answer.json()) as { uuid: string };
  site.afterwards(() => call('DELETE', `${need(site, 'ironic_url')}/v1/nodes/${uuid}`, { headers }));
  return uuid;
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`gave up waiting for ${what}`);
    await sleep(200);
  }
}
