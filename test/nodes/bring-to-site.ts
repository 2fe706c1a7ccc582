// A node on the double of Ironic that tests bring to a state, and what they see of it.
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { openIronic, type Ironic } from '../../modules/clients/ironic/api.js';
import type { NodeDetails } from '../../modules/clients/ironic/nodes.js';
import { bringTo, type StateChange } from '../../modules/nodes/provision.js';
import type { NodeGoal } from '../../modules/nodes/policy/provision-states.js';
import { cloudOf } from '../clients/cloud-of.js';
import type { Answer, Call, LoggedRequest } from '../sandbox/http-double.js';
import type { IronicDouble, StoredNode } from '../sandbox/ironic.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';

/** Short pauses, for a time that is never up unless something is wrong. */
export const patience = { timeoutSeconds: 20, intervalSeconds: 0.001 };

export interface NodeSite {
  readonly double: IronicDouble;
  readonly ironic: Ironic;
  /** The states that were told while nodes were brought somewhere. */
  readonly seen: readonly string[];
  bring(node: StoredNode, goal: NodeGoal, changes?: Partial<StateChange>): Promise<NodeDetails>;
  /** Keeps nodes in a state until the test is over at the latest. */
  hold(state: string): () => void;
  /** This test's requests. */
  requests(): readonly LoggedRequest[];
  /** The verbs that were said, each with the status of the answer. */
  verbs(): readonly (readonly [verb: string | undefined, status: number | undefined])[];
}

/** One sandbox for all tests of a file, as new for each. */
export function useNodes(): NodeSite {
  let sandbox: Sandbox;
  let double: IronicDouble;
  let ironic: Ironic;
  let seen: string[];
  let earlier: number;
  let releases: (() => void)[];

  beforeAll(async () => {
    sandbox = await startSandbox({ services: ['baremetal'] });
    double = sandbox.users.baremetal;
    // The newest states are there too.
    double.minor = 112;
    ironic = await openIronic(await cloudOf(sandbox));
  });

  afterAll(() => sandbox.close());

  beforeEach(() => {
    seen = [];
    releases = [];
    earlier = double.requests.length;
  });

  afterEach(() => {
    for (const release of releases) release();
    double.nodes.splice(0);
    Object.assign(double, { looks: 1, fails: {}, invalid: {}, intervene: () => undefined, spoil: () => undefined });
  });

  const requests = (): readonly LoggedRequest[] => double.requests.slice(earlier);
  return {
    get double() {
      return double;
    },
    get ironic() {
      return ironic;
    },
    get seen() {
      return seen;
    },
    bring: (node, goal, changes = {}) => {
      const onState = ({ provision_state: state }: NodeDetails): void => void seen.push(state);
      return bringTo(ironic, node.uuid, goal, {
        ...patience,
        signal: new AbortController().signal,
        onState,
        ...changes,
      });
    },
    hold: (state) => {
      const release = double.hold(state);
      releases.push(release);
      return release;
    },
    requests,
    verbs: () =>
      requests()
        .filter(({ path }) => path.endsWith('/states/provision'))
        .map(({ body, status }) => [(body as { target?: string } | undefined)?.target, status]),
  };
}

export const isVerb = ({ method, segments }: Call): boolean => method === 'PUT' && segments[4] === 'provision';

/** Answers so for the first requests that it is asked about. */
export function first(
  count: number,
  isMeant: (call: Call) => boolean,
  answer: () => Answer,
): (call: Call) => Answer | undefined {
  let left = count;
  return (call) => (isMeant(call) && left-- > 0 ? answer() : undefined);
}

/** A connection that breaks before the answer. */
export function lost(): Answer {
  const body = new Readable({
    read() {
      this.destroy(new Error('lost'));
    },
  });
  return { status: 202, body };
}
