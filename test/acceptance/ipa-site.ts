// IPA images and nodes on the real cloud, and runs of ipa_test against them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { openIronic, type RawIronic, type RawNode } from './baremetal.js';
import { call, fact } from './cloud.js';
import { parseResult, startModule, type Arguments, type Ended, type Running } from './executable.js';
import type { RawImage } from './glance.js';
import type { Site } from './site.js';

export interface IpaResult {
  readonly changed: boolean;
  readonly failed?: boolean;
  readonly code?: string;
  readonly msg: string;
  readonly failures?: readonly string[];
  readonly warnings?: readonly string[];
  readonly passed?: boolean;
  readonly reason?: string;
  readonly last_error?: string;
  readonly node?: { readonly uuid: string; readonly name: string };
  readonly server?: string;
  readonly kernel?: { readonly id: string; readonly build_tag: string };
  readonly seconds?: Readonly<Record<string, number>>;
  readonly nodes?: readonly {
    readonly uuid: string;
    readonly name: string;
    readonly result: string;
    readonly reason: string;
  }[];
  readonly restored: readonly string[];
}

export interface IpaRuns {
  start(given?: Arguments): Running;
  run(given?: Arguments): Promise<IpaResult>;
  /** Files of the journal. */
  journal(): string[];
}

export interface IpaSite extends IpaRuns {
  readonly site: Site;
  readonly ironic: RawIronic;
  readonly novaProxy: FaultProxy;
  readonly ironicProxy: FaultProxy;
  readonly kernel: RawImage;
  readonly initramfs: RawImage;
  /** Deployed on the node. */
  readonly image: RawImage;
  /** A node of the site's type with images of its own, in the state `enroll`. */
  enrollNode(fields?: Readonly<Record<string, unknown>>): Promise<string>;
  /**
   * An available node of the site's type, with images of its own; Nova takes those that are asked
   * for with `forNova`.
   */
  addNode(fields?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Names of servers of the project. */
  servers(): Promise<string[]>;
}

export const former = {
  deploy_kernel: '11111111-1111-4111-8111-111111111111',
  deploy_ramdisk: '22222222-2222-4222-8222-222222222222',
  ipmi_password: 'of no use',
};

/** A pair of one build, and an image to deploy, in the site's project. */
export async function openIpaSite(site: Site): Promise<IpaSite> {
  const ironic = openIronic(site);
  const nova = new URL(fact(site.cloud, 'nova_url'));
  const novaProxy = await startFaultProxy(nova.origin);
  const ironicProxy = await startFaultProxy(fact(site.cloud, 'ironic_url'));
  site.afterwards(() => Promise.all([novaProxy.close(), ironicProxy.close()]));
  const [kernel, initramfs] = await seedPair(site);
  const image = await site.glance.create({ name: `${site.name}-disk`, disk_format: 'raw' }, Buffer.alloc(512, 'disk'));
  const runs = ipaRuns(site, {
    endpoint_override: {
      image: site.glanceProxy.url,
      compute: novaProxy.url + nova.pathname,
      baremetal: ironicProxy.url,
    },
    node_type: site.name,
    server_image: image.id,
    flavor: fact(site.cloud, 'baremetal_flavor_name'),
    key_name: fact(site.cloud, 'keypair_name'),
    network: 'none',
  });
  const enrollNode: IpaSite['enrollNode'] = (fields = {}) => {
    const { properties, ...rest } = fields as { properties?: object };
    return ironic.createNode({
      driver_info: former,
      ...rest,
      properties: { node_type: site.name, cpu_arch: 'x86_64', ...properties },
    });
  };
  return {
    site,
    ironic,
    novaProxy,
    ironicProxy,
    kernel,
    initramfs,
    image,
    enrollNode,
    addNode: async (fields) => {
      const uuid = await enrollNode(fields);
      await ironic.makeAvailable(uuid);
      return uuid;
    },
    ...runs,
    servers: () => serversOf(site),
  };
}

/** Runs of ipa_test with these arguments, on a host of their own. */
export function ipaRuns(site: Site, usual: Arguments): IpaRuns {
  const host = site.addHost();
  const journalFolder = join(host, 'journal');
  const start = (given: Arguments = {}): Running => {
    const {
      stall_timeout: _s,
      attempts: _a,
      object_store_url: _o,
      scope: _c,
      ...login
    } = site.argumentsOf({ ...usual, lock_dir: host, journal_dir: journalFolder, ...given });
    const running = startModule('ipa_test', login, {});
    site.afterwards(() => running.kill());
    return running;
  };
  return {
    start,
    run: async (given) => resultOf(await start(given).ended),
    journal: () => filesIn(journalFolder),
  };
}

/** Names of the servers of the project. */
export async function serversOf({ cloud, project }: Site): Promise<string[]> {
  const answer = await call('GET', `${fact(cloud, 'nova_url')}/servers`, {
    headers: { 'X-Auth-Token': project.token },
  });
  return ((await answer.json()) as { servers: { name: string }[] }).servers.map(({ name }) => name);
}

/** From now on each cleaning of the node boots the agent, or none does. */
export async function setCleaning(ironic: RawIronic, uuid: string, value = true): Promise<void> {
  await ironic.ask('PATCH', `/nodes/${uuid}`, [{ op: 'add', path: '/automated_clean', value }]);
}

export function resultOf(ended: Ended): IpaResult {
  return parseResult(ended) as unknown as IpaResult;
}

/** Of the class that Nova takes. */
export function forNova(site: Site): { readonly resource_class: string } {
  return { resource_class: fact(site.cloud, 'baremetal_resource_class') };
}

/** A pair of one build. */
export async function seedPair(
  site: Site,
  properties: Readonly<Record<string, string>> = {},
  dataOf: (kind: string) => Buffer = (kind) => Buffer.alloc(512, kind),
): Promise<[RawImage, RawImage]> {
  const seed = (kind: string, format: string): Promise<RawImage> => {
    const attributes = {
      disk_format: format,
      container_format: format,
      'build-ipa': kind,
      'build-tag': `${site.name}-2025-04-22 15:30:45`,
      'build-timestamp': '2025-04-22 15:30:45',
    };
    return site.glance.create(
      { name: `${site.name}-AMD64.${kind}`, visibility: 'public', ...attributes, ...properties },
      dataOf(kind),
    );
  };
  return Promise.all([seed('kernel', 'aki'), seed('initramfs', 'ari')]);
}

/** The images that a node boots, and where it stands: what a test must leave as it was. */
export function standingOf({
  driver_info,
  provision_state,
  maintenance,
  instance_uuid,
  instance_info,
}: RawNode): Readonly<Record<string, unknown>> {
  const { deploy_kernel, deploy_ramdisk, rescue_kernel, rescue_ramdisk } = driver_info as Readonly<
    Record<string, unknown>
  >;
  return {
    deploy_kernel,
    deploy_ramdisk,
    rescue_kernel,
    rescue_ramdisk,
    provision_state,
    maintenance,
    instance_uuid,
    instance_info,
  };
}

/** As `addNode` leaves a node. */
export const asBefore = {
  deploy_kernel: former.deploy_kernel,
  deploy_ramdisk: former.deploy_ramdisk,
  provision_state: 'available',
  maintenance: false,
  instance_uuid: null,
  instance_info: {},
};

/** Names of the files in a folder that may not be there. */
function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
