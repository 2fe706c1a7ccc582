// Image stores for tests: the real Swift container, or the folder of the static web server, under a
// scope of the test's own.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { call, type CloudFacts } from './cloud.js';
import { makeDisk, type DiskOptions } from './disk.js';

export const container = 'chameleon-supported-images';

export interface PublishOptions extends DiskOptions {
  /** Instead of a new disk. */
  readonly content?: Buffer | string;
  /** Beside the usual keys, or instead of them; or anything else that a store may serve. */
  readonly manifest?: Readonly<Record<string, unknown>> | string;
  /**
   * Whether the producer's checksum headers are set; they are unless this says no. Only in Swift.
   */
  readonly checksumHeaders?: boolean;
  /** Makes a static large object of so many segments. Only in Swift. */
  readonly segments?: number;
}

export interface Published {
  readonly name: string;
  readonly release: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ImageStore {
  /** The `object_store_url`. */
  readonly url: string;
  /** Puts an image and its manifest there, and makes the release current. */
  publish(name: string, release: string, options?: PublishOptions): Promise<Published>;
  /** Writes `current` as it is given: what a broken store may serve. */
  publishCatalogue(content: string): Promise<void>;
  /** Removes one file of a release, such as `qcow2`. */
  withdraw(name: string, release: string, type: string): Promise<void>;
  cleanUp(): Promise<void>;
}

/** Where the objects of a scope lie. */
interface Shelf {
  readonly url: string;
  put(path: string, content: Buffer, options: Pick<PublishOptions, 'checksumHeaders' | 'segments'>): Promise<void>;
  remove(path: string): Promise<void>;
  cleanUp(): Promise<void>;
}

export function swiftStore(cloud: CloudFacts, token: string, scope: string): ImageStore {
  return storeOn(swiftShelf(cloud, token, scope));
}

export function webStore(cloud: CloudFacts, scope: string): ImageStore {
  const folder = join(cloud.cloud_state, 'store', container, scope);
  return storeOn({
    url: cloud.store_static_url,
    put: async (path, content) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, `${path}.new`), content);
      renameSync(join(folder, `${path}.new`), join(folder, path));
    },
    remove: async (path) => rmSync(join(folder, path)),
    cleanUp: async () => rmSync(folder, { recursive: true, force: true }),
  });
}

function storeOn(shelf: Shelf): ImageStore {
  const releases = new Map<string, string>();
  const publishCatalogue = (content: string): Promise<void> => shelf.put('current', Buffer.from(content), {});
  return {
    url: shelf.url,
    publishCatalogue,
    withdraw: (name, release, type) => shelf.remove(`versions/${release}/${name}.${type}`),
    cleanUp: () => shelf.cleanUp(),
    publish: async (name, release, options = {}) => {
      const { format = 'qcow2' } = options;
      const content = options.content === undefined ? makeDisk(options) : Buffer.from(options.content);
      const manifest =
        typeof options.manifest === 'string'
          ? options.manifest
          : JSON.stringify({ ...usualManifest(name, release), ...options.manifest }, null, 2);
      const path = `versions/${release}/${name}`;
      await Promise.all([
        shelf.put(`${path}.${format}`, content, options),
        shelf.put(`${path}.manifest`, Buffer.from(manifest), {}),
      ]);
      releases.set(name, release);
      await publishCatalogue(JSON.stringify(Object.fromEntries(releases)));
      return { name, release, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    },
  };
}

/**
 * The keys of a real manifest (CC-Images, elements/cc-manifest). The timestamp follows from the
 * release, so that releases differ in it.
 */
export function usualManifest(name: string, release: string): Record<string, string> {
  const day = /^(\d{4})(\d\d)(\d\d)/.exec(release)?.slice(1).join('-') ?? '2025-01-01';
  return {
    'build-distro': 'ubuntu',
    'build-release': 'jammy',
    'build-variant': 'base',
    'build-repo': 'https://github.com/ChameleonCloud/cc-images',
    'build-repo-commit': '5f0c7a1d3b9e42688a1c6e0f97d2b4535c81e6fa',
    'build-timestamp': `${day} 15:30:45.123456`,
    'build-tag': `${name}-${release}`,
    'build-ipa': 'false',
  };
}

function swiftShelf(cloud: CloudFacts, token: string, scope: string): Shelf {
  const present = new Set<string>();

  async function put(
    object: string,
    content: Buffer | string,
    headers: Record<string, string> = {},
    query = '',
  ): Promise<void> {
    present.add(object);
    const type = { 'X-Auth-Token': token, 'Content-Type': 'application/octet-stream' };
    await call('PUT', `${cloud.swift_url}/${container}/${object}${query}`, {
      headers: { ...type, ...headers },
      body: content,
    });
  }

  async function putSegments(object: string, content: Buffer, segments: number): Promise<void> {
    const bytes = Math.ceil(content.length / segments);
    const list: { path: string; size_bytes: number }[] = [];
    for (let start = 0; start < content.length; start += bytes) {
      const segment = `${object}/${String(list.length).padStart(6, '0')}`;
      await put(segment, content.subarray(start, start + bytes));
      list.push({ path: `/${container}/${segment}`, size_bytes: Math.min(bytes, content.length - start) });
    }
    await put(object, JSON.stringify(list), checksumHeaders(content), '?multipart-manifest=put');
  }

  async function remove(object: string): Promise<void> {
    present.delete(object);
    await call('DELETE', `${cloud.swift_url}/${container}/${object}`, { headers: { 'X-Auth-Token': token } });
  }

  return {
    url: cloud.swift_url,
    put: (path, content, { checksumHeaders: wanted = true, segments }) =>
      segments
        ? putSegments(`${scope}/${path}`, content, segments)
        : put(`${scope}/${path}`, content, wanted ? checksumHeaders(content) : {}),
    remove: (path) => remove(`${scope}/${path}`),
    cleanUp: async () => void (await Promise.all([...present].map(remove))),
  };
}

/** What openstacksdk adds to each upload (object_store/v1/_proxy.py). */
function checksumHeaders(content: Buffer): Record<string, string> {
  const hex = (algorithm: string): string => createHash(algorithm).update(content).digest('hex');
  return { 'X-Object-Meta-X-Sdk-Md5': hex('md5'), 'X-Object-Meta-X-Sdk-Sha256': hex('sha256') };
}
