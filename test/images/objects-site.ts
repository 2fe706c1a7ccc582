// A site in the doubles that subscribes to the older image store, with a supports.yaml of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { putBuild, supports, type Build } from '../sandbox/builds.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';
import { startSite, type TestSite } from './site.js';

export interface ObjectsSite extends TestSite {
  readonly supportsYaml: string;
  writeSupports(document: unknown): void;
  /** Puts an object into the older store; a qcow2 unless the content is given. */
  put(metadata?: Build['metadata'], build?: Partial<Build>): string;
  /** Puts the two halves of one build of the agent. */
  putPair(metadata?: Build['metadata']): { kernel: string; initramfs: string };
  deploy(args?: Readonly<Record<string, unknown>>, options?: { checkMode?: boolean }): Promise<Outcome>;
  /** What users see: public images by name. */
  published(): Map<string, StoredImage>;
  /** The requests to the older store, such as `HEAD`, `GET` and `GET bytes=0-511`. */
  asked(): string[];
}

/** A qcow2 header with something after it. */
export function disk(content = 'data'): Buffer {
  const head = Buffer.alloc(1024);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(3, 4);
  return Buffer.concat([head, Buffer.from(content)]);
}

export const agent = {
  'build-distro': 'ipa_debian',
  'build-release': 'bullseye',
  'build-variant': 'amd64',
  'build-tag': 'CC-IPA-1',
};
export const kernelName = 'CC-IPA-Debian11-AMD64.kernel';
export const initramfsName = 'CC-IPA-Debian11-AMD64.initramfs';

export async function startObjectsSite(options: SandboxOptions = {}): Promise<ObjectsSite> {
  const site = await startSite(options);
  const folder = mkdtempSync(join(tmpdir(), 'supports-'));
  const supportsYaml = join(folder, 'supports.yaml');
  const writeSupports = (document: unknown): void => writeFileSync(supportsYaml, JSON.stringify(document));
  writeSupports(supports);
  const put: ObjectsSite['put'] = (metadata = {}, build = {}) =>
    putBuild(site.objectsStore, { content: disk(), metadata, ...build });
  return {
    ...site,
    supportsYaml,
    writeSupports,
    put,
    putPair: (metadata = {}) => ({
      kernel: put(
        { ...agent, 'build-ipa': 'kernel', 'disk-format': 'aki', ...metadata },
        { content: 'kernel'.repeat(100) },
      ),
      initramfs: put(
        { ...agent, 'build-ipa': 'initramfs', 'disk-format': 'ari', ...metadata },
        { content: 'initramfs'.repeat(100) },
      ),
    }),
    deploy: (args = {}, runOptions = {}) =>
      site.run(imageDeploy, { catalog: 'objects', supports_yaml: supportsYaml, ...args }, runOptions),
    published: () =>
      new Map(
        [...site.glance.state.images.values()]
          .filter(({ visibility, status }) => visibility === 'public' && status === 'active')
          .map((image) => [image.name ?? '', image]),
      ),
    asked: () =>
      site.objectsStore.requests.map(({ method, headers }) => `${method}${headers.range ? ` ${headers.range}` : ''}`),
    close: async () => {
      await site.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A supports.yaml with one image alone. */
export const focalOnly = {
  supported_distros: { ubuntu: { releases: { focal: { prod_name: 'CC-Ubuntu20.04', variants: ['base'] } } } },
  supported_variants: { base: { prod_name_suffix: null } },
};

export interface DeployResult {
  readonly name: string;
  readonly release: string;
  readonly action: string;
  readonly reason: string;
  readonly id?: string;
  readonly archived_id?: string;
  readonly archived_name?: string;
  readonly verified_by?: readonly string[];
}

export function resultsOf({ values }: Outcome): DeployResult[] {
  return values.images as DeployResult[];
}

/** `name action` of each result, sorted. */
export function actionsOf(outcome: Outcome): string[] {
  return resultsOf(outcome)
    .map(({ name, action }) => `${name} ${action}`)
    .sort();
}

export interface ProxiedSite extends ObjectsSite {
  readonly glanceProxy: FaultProxy;
  readonly storeProxy: FaultProxy;
}

/** The same with something before Glance and before the older store that can be made to fail. */
export async function startProxiedSite(options: SandboxOptions = {}): Promise<ProxiedSite> {
  const site = await startObjectsSite(options);
  const glanceProxy = await startFaultProxy(site.glance.url);
  const { origin, pathname } = new URL(site.objectsStore.objectStoreUrl);
  const storeProxy = await startFaultProxy(origin);
  return {
    ...site,
    glanceProxy,
    storeProxy,
    deploy: (args, runOptions) =>
      site.deploy(
        { endpoint_override: { image: glanceProxy.url }, objects_store_url: storeProxy.url + pathname, ...args },
        runOptions,
      ),
    close: async () => {
      await Promise.all([glanceProxy.close(), storeProxy.close()]);
      await site.close();
    },
  };
}

export const focalName = 'CC-Ubuntu20.04';

/** The properties of an image of the build that `put` publishes. */
export const focalProperties = (changes: Record<string, string> = {}): Record<string, string> => ({
  ...{ 'build-distro': 'ubuntu', 'build-release': 'focal', 'build-variant': 'base', 'build-ipa': 'na' },
  ...{ 'build-timestamp': '1677628504.897832', 'build-os-base-image-revision': '20230302', ...changes },
});

/** The names of all images of supports.yaml. */
export const everything = [
  'CC-IPA-Debian11-AMD64.initramfs',
  'CC-IPA-Debian11-AMD64.kernel',
  'CC-Ubuntu20.04',
  'CC-Ubuntu20.04-CUDA',
  'CC-Ubuntu22.04',
];

/** One object for each image of supports.yaml. */
export function fill(site: ObjectsSite): Record<'focal' | 'gpu' | 'jammy' | 'kernel' | 'initramfs', string> {
  const [focal, gpu, jammy] = [
    site.put(),
    site.put({ 'build-variant': 'gpu' }),
    site.put({ 'build-release': 'jammy', 'build-ipa': 'false' }),
  ];
  site.objectsStore.put('not-an-image', 'x');
  site.objectsStore.put(`${focal}/000000`, 'segment');
  return { focal, gpu, jammy, ...site.putPair() };
}
