// What all parts of bringing nodes to what is wanted share.
import type { Ironic } from '../clients/ironic/api.js';
import type { NodeDetails } from '../clients/ironic/nodes.js';
import type { Port } from '../clients/ironic/ports.js';
import type { Context } from '../core/operation.js';
import type { Merging } from './policy/node-differences.js';
import type { NodeGoal } from './policy/node-states.js';
import type { NodeWish } from './policy/node-wishes.js';
import type { ImageChecks } from './images.js';

export interface NodeSettings extends Merging {
  /** The key of the HMACs by which secrets are compared; undefined where they are not. */
  readonly secretsKey: string | undefined;
  /** Undefined: the state that it is in. */
  readonly goal: NodeGoal | undefined;
  readonly forceInUse: boolean;
  /** Whether a port that another node has is taken from it. */
  readonly move: boolean;
  /** Whether maintenance may be set for the time that a port needs it. */
  readonly withMaintenance: boolean;
  readonly stateTimeoutSeconds: number;
  readonly lockTimeoutSeconds: number;
  /** Whether the interfaces are asked before a node is provided, for the result; before it is deployed they always are. */
  readonly validates: boolean;
  /** Given to the node when it is deployed. */
  readonly configdrive?: string | undefined;
}

export interface NodeRun {
  readonly ironic: Ironic;
  readonly context: Context;
  readonly settings: NodeSettings;
  /** Undefined where images are not looked at. */
  readonly images: ImageChecks | undefined;
  readonly world: World;
}

/** What there is of a node. */
export interface Found {
  readonly node: NodeDetails;
  readonly ports: readonly Port[];
}

/** Where nodes and ports are looked up. */
export interface World {
  /** The node that a wish means. Throws NODE_AMBIGUOUS where its UUID, name and ports mean several. */
  find(wish: NodeWish): Promise<Found | undefined>;
  /** The same as it is now, past everything that was read before. */
  reread(uuid: string): Promise<Found | undefined>;
  /** The port of this address, on whatever node, perhaps as it was when the run began. */
  portWith(address: string): Promise<Port | undefined>;
  /** The same as it is now. */
  portNow(address: string): Promise<Port | undefined>;
  /** What a node is called, for messages. */
  titleOf(uuid: string): Promise<string>;
}

/** Pauses between two looks at a node on its way: short at first, since a test's node takes a moment, and a real one minutes. */
export const looking = { intervalSeconds: 0.2, longestPauseSeconds: 5 } as const;
