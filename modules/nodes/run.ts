// What the operations on nodes work with, and how it is opened from their arguments.
import { openIronic, type Ironic } from '../clients/ironic/api.js';
import type { NodeDetails } from '../clients/ironic/nodes.js';
import type { Port } from '../clients/ironic/ports.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import { openCloud, openHttp, type ConnectionArguments } from '../runtime/connect.js';
import type { DesiredNode } from './policy/desired-node.js';
import type { NodeRealm } from './policy/node-permissions.js';
import type { PortRules } from './policy/port-plan.js';
import type { NodeRules } from './policy/node-comparison.js';
import type { handlingFields } from './fields.js';
import { createDriverReader, type DriverReader } from './drivers.js';
import { createImageReader, type ImageReader } from './images.js';

export interface NodeSettings extends NodeRules {
  readonly stateTimeoutSeconds: number;
  readonly lockTimeoutSeconds: number;
  /**
   * Whether the interfaces are validated before a node is provided, for the result; before a
   * deployment they always are.
   */
  readonly validates: boolean;
  /** Given to the node when it is deployed. */
  readonly configdrive?: string | undefined;
}

/** What changes of ports need. */
export interface PortRun {
  readonly ironic: Ironic;
  readonly context: Context;
  readonly existing: ExistingNodes;
  readonly settings: PortRules & Pick<NodeSettings, 'lockTimeoutSeconds'>;
}

export interface NodeRun extends PortRun {
  readonly settings: NodeSettings;
  readonly images: ImageReader;
  readonly drivers: DriverReader;
}

export function realmOf({ cloud, minor }: Ironic): NodeRealm {
  return { projectId: cloud.projectId, minor };
}

export interface ExistingNode {
  readonly node: NodeDetails;
  readonly ports: readonly Port[];
}

/** Looks up the nodes and ports that exist. */
export interface ExistingNodes {
  /** The node that is meant. Throws NODE_AMBIGUOUS if its UUID, name and ports mean several. */
  find(desired: DesiredNode): Promise<ExistingNode | undefined>;
  /** The current state, whatever was read before. */
  reread(ident: string): Promise<ExistingNode | undefined>;
  /** The port with this address, on any node, perhaps as it was when the run began. */
  portWith(address: string): Promise<Port | undefined>;
  /** The current state of that port. */
  portNow(address: string): Promise<Port | undefined>;
  /** What a node is called in messages. */
  titleOf(uuid: string): Promise<string>;
}

type HandlingArguments = ArgumentsOf<typeof handlingFields>;

export function settingsOf(
  args: HandlingArguments,
  others: Pick<NodeSettings, 'goal' | 'configdrive' | 'validates' | 'secretsKey'>,
): NodeSettings {
  return {
    ...others,
    purge: new Set(args.purge),
    updateSecrets: args.update_secrets,
    forceInUse: args.force_in_use,
    move: args.move,
    withMaintenance: args.with_maintenance,
    allowedPaths: args.check_images ? args.file_url_allowed_paths : undefined,
    stateTimeoutSeconds: args.state_timeout,
    lockTimeoutSeconds: args.lock_timeout,
  };
}

export interface RunParts {
  readonly context: Context;
  readonly settings: NodeSettings;
  readonly openExisting: (ironic: Ironic) => ExistingNodes | Promise<ExistingNodes>;
  /** Checks the cloud before anything else is requested. */
  readonly admit?: (cloud: Cloud) => void;
}

/** Logs in and negotiates the API version. */
export async function openRun(
  args: HandlingArguments & ConnectionArguments,
  { context, settings, openExisting, admit }: RunParts,
): Promise<NodeRun> {
  const cloud = await openCloud(args, context);
  admit?.(cloud);
  const ironic = await openIronic(cloud);
  const http = openHttp(args, context);
  const images = createImageReader({ cloud, http, minor: ironic.minor, signal: context.signal });
  const drivers = createDriverReader(ironic);
  return { ironic, context, settings, images, drivers, existing: await openExisting(ironic) };
}
