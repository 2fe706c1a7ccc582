// What we rely on in Ironic, asked of the real service and of the double alike.

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect } from '@jest/globals';

import { send, waitFor } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import { describeActions } from './ironic-contract-actions.js';
import { describeDrivers } from './ironic-contract-drivers.js';
import { describeInspection } from './ironic-contract-inspection.js';
import { describeNodes } from './ironic-contract-nodes.js';
import { describePatch } from './ironic-contract-patch.js';
import { describePortGroups } from './ironic-contract-port-groups.js';
import { describePorts } from './ironic-contract-ports.js';
import { describeStates } from './ironic-contract-states.js';
import { describeVersions } from './ironic-contract-versions.js';

export interface IronicTarget {
  readonly url: string;
  readonly admin: { readonly token: string; readonly projectId: string };
  /**
   * Admin of the whole system, without a project: since 2025.1 nobody else sees and changes what is
   * not the project's.
   */
  readonly system: { readonly token: string };
  /** Without any role but that of a member. */
  readonly demo: { readonly token: string };
  /** Lets the deployment of a node fail whose image is at an address where nothing answers. */
  failDeployment(uuid: string): void;
  close(): Promise<void>;
}

export interface Asking {
  readonly json?: unknown;
  /** Minor version; that of the oldest server that the contract is about unless given. */
  readonly minor?: number | 'none';
  readonly token?: string;
}

/** What the parts of the contract share. */
export interface IronicContract {
  /** Begins the names of this run's nodes. */
  readonly run: string;
  target(): IronicTarget;
  /**
   * What the release has where it is that of 2025.1 or newer, else what it had before: by the
   * newest version that the service says it speaks.
   */
  either<T>(before: T, since2025: T): T;
  /** Sends to a path below /v1, as admin unless a token is given. */
  ask(method: string, path: string, asking?: Asking): Promise<Reply>;
  /** Creates a node of fake hardware in the state `enroll`; it is removed at the end. */
  create(node?: object): Promise<string>;
  show(uuid: string): Promise<Record<string, unknown>>;
  patch(uuid: string, ...steps: object[]): Promise<Reply>;
  say(uuid: string, verb: string, beside?: object): Promise<Reply>;
  /** Waits until the node is in the state and its lock is free. */
  settle(uuid: string, state: string): Promise<Record<string, unknown>>;
  /** Brings the node to the state by these verbs, each of which leads to the state behind it. */
  bring(uuid: string, ...steps: [verb: string, state: string][]): Promise<void>;
  /** A MAC address that nobody else has. */
  mac(): string;
}

export const add = (path: string, value: unknown): object => ({ op: 'add', path, value });
export const replace = (path: string, value: unknown): object => ({ op: 'replace', path, value });
export const remove = (path: string): object => ({ op: 'remove', path });

/** The status of a refusal with the sentence in its inner JSON. */
export function refused({ status, json }: Reply): [number, string] {
  const inner = JSON.parse(json.error_message as string) as { faultstring?: string; description?: string };
  return [status, inner.faultstring ?? inner.description ?? ''];
}

/** The refusal of a verb in a provision or power state. */
export const inWrongState = (uuid: string, verb: string, state: string): [number, string] => [
  400,
  `The requested action "${verb}" can not be performed on node "${uuid}" while it is in state "${state}".`,
];

/** The way of a new node to `available`. */
export const toAvailable: [string, string][] = [
  ['manage', 'manageable'],
  ['provide', 'available'],
];

/** Seconds that a node may take where many are under way. */
const patience = 60;

/** Runs the contract against what `connect` gives. */
export function describeIronic(name: string, connect: () => Promise<IronicTarget>): void {
  describe(`Ironic: ${name}`, () => {
    let target: IronicTarget | undefined;
    let newest: number | undefined;
    const created: string[] = [];
    const contract = contractOf(
      () => target!,
      () => newest!,
      created,
    );

    beforeAll(async () => {
      target = await connect();
      const { headers } = await contract.ask('GET', '/');
      newest = Number(headers.get('x-openstack-ironic-api-maximum-version')?.slice(2));
    });

    afterAll(async () => {
      if (target === undefined) return;
      // One after the other: all at once would be a burden for those that test beside us.
      for (const uuid of created) await removeNode(contract, uuid);
      await target.close();
    }, 300_000);

    describeVersions(contract);
    describeNodes(contract);
    describePatch(contract);
    describeStates(contract);
    describeActions(contract);
    describeInspection(contract);
    describePorts(contract);
    describePortGroups(contract);
    describeDrivers(contract);
  });
}

function contractOf(target: () => IronicTarget, newest: () => number, created: string[]): IronicContract {
  const run = `contract-${randomUUID()}`;

  function ask(
    method: string,
    path: string,
    { json, minor = 82, token = target().admin.token }: Asking = {},
  ): Promise<Reply> {
    const headers = minor === 'none' ? {} : { 'X-OpenStack-Ironic-API-Version': `1.${minor}` };
    return send(method, `${target().url}/v1${path}`, { token, json, headers });
  }

  async function create(node: object = {}): Promise<string> {
    const reply = await ask('POST', '/nodes', { json: { driver: 'fake-hardware', ...node } });
    expect([reply.status, reply.text]).toEqual([201, expect.anything()]);
    created.push(reply.json.uuid as string);
    return reply.json.uuid as string;
  }

  const show = async (uuid: string): Promise<Record<string, unknown>> =>
    (await ask('GET', `/nodes/${uuid}`)).json as Record<string, unknown>;
  const say = (uuid: string, verb: string, beside: object = {}): Promise<Reply> =>
    ask('PUT', `/nodes/${uuid}/states/provision`, { json: { target: verb, ...beside } });

  function settle(uuid: string, state: string): Promise<Record<string, unknown>> {
    return waitFor(
      `node ${uuid} to be ${state}`,
      () => show(uuid),
      (node) => node.provision_state === state && node.reservation === null,
      patience,
    );
  }

  async function bring(uuid: string, ...steps: [string, string][]): Promise<void> {
    for (const [verb, state] of steps) {
      expect((await say(uuid, verb)).status).toBe(202);
      await settle(uuid, state);
    }
  }

  return {
    run,
    target,
    either: (before, since2025) => (newest() >= 96 ? since2025 : before),
    ask,
    create,
    show,
    say,
    settle,
    bring,
    patch: (uuid, ...steps) => ask('PATCH', `/nodes/${uuid}`, { json: steps }),
    mac: () =>
      `52:54:${randomUUID()
        .slice(0, 8)
        .replace(/..(?!$)/g, '$&:')}`,
  };
}

/** In maintenance a node goes from each state, but not while it is locked or protected. */
async function removeNode({ ask, patch }: IronicContract, uuid: string): Promise<void> {
  const isGone = ({ status }: Reply): boolean => status === 204 || status === 404;
  const tryIt = (): Promise<Reply> => ask('DELETE', `/nodes/${uuid}`);
  if (isGone(await tryIt())) return;
  await patch(uuid, remove('/protected'));
  await waitFor(
    `node ${uuid} to go`,
    async () => {
      await ask('PUT', `/nodes/${uuid}/maintenance`, { json: {} });
      return tryIt();
    },
    isGone,
    patience,
  );
}
