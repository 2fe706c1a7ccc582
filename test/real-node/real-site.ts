// Nodes that really boot, their Ironic, and runs of ipa_test on them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { openRealIronic, type RawIronic } from '../acceptance/baremetal.js';
import { fact, until } from '../acceptance/cloud.js';
import type { Arguments } from '../acceptance/executable.js';
import type { RawImage } from '../acceptance/glance.js';
import {
  ipaRuns,
  resultOf,
  seedPair,
  setCleaning,
  standingOf,
  type IpaResult,
  type IpaRuns,
} from '../acceptance/ipa-site.js';
import { sql } from '../acceptance/image-clean-site.js';
import { withSite, type Site } from '../acceptance/site.js';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { takeMachine, type Machine } from './machine.js';

/** Seconds in which a boot succeeds, or Ironic has given it up. */
export const patience = 960;

export interface RealNode {
  readonly uuid: string;
  readonly name: string;
  readonly machine: Machine;
}

export interface NodeOptions {
  /** Fields of the node beside the usual ones. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Whether each cleaning boots the agent; it does not while the node is enrolled. */
  readonly cleaning?: boolean;
  /** The state in which the test gets it. */
  readonly state?: 'enroll' | 'available';
}

export interface RealSite extends IpaRuns {
  readonly site: Site;
  readonly ironic: RawIronic;
  readonly ironicProxy: FaultProxy;
  /** Which the server of a test says on the serial line when it has booted. */
  readonly serverLine: string;
  /** The server's image, in Glance. */
  readonly image: RawImage;
  addNode(options?: NodeOptions): Promise<RealNode>;
  /**
   * A run with a pair that no agent will call from: as soon as the node has said on its serial line
   * what is wrong, Ironic waits no longer.
   */
  runInVain(node: RealNode, cause: RegExp, given: Arguments): Promise<IpaResult>;
  /** Whether the node stands as it was given to the test, and nothing is left in the journal. */
  expectPutBack(node: RealNode, expected?: Readonly<Record<string, unknown>>): Promise<void>;
}

/**
 * Makes a test of a body that needs nodes that really boot. No image of the site may be changed by
 * it.
 */
export function withRealNodes(body: (real: RealSite) => Promise<void>): () => Promise<void> {
  return withSite(async (site) => body(await openRealSite(site)));
}

export async function openRealSite(site: Site): Promise<RealSite> {
  const ironic = openRealIronic(site);
  const ironicProxy = await startFaultProxy(ironic.url);
  site.afterwards(() => ironicProxy.close());
  const serverLine = `real node: ${site.name} has booted from its disk`;
  const image = await site.glance.create(
    { name: `${site.name}-server`, disk_format: 'raw', visibility: 'public' },
    serverThatSays(site, serverLine),
  );
  const runs = ipaRuns(site, {
    endpoint_override: { image: site.glanceProxy.url, baremetal: ironicProxy.url },
    deployer: 'ironic',
    server_image: image.id,
  });
  return {
    site,
    ironic,
    ironicProxy,
    serverLine,
    image,
    addNode: (options) => addNode(site, ironic, options),
    ...runs,
    runInVain: async (node, cause, given) => {
      const running = runs.start(given);
      let hasEnded = false;
      void running.ended.then(() => (hasEnded = true));
      await until(async () => hasEnded || cause.test(node.machine.serial()), `${cause} on the serial line`, patience);
      sql('ironic-real', `UPDATE nodes SET provision_updated_at = '2020-01-01' WHERE uuid = '${node.uuid}'`);
      return resultOf(await running.ended);
    },
    expectPutBack: async ({ uuid }, expected = {}) => {
      expect(standingOf(await ironic.getNode(uuid))).toEqual({ ...asGiven(site), ...expected });
      expect(runs.journal()).toEqual([]);
    },
  };
}

/** What nodes boot before a test, and after it. */
export function formerImages(site: Site): Readonly<Record<string, string>> {
  const [deploy_kernel, deploy_ramdisk] = pairByUrl(site, 'good', 'good');
  return { deploy_kernel: `${deploy_kernel}`, deploy_ramdisk: `${deploy_ramdisk}` };
}

/** URLs of a kernel and an initramfs, of which either may be a bad one. */
export function pairByUrl(site: Site, kernel: string, initramfs: string): readonly [string, string] {
  const files = fact(site.cloud, 'real_files_url');
  return [`${files}/${kernel}.kernel`, `${files}/${initramfs}.initramfs`];
}

/** One of the images that the machines boot. */
export function imageFile({ cloud }: Site, name: string): Buffer {
  return readFileSync(join(cloud.cloud_state, 'real-node/images', name));
}

/** The good pair in Glance, as a build of its own. */
export function uploadPair(site: Site): Promise<readonly [RawImage, RawImage]> {
  return seedPair(site, {}, (kind) => imageFile(site, `good.${kind}`));
}

function serverThatSays(site: Site, line: string): Buffer {
  const disk = imageFile(site, 'server.raw');
  const usual = /real node: [^\r]+/.exec(disk.toString('latin1', 0, 512));
  if (!usual || usual[0].length < line.length) throw new Error(`server.raw has no room for "${line}"`);
  disk.write(line.padEnd(usual[0].length), usual.index, 'latin1');
  return disk;
}

async function addNode(
  site: Site,
  ironic: RawIronic,
  { fields = {}, cleaning = false, state = 'available' }: NodeOptions = {},
): Promise<RealNode> {
  const machine = await takeMachine(site);
  const name = `${site.name}-${machine.name}`;
  const uuid = await ironic.createNode({
    name,
    driver: 'ipmi',
    boot_interface: 'ipxe',
    deploy_interface: 'direct',
    inspect_interface: 'no-inspect',
    management_interface: 'ipmitool',
    network_interface: 'noop',
    rescue_interface: 'agent',
    vendor_interface: 'no-vendor',
    automated_clean: false,
    driver_info: { ...driverInfo(site, machine), ...formerImages(site) },
    properties: {
      node_type: site.name,
      cpu_arch: 'x86_64',
      memory_mb: 1024,
      cpus: 2,
      local_gb: 4,
      capabilities: 'boot_mode:bios',
    },
    ...fields,
  });
  await ironic.ask('POST', '/ports', { node_uuid: uuid, address: machine.mac });
  const node = { uuid, name, machine };
  if (state === 'enroll') return node;
  await ironic.ask('PUT', `/nodes/${uuid}/states/provision`, { target: 'manage' });
  await ironic.waitForState(uuid, 'manageable');
  await ironic.ask('PUT', `/nodes/${uuid}/states/provision`, { target: 'provide' });
  await ironic.waitForState(uuid, 'available');
  if (cleaning) await setCleaning(ironic, uuid);
  return node;
}

/** How the BMC of a machine is reached, and its agent. */
export function driverInfo({ cloud }: Site, { ipmi_port, agent_host }: Machine): Readonly<Record<string, unknown>> {
  return {
    ipmi_address: '127.0.0.1',
    ipmi_port,
    ipmi_username: fact(cloud, 'real_bmc_username'),
    ipmi_password: fact(cloud, 'real_bmc_password'),
    ipmi_cipher_suite: 3,
    // The kernel speaks from its first moment on; the agent is called at an address of its own.
    kernel_append_params: `console=ttyS0 earlyprintk=serial,ttyS0 ipa-advertise-host=${agent_host}`,
  };
}

function asGiven(site: Site): Readonly<Record<string, unknown>> {
  return {
    ...formerImages(site),
    provision_state: 'available',
    maintenance: false,
    instance_uuid: null,
    instance_info: {},
  };
}
