// A container of the real Swift that a test fills and removes.

import { randomUUID } from 'node:crypto';

import { send } from '../sandbox/contract-requests.js';
import type { Reply, Sending } from '../sandbox/contract-requests.js';
import type { PutOptions } from '../sandbox/image-store.js';
import type { ImageStoreTarget } from '../sandbox/image-store.contract.js';
import { fact, tokenOf, type CloudFacts } from './cloud.js';

/**
 * Makes a container that everybody may read and list; `close` removes it with all that is in it.
 */
export async function makeContainer(cloud: CloudFacts): Promise<ImageStoreTarget> {
  const token = await tokenOf(cloud, 'admin');
  const container = `contract-${randomUUID()}`;
  const containerUrl = `${fact(cloud, 'swift_url')}/${container}`;

  async function ask(method: string, path: string, sending: Sending = {}): Promise<Reply> {
    const reply = await send(method, containerUrl + path, { token, ...sending });
    if (reply.status >= 300) throw new Error(`${method} ${path} in Swift: ${reply.status} ${reply.text}`);
    return reply;
  }

  async function put(
    name: string,
    content: string,
    options: Pick<PutOptions, 'metadata' | 'large'> = {},
  ): Promise<void> {
    const { metadata = {}, large } = options;
    const headers = Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`X-Object-Meta-${key}`, value]));
    if (large === undefined) return void (await ask('PUT', pathOf(name), { data: content, headers }));
    const segments: string[] = [];
    for (let at = 0; at < content.length; at += large.segmentBytes) {
      segments.push(`${name}/${String(segments.length).padStart(6, '0')}`);
      await put(segments.at(-1)!, content.slice(at, at + large.segmentBytes));
    }
    if (large.kind === 'dynamic') {
      await ask('PUT', pathOf(name), {
        data: '',
        headers: { ...headers, 'X-Object-Manifest': `${container}/${name}/` },
      });
      return;
    }
    const manifest = segments.map((segment) => ({ path: `/${container}/${segment}` }));
    await ask('PUT', `${pathOf(name)}?multipart-manifest=put`, { json: manifest, headers });
  }

  async function close(): Promise<void> {
    const { json } = await ask('GET', '?format=json');
    for (const { name } of json as { name: string }[]) await ask('DELETE', pathOf(name));
    await ask('DELETE', '');
  }

  await ask('PUT', '', { headers: { 'X-Container-Read': '.r:*,.rlistings' } });
  return { containerUrl, put, close };
}

function pathOf(name: string): string {
  return `/${name.split('/').map(encodeURIComponent).join('/')}`;
}
