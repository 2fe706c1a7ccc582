// Glance by plain requests, past the proxies: to look at what a run has left, and to prepare what
// it finds.
import { createHash } from 'node:crypto';
import { call } from './cloud.js';

/** An image as the API gives it: attributes and properties side by side. */
export interface RawImage {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly visibility: string;
  readonly owner: string;
  readonly size: number | null;
  readonly [attribute: string]: unknown;
}

export interface RawGlance {
  /** All images of the project, hidden ones too, the oldest first. */
  list(): Promise<RawImage[]>;
  get(id: string): Promise<RawImage>;
  /**
   * Creates an image; with content it becomes active, and a qcow2 only where the content is one, as
   * Glance looks since 2025.1.
   */
  create(attributes: Readonly<Record<string, unknown>>, content?: Buffer): Promise<RawImage>;
  /** Sets attributes or properties. */
  change(id: string, attributes: Readonly<Record<string, unknown>>): Promise<void>;
  remove(id: string): Promise<void>;
  deactivate(id: string): Promise<void>;
  /** What the tasks of an image, such as its imports, say of themselves. */
  taskMessages(id: string): Promise<string[]>;
  /** Of the data as Glance hands them out. */
  sha256(id: string): Promise<string>;
}

export function openGlance(url: string, token: string, projectId: string): RawGlance {
  const headers = { 'X-Auth-Token': token };
  const images = `${url}/v2/images`;

  async function listSome(hidden: boolean): Promise<RawImage[]> {
    const answer = await call(
      'GET',
      `${images}?owner=${projectId}&limit=1000&sort=created_at:asc,id:asc&os_hidden=${hidden}`,
      { headers },
    );
    return ((await answer.json()) as { images: RawImage[] }).images;
  }

  async function get(id: string): Promise<RawImage> {
    return (await (await call('GET', `${images}/${id}`, { headers })).json()) as RawImage;
  }

  async function create(attributes: Readonly<Record<string, unknown>>, content?: Buffer): Promise<RawImage> {
    const disk_format = content && !isQcow2(content) ? 'raw' : 'qcow2';
    const body = JSON.stringify({ container_format: 'bare', disk_format, ...attributes });
    const answer = await call('POST', images, { headers: { ...headers, 'Content-Type': 'application/json' }, body });
    const image = (await answer.json()) as RawImage;
    if (!content) return image;
    await call('PUT', `${images}/${image.id}/file`, {
      headers: { ...headers, 'Content-Type': 'application/octet-stream' },
      body: content,
    });
    return get(image.id);
  }

  return {
    list: async () => [...(await listSome(false)), ...(await listSome(true))],
    get,
    create,
    taskMessages: async (id) => {
      const answer = await call('GET', `${images}/${id}/tasks`, { headers });
      return ((await answer.json()) as { tasks: { message: string }[] }).tasks.map(({ message }) => message);
    },
    change: async (id, attributes) => {
      const type = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
      const body = JSON.stringify(
        Object.entries(attributes).map(([key, value]) => ({ op: 'add', path: `/${key}`, value })),
      );
      await call('PATCH', `${images}/${id}`, { headers: { ...headers, ...type }, body });
    },
    deactivate: async (id) => void (await call('POST', `${images}/${id}/actions/deactivate`, { headers })),
    remove: async (id) => void (await call('DELETE', `${images}/${id}`, { headers })),
    sha256: async (id) => {
      const answer = await call('GET', `${images}/${id}/file`, { headers });
      return createHash('sha256')
        .update(Buffer.from(await answer.arrayBuffer()))
        .digest('hex');
    },
  };
}

const isQcow2 = (content: Buffer): boolean => content.toString('latin1', 0, 4) === 'QFI\xfb';
