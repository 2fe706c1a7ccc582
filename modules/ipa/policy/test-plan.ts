// What a run will do: which pair, which nodes, and what is deployed; decided from the arguments and
// what was read of the site.
import { optionText } from '../../core/option-text.js';
import { InputError } from '../../core/errors.js';
import { nodeTitle } from '../../nodes/policy/provision-states.js';
import { ipaImageKeys, settingsFor, type ImageSettings } from './image-settings.js';
import type { Architecture, IpaImage } from './ipa-images.js';
import {
  chooseCandidates,
  commonArchitecture,
  nodeArchitecture,
  nodeTypeOf,
  type TestableNode,
} from './node-choice.js';
import { chooseServerImage, selectPair, type ChosenPair, type PairArguments, type SiteImages } from './pair-choice.js';

type Mapping = Readonly<Record<string, unknown>>;

export interface IpaPlan {
  readonly pair: ChosenPair;
  readonly settings: ImageSettings;
  /** All of the type, or the one that was named. */
  readonly nodes: readonly TestableNode[];
  readonly warnings: readonly string[];
  readonly test?: TestPlan;
}

export interface TestPlan {
  /** Part of the names of server and lease. */
  readonly type: string;
  /** Free nodes, the first to be tried first; with Blazar the choice is Blazar's. */
  readonly candidates: readonly TestableNode[];
  /** The properties that a lease requests; absent if a node is taken without a lease. */
  readonly resourceProperties?: readonly unknown[];
  readonly deployment: TestDeployment;
}

export type Networks = 'none' | 'auto' | readonly string[];

export type TestDeployment =
  | {
      readonly by: 'nova';
      readonly flavorId: string;
      readonly keyName: string;
      readonly networks: Networks;
      imageFor(architecture: Architecture | undefined): IpaImage;
    }
  | { readonly by: 'ironic'; instanceInfoFor(architecture: Architecture | undefined): Mapping };

export interface TestArguments extends PairArguments {
  readonly node_type?: string | undefined;
  readonly node?: string | undefined;
  readonly test: boolean;
  readonly push: boolean;
  readonly rescue: boolean;
  readonly deployer: 'nova' | 'ironic';
  readonly reservation: 'auto' | 'blazar' | 'none';
  readonly instance_info?: Mapping | undefined;
  readonly server_image: string;
  readonly key_name: string;
}

export interface CloudServices {
  readonly hasBlazar: boolean;
  readonly hasNova: boolean;
}

/** Throws INVALID_INPUT for arguments that contradict each other, before anything is read. */
export function assertConsistent({
  node_type: type,
  node,
  test,
  push,
  deployer,
  instance_info: info,
}: TestArguments): void {
  if (type === undefined && node === undefined)
    throw new InputError(
      `node_type: it is missing; give it, ${optionText('node')} or ${optionText('restore')}`,
      'node_type',
    );
  if (!test && !push)
    throw new InputError(`test: it is false and ${optionText('push')} is not given, so there is nothing to do`, 'test');
  if (push && type === undefined)
    throw new InputError(
      `node_type: ${optionText('push')} requires it to select the nodes that get the images`,
      'node_type',
    );
  if (info !== undefined && deployer !== 'ironic')
    throw new InputError(`instance_info: it requires ${optionText('deployer', 'ironic')}`, 'instance_info');
  const key = Object.keys(info ?? {}).find((name) => !/^[\w-]+$/.test(name));
  if (key !== undefined)
    throw new InputError(
      `instance_info: Ironic does not accept the key ${JSON.stringify(key)}; keys consist of letters, digits, _ and -`,
      'instance_info',
    );
}

/**
 * Whether the node is taken by a lease of Blazar. Throws INVALID_INPUT if the cloud lacks a service
 * that the arguments require.
 */
export function needsLease({ reservation, deployer }: TestArguments, { hasBlazar, hasNova }: CloudServices): boolean {
  if (reservation === 'blazar' && !hasBlazar)
    throw new InputError('reservation: it is blazar, and this cloud has no reservation service', 'reservation');
  if (reservation === 'blazar' && deployer !== 'nova')
    throw new InputError(
      `reservation: it is blazar, whose leases are for servers of Nova; omit ${optionText('deployer', 'ironic')}`,
      'reservation',
    );
  if (deployer === 'nova' && !hasNova)
    throw new InputError(
      `deployer: it is nova, and this cloud has no compute service; give ${optionText('deployer', 'ironic')}`,
      'deployer',
    );
  return hasBlazar && deployer === 'nova' && reservation !== 'none';
}

export interface FoundSite extends SiteImages {
  readonly nodes: readonly TestableNode[];
  /** What a server is created with; absent unless Nova deploys. */
  readonly compute?: { readonly flavorId: string; readonly networks: Networks } | undefined;
}

/** Throws INVALID_INPUT, NO_IPA_PAIR or NO_NODE_FREE. */
export function planTest(
  args: TestArguments,
  found: FoundSite,
  { byLease, defaultServerImage }: { readonly byLease: boolean; readonly defaultServerImage: string },
): IpaPlan {
  const { nodes } = found;
  const pair = selectPair(args, found, commonArchitecture(nodes));
  const settings = settingsFor({ kernel: pair.kernel.reference, initramfs: pair.initramfs.reference }, args.rescue);
  const plan = { pair, settings, nodes, warnings: pair.warnings };
  if (!args.test) return plan;
  const deployment = planDeployment(args, found, args.server_image === defaultServerImage);
  const candidates = chooseCandidates(nodes, {
    keys: ipaImageKeys(args.rescue),
    architecture: pair.architecture,
    type: args.node === undefined ? args.node_type : undefined,
    byIronic: args.deployer === 'ironic',
    byLease,
  });
  const [first] = candidates;
  const known = first && nodeArchitecture(first);
  // Refuse an unsuitable server image now rather than once a node is taken.
  const architecture = known ?? pair.architecture;
  if (deployment.by === 'nova') deployment.imageFor(architecture);
  else deployment.instanceInfoFor(architecture);
  const type = args.node_type ?? (first ? nodeTypeOf(first) : 'node');
  const resourceProperties =
    args.node === undefined ? ['==', '$node_type', type] : ['==', '$hypervisor_hostname', nodes[0]?.uuid];
  const unknownArchitecture =
    first && pair.architecture !== undefined && known === undefined
      ? [
          `node ${nodeTitle(first)} has no properties.cpu_arch: ` +
            `nothing shows whether images for ${pair.architecture} fit it`,
        ]
      : [];
  return {
    ...plan,
    warnings: [...pair.warnings, ...unknownArchitecture],
    test: { type, candidates, deployment, ...(byLease ? { resourceProperties } : {}) },
  };
}

function planDeployment(args: TestArguments, found: FoundSite, isDefault: boolean): TestDeployment {
  const imageFor = (architecture: Architecture | undefined): IpaImage =>
    chooseServerImage({ idOrName: args.server_image, isDefault }, found, architecture);
  if (found.compute) return { by: 'nova', ...found.compute, keyName: args.key_name, imageFor };
  const given = args.instance_info ?? {};
  return {
    by: 'ironic',
    instanceInfoFor: (architecture) =>
      'image_source' in given || !found.hasGlance ? given : { image_source: imageFor(architecture).id, ...given },
  };
}
