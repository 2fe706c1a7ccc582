// A site with nodes of one type in the doubles of Nova, Ironic, Blazar and Doni, and runs of
// ipa_test against them.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { ipaTest } from '../../modules/ipa/operation.js';
import type { StoredNode } from '../sandbox/ironic.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';
import { startSite, type TestSite } from '../images/site.js';

type Services = NonNullable<SandboxOptions['services']>;

export interface IpaTestSite extends TestSite {
  readonly kernel: StoredImage;
  readonly initramfs: StoredImage;
  /** A node, its host in Blazar, and its hardware in Doni, with the same images in both. */
  addNode(node?: Partial<StoredNode> & Readonly<Record<string, unknown>>): StoredNode;
  test(args?: Readonly<Record<string, unknown>>, options?: Parameters<TestSite['run']>[2]): Promise<Outcome>;
  journal(): string[];
  readonly folder: string;
  /** Requests that change something, of all services, as `METHOD /path`. */
  allWrites(): string[];
}

export const former = {
  deploy_kernel: '11111111-1111-4111-8111-111111111111',
  deploy_ramdisk: '22222222-2222-4222-8222-222222222222',
};
/** A server of somebody else. */
export const theirs = '5a2f6c0e-7b1d-4c3e-9f80-1a2b3c4d5e6f';

export const everything: Services = ['compute', 'baremetal', 'reservation', 'inventory', 'network'];

export async function startIpaSite(services: Services = everything): Promise<IpaTestSite> {
  const site = await startSite({ services });
  const folder = mkdtempSync(join(tmpdir(), 'ipa-test-'));
  const { baremetal, reservation, inventory, network, compute } = site.users;
  network.seed({ name: 'sharednet1' });
  site.glance.seed({ name: 'CC-Ubuntu24.04', visibility: 'public' });
  const [kernel, initramfs] = [seedHalf(site, 'kernel'), seedHalf(site, 'initramfs')];
  return {
    ...site,
    folder,
    kernel,
    initramfs,
    addNode: (given = {}) => {
      const name = `rack1-0${baremetal.nodes.length + 1}`;
      const node = baremetal.seed({
        name,
        driver_info: { ...former, ipmi_password: 'x' },
        properties: { node_type: 'compute_skylake', cpu_arch: 'x86_64' },
        provision_state: 'available',
        ...given,
      });
      reservation.seed({ hypervisor_hostname: node.uuid, node_name: name });
      const properties = {
        baremetal_deploy_kernel_image: former.deploy_kernel,
        baremetal_deploy_ramdisk_image: former.deploy_ramdisk,
        node_type: 'compute_skylake',
      };
      if (services.includes('inventory')) inventory.seed({ uuid: node.uuid, name, properties });
      return node;
    },
    test: (args = {}, options = {}) =>
      site.run(
        ipaTest,
        {
          node_type: 'compute_skylake',
          journal_dir: join(folder, 'journal'),
          lock_dir: folder,
          schedule_timeout: 5,
          deploy_timeout: 5,
          clean_timeout: 5,
          lock_timeout: 2,
          ...args,
        },
        options,
      ),
    journal: () => (existsSync(join(folder, 'journal')) ? readdirSync(join(folder, 'journal')) : []),
    allWrites: () =>
      [baremetal, reservation, inventory, compute, site.glance].flatMap(({ requests }) =>
        requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
      ),
    close: async () => {
      await site.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Kernel or initramfs of a build of its own, which is newer than those that were seeded before. */
export function seedHalf(
  { glance }: TestSite,
  kind: 'kernel' | 'initramfs',
  image: Partial<StoredImage> = {},
): StoredImage {
  const properties = {
    'build-ipa': kind,
    'build-tag': 'CC-IPA-Debian11-AMD64-2025-04-22',
    'build-timestamp': '2025-04-22 15:30:45.123456',
    ...image.properties,
  };
  return glance.seed({
    id: randomUUID(),
    name: `CC-IPA-Debian11-AMD64.${kind}`,
    disk_format: kind === 'kernel' ? 'aki' : 'ari',
    visibility: 'public',
    ...image,
    properties,
  });
}

/** The images from which a node boots for its deployment. */
export function imagesOf({ driver_info: { deploy_kernel, deploy_ramdisk } }: StoredNode): unknown {
  return { deploy_kernel, deploy_ramdisk };
}

/** `node result: reason` of each node that the roll-out concerns. */
export function resultsOf({ values }: Outcome): string[] {
  return (values.nodes as { name: string; result: string; reason: string }[]).map(
    ({ name, result, reason }) => `${name} ${result}: ${reason}`,
  );
}
