// The older image store on the real Swift: a container for each test, filled as the producer fills
// it, and a supports.yaml.
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { call, cloudAdminToken } from './cloud.js';
import { makeDisk } from './disk.js';
import type { Arguments, ModuleResult } from './executable.js';
import type { RawImage } from './glance.js';
import { withSite, type Site } from './site.js';

export interface PutOptions {
  /** Metadata beside the usual ones, or instead of them. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly content?: Buffer;
  readonly id?: string;
  /** Uploads in so many segments, into a container of their own as swift(1) does. */
  readonly large?: { readonly kind: 'static' | 'dynamic'; readonly segments: number };
  /** Whether the producer's checksum headers are set; they are not unless this says so. */
  readonly checksums?: boolean;
}

export interface StoredObject {
  readonly id: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ObjectsStore {
  readonly container: string;
  put(options?: PutOptions): Promise<StoredObject>;
  remove(id: string): Promise<void>;
}

export interface ObjectsSite extends Site {
  readonly objects: ObjectsStore;
  /** Production names, unique to the test. */
  readonly names: Readonly<Record<'focal' | 'cuda' | 'jammy' | 'kernel' | 'initramfs', string>>;
  readonly supportsYaml: string;
  /** Runs image_deploy on the older store. */
  deployObjects(given?: Arguments): Promise<ModuleResult>;
  /** The public image of a production name; there must be exactly one. */
  production(name: string): Promise<RawImage>;
}

const usualMetadata = {
  ...{
    'build-distro': 'ubuntu',
    'build-release': 'focal',
    'build-variant': 'base',
    'build-ipa': 'na',
    'disk-format': 'qcow2',
  },
  ...{
    'build-timestamp': '1677628504.897832',
    'build-os-base-image-revision': '20230302',
    'build-repo': 'https://github.com/ChameleonCloud/abracadabra',
  },
};

export const agent = {
  'build-distro': 'ipa_debian',
  'build-release': 'bullseye',
  'build-variant': 'amd64',
  'build-os-base-image-revision': '20230124-1270',
};

/** A site whose project and container no other test has. */
export function withObjects(body: (site: ObjectsSite) => Promise<void>): () => Promise<void> {
  return withSite(async (site) => {
    const objects = await openContainer(site);
    const folder = mkdtempSync(join(tmpdir(), 'supports-'));
    site.afterwards(() => rmSync(folder, { recursive: true }));
    const supportsYaml = join(folder, 'supports.yaml');
    writeFileSync(supportsYaml, supportsOf(site.name));
    const names = {
      focal: `${site.name}-20.04`,
      cuda: `${site.name}-20.04-CUDA`,
      jammy: `${site.name}-22.04`,
      kernel: `${site.name}-IPA-AMD64.kernel`,
      initramfs: `${site.name}-IPA-AMD64.initramfs`,
    };
    const deployObjects = (given: Arguments = {}): Promise<ModuleResult> =>
      site.deploy({
        catalog: 'objects',
        objects_store_url: site.storeProxy.url,
        objects_container: objects.container,
        supports_yaml: supportsYaml,
        ...given,
      });
    const production = async (name: string): Promise<RawImage> => {
      const images = (await site.glance.list()).filter(
        (image) => image.name === name && image.visibility === 'public' && image.status === 'active',
      );
      if (images.length !== 1) throw new Error(`${images.length} public images are named ${name}`);
      return images[0] as RawImage;
    };
    await body({ ...site, objects, names, supportsYaml, deployObjects, production });
  });
}

function supportsOf(name: string): string {
  return `
supported_distros:
  ubuntu:
    repo_location: https://cloud-images.ubuntu.com
    releases:
      focal: {prod_name: ${name}-20.04, variants: [base, gpu]}
      jammy: {prod_name: ${name}-22.04, variants: [base]}
      "18.04": {prod_name: ${name}-18.04}
  ipa_debian:
    disk_format: aki
    releases:
      bullseye: {prod_name: ${name}-IPA, variants: [amd64]}
supported_variants:
  base: {prod_name_suffix: null}
  gpu: {prod_name_suffix: CUDA}
  amd64: {prod_name_suffix: AMD64}
`;
}

async function openContainer(site: Site): Promise<ObjectsStore> {
  const headers = { 'X-Auth-Token': await cloudAdminToken(site.cloud) };
  const container = `objects-${site.scope}`;
  const segmentContainer = `${container}_segments`;
  const send = (
    method: string,
    path: string,
    more: Record<string, string> = {},
    body?: Buffer | string,
  ): Promise<Response> =>
    call(method, `${site.cloud.swift_url}/${path}`, {
      headers: { ...headers, 'Content-Type': 'application/octet-stream', ...more },
      ...(body === undefined ? {} : { body }),
    });
  for (const each of [container, segmentContainer]) await send('PUT', each, { 'X-Container-Read': '.r:*,.rlistings' });
  site.afterwards(async () => {
    for (const each of [container, segmentContainer]) {
      const rows = (await (await call('GET', `${site.cloud.swift_url}/${each}?format=json`, { headers })).json()) as {
        name: string;
      }[];
      await Promise.all(rows.map(({ name }) => send('DELETE', `${each}/${name}`)));
      await send('DELETE', each);
    }
  });

  async function put({
    metadata = {},
    content = makeDisk(),
    id = randomUUID(),
    large,
    checksums = false,
  }: PutOptions = {}): Promise<StoredObject> {
    const hex = (algorithm: string): string => createHash(algorithm).update(content).digest('hex');
    const all = {
      ...usualMetadata,
      ...metadata,
      ...(checksums ? { 'x-sdk-md5': hex('md5'), 'x-sdk-sha256': hex('sha256') } : {}),
    };
    const named = Object.fromEntries(Object.entries(all).map(([name, value]) => [`X-Object-Meta-${name}`, value]));
    if (!large) await send('PUT', `${container}/${id}`, named, content);
    else await putLarge(id, content, large, named);
    return { id, bytes: content.length, sha256: hex('sha256') };
  }

  async function putLarge(
    id: string,
    content: Buffer,
    { kind, segments }: NonNullable<PutOptions['large']>,
    named: Record<string, string>,
  ): Promise<void> {
    const length = Math.ceil(content.length / segments);
    const paths: string[] = [];
    for (let start = 0; start < content.length; start += length) {
      paths.push(`${segmentContainer}/${id}/${String(paths.length).padStart(8, '0')}`);
      await send('PUT', paths.at(-1) as string, {}, content.subarray(start, start + length));
    }
    if (kind === 'dynamic')
      await send('PUT', `${container}/${id}`, { ...named, 'X-Object-Manifest': `${segmentContainer}/${id}/` }, '');
    else
      await send(
        'PUT',
        `${container}/${id}?multipart-manifest=put`,
        named,
        JSON.stringify(paths.map((path) => ({ path: `/${path}` }))),
      );
  }

  return { container, put, remove: async (id) => void (await send('DELETE', `${container}/${id}`)) };
}

/** The two halves of one build of the agent. */
export async function putPair(
  site: ObjectsSite,
  metadata: Readonly<Record<string, string>> = {},
  dataOf: (kind: string) => Buffer = () => makeDisk({ format: 'raw' }),
): Promise<{ kernel: StoredObject; initramfs: StoredObject }> {
  const half = (ipa: string, format: string): Promise<StoredObject> =>
    site.objects.put({
      content: dataOf(ipa),
      metadata: { ...agent, 'build-ipa': ipa, 'disk-format': format, ...metadata },
    });
  return { kernel: await half('kernel', 'aki'), initramfs: await half('initramfs', 'ari') };
}

/** Expects this object behind a production name, byte for byte. */
export async function expectContent(
  site: ObjectsSite,
  name: string,
  { sha256, bytes }: StoredObject,
  properties: Record<string, unknown> = {},
): Promise<void> {
  const image = await site.production(name);
  const container = name.endsWith('.kernel') ? 'aki' : name.endsWith('.initramfs') ? 'ari' : 'bare';
  expect(image).toMatchObject({
    size: bytes,
    container_format: container,
    owner: site.project.id,
    image_tools_name: name,
    ...properties,
  });
  expect(await site.glance.sha256(image.id)).toBe(sha256);
}

/** GETs of objects that are not only a look at the first bytes. */
export const downloads = (site: ObjectsSite): number =>
  site.storeProxy.requests.filter(
    ({ method, path, headers }) => method === 'GET' && !path.includes('?') && headers.range === undefined,
  ).length;
