// A double of Ironic as release Antelope behaves for an admin: nodes, their ports, and the machine
// of their states. Source: https://docs.openstack.org/api-ref/baremetal/, and ironic/ where the
// double says so.

import { randomUUID } from 'node:crypto';

import { Refusal, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import { isMeant, lock, look } from './ironic-activity.js';
import {
  askerOf,
  isUuid,
  minorOf,
  nobody,
  plainRefusal,
  refusal,
  versionDocument,
  withVersions,
} from './ironic-api.js';
import type { Asker, Login } from './ironic-api.js';
import { createNode, deleteNode, patchNode } from './ironic-change.js';
import { onDrivers } from './ironic-drivers.js';
import { inventoryOf } from './ironic-inspection.js';
import type { Finding } from './ironic-inspection.js';
import { isAllowed, listNodes } from './ironic-list.js';
import { defaults, fieldsOf, recordOf, shown } from './ironic-node.js';
import type { StoredNode, Values } from './ironic-node.js';
import { onPortGroups } from './ironic-port-groups.js';
import type { StoredPortGroup } from './ironic-port-groups.js';
import { newPort, onPorts } from './ironic-ports.js';
import type { StoredPort } from './ironic-ports.js';
import {
  checkProvision,
  onTraits,
  provision,
  setMaintenance,
  setPower,
  statesOf,
  validationOf,
} from './ironic-states.js';
import type { Intervention } from './service-list.js';

export type { StoredNode } from './ironic-node.js';
export type { StoredPort } from './ironic-ports.js';

/** With neither `identify` nor `basic` it asks for no login, as one that runs by itself may. */
export interface IronicOptions extends Login {
  /** The newest version is 1.`minor`; 1.82 unless given. */
  readonly minor?: number;
  readonly now?: () => number;
}

export interface IronicDouble extends HttpDouble {
  readonly nodes: StoredNode[];
  readonly ports: StoredPort[];
  readonly portGroups: StoredPortGroup[];
  /** Most rows of an answer, `max_limit` in ironic.conf. */
  maximum: number;
  minor: number;
  /**
   * How many requests that concern a node each stage of what it goes through takes; 0 does all at
   * once.
   */
  looks: number;
  /**
   * How many requests a node waits in a state for its ramdisk, such as `clean wait`; it waits in no
   * other.
   */
  waits: Record<string, number>;
  /** Whether nodes are cleaned that do not say it themselves, `automated_clean` in ironic.conf. */
  cleans: boolean;
  /**
   * Whether a project's admin sees and changes only what is the project's, as by default since
   * 2024.1: `enforce_scope`, `enforce_new_defaults`.
   */
  enforcesScope: boolean;
  /**
   * What goes wrong, with the last error: by verb (`active`), state on the way (`clean wait`) or
   * change of power (`power off`); of one node behind its name or UUID (`rack1-01/active`).
   */
  fails: Record<string, string>;
  /** What inspections find, by the name or UUID of the node. */
  finds: Record<string, Finding>;
  /** Interfaces that are not valid, such as `boot`, with the reason; of one node as above. */
  invalid: Record<string, string>;
  readonly holds: readonly { readonly state: string; readonly ident: string | undefined }[];
  /** The conductor. */
  readonly host: string;
  readonly now: () => number;
  intervene: Intervention;
  /** Answers instead, after what was asked is done: an answer that gets lost. */
  spoil: (call: Call, answer: Answer) => Answer | undefined;
  /** A node that is available unless it says something else. */
  seed(node: Partial<StoredNode>): StoredNode;
  seedPort(port: Partial<StoredPort> & { node_uuid: string }): StoredPort;
  /**
   * Keeps nodes, or the one that is named, in a state on the way until what this returns is called.
   */
  hold(state: string, ident?: string): () => void;
  /** Has another conductor hold the node's lock for so many requests. */
  lock(ident: string, looks: number): void;
}

export async function startIronic(options: IronicOptions): Promise<IronicDouble> {
  const server = await startHttpDouble(async (call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    const answer = await answerTo(double, call, options);
    return double.spoil(call, answer) ?? answer;
  }, options.now);
  const holds: { state: string; ident: string | undefined }[] = [];
  const double: IronicDouble = {
    ...server,
    nodes: [],
    ports: [],
    portGroups: [],
    maximum: 1000,
    minor: options.minor ?? 82,
    looks: 1,
    waits: {},
    cleans: true,
    enforcesScope: false,
    fails: {},
    finds: {},
    invalid: {},
    holds,
    host: 'conductor-1',
    now: options.now ?? Date.now,
    intervene: () => undefined,
    spoil: () => undefined,
    seed: (given) => {
      const stored: StoredNode = {
        ...structuredClone(defaults),
        uuid: randomUUID(),
        name: 'rack1-01',
        driver_info: {},
        instance_info: {},
        power_state: 'power off',
        ...given,
      };
      double.nodes.push(stored);
      return stored;
    },
    seedPort: (given) => {
      const port = newPort(given, double.now());
      double.ports.push(port);
      return port;
    },
    hold: (state, ident) => {
      const held = { state, ident };
      holds.push(held);
      return () => void (holds.includes(held) && holds.splice(holds.indexOf(held), 1));
    },
    lock: (ident, looks) => {
      const node = double.nodes.find((candidate) => isMeant(candidate, ident));
      if (!node) throw new Error(`there is no node ${ident} to lock`);
      lock(double, node, { looks, host: 'conductor-2' });
    },
  };
  return double;
}

async function answerTo(double: IronicDouble, call: Call, options: IronicOptions): Promise<Answer> {
  let minor: number | undefined;
  try {
    const [root, resource] = call.segments;
    const isPublic = root === '' || (root === 'v1' && [undefined, ''].includes(resource));
    const asker = isPublic ? nobody : askerOf(options, call, double.enforcesScope);
    minor = minorOf(call, double.minor);
    if (isPublic) return withVersions(versionDocument(call, double.minor), double.minor, minor);
    const body = ['POST', 'PUT', 'PATCH'].includes(call.method) ? await bodyOf(call) : undefined;
    return withVersions(answerFor(double, call, { asker, minor, body }), double.minor, minor);
  } catch (error) {
    if (error instanceof Refusal) return withVersions(error.answer, double.minor, minor);
    throw error;
  }
}

interface Request {
  readonly asker: Asker;
  readonly minor: number;
  readonly body: unknown;
}

function answerFor(double: IronicDouble, call: Call, request: Request): Answer {
  const [root, resource, ident = ''] = call.segments;
  if (root === 'v1' && resource === 'nodes') {
    if (ident === '' || ident === 'detail') return onNodes(double, call, request);
    return onNode(double, call, request);
  }
  if (root === 'v1' && resource === 'conductors') return listConductors(double, request);
  if (root === 'v1' && resource === 'drivers')
    return onDrivers(call, { ...request, host: double.host, enforcesScope: double.enforcesScope });
  if (root !== 'v1' || (resource !== 'ports' && resource !== 'portgroups')) throw plainRefusal(404, 'Not Found', '');
  const { isAdmin, seesAll } = request.asker;
  if (call.method === 'GET' ? !seesAll : !isAdmin)
    throw refusal(
      403,
      `Access was denied to the following resource: baremetal:port:${call.method === 'GET' ? 'list' : 'create'}`,
    );
  return resource === 'ports' ? onPorts(double, call, request) : onPortGroups(double, call, request);
}

function listConductors({ host }: IronicDouble, { asker, minor }: Request): Answer {
  if (!asker.seesAll) throw refusal(403, 'Access was denied to the following resource: baremetal:conductor:get');
  if (minor < 49) throw plainRefusal(404, 'Not Found', '');
  return { status: 200, body: { conductors: [{ hostname: host, conductor_group: '', alive: true, links: [] }] } };
}

function onNodes(double: IronicDouble, call: Call, { asker, minor, body }: Request): Answer {
  if (call.method === 'POST') {
    if (!asker.isAdmin && !asker.isProjectAdmin)
      throw refusal(403, 'Access was denied to the following resource: baremetal:node:create');
    return createNode(double, { body, minor, owner: asker.project });
  }
  const answer = listNodes(double, call, { minor, asker, isDetailed: call.segments[2] === 'detail' });
  for (const node of double.nodes) look(double, node);
  return answer;
}

function onNode(double: IronicDouble, call: Call, { asker, minor, body }: Request): Answer {
  const [, , ident = '', resource, name] = call.segments;
  if (!/^[\w.~-]+$/.test(ident)) throw plainRefusal(400, 'Bad Request', `Expected UUID or name for node: ${ident}`);
  const provisioning = resource === 'states' && name === 'provision' ? checkProvision(body) : undefined;
  // Names came with 1.5.
  const node = double.nodes.find(
    (candidate) => candidate.uuid === ident || (candidate.name === ident && minor >= 5 && !isUuid(ident)),
  );
  if (!node || !isAllowed(recordOf(node), asker)) throw refusal(404, `Node ${ident} could not be found.`);
  const isOwnerAdmin = asker.isProjectAdmin && recordOf(node)['owner'] === asker.project;
  const isDeletion = call.method === 'DELETE' && resource === undefined;
  if (!(isDeletion ? asker.isAdmin : asker.changesAll) && !isOwnerAdmin && call.method !== 'GET')
    throw refusal(403, 'Access was denied to the following resource: baremetal:node');
  // What begins with this request is not looked at by it.
  const holder = node.reservation;
  const [state, power] = [node.provision_state, node.target_power_state];
  const settle = (): void => {
    if (node.reservation === holder && node.provision_state === state && node.target_power_state === power)
      look(double, node);
  };
  try {
    if (provisioning) return provision(double, node, { body: provisioning, minor });
    return answerOnNode(double, call, { node, minor, body: (body ?? {}) as Values, ident });
  } finally {
    settle();
  }
}

function answerOnNode(
  double: IronicDouble,
  call: Call,
  { node, minor, body, ident }: { node: StoredNode; minor: number; body: Values; ident: string },
): Answer {
  const [, , , resource, name] = call.segments;
  const { method, query } = call;
  switch (`${method} ${[resource, name].filter(Boolean).join('/')}`) {
    case 'GET ':
      return { status: 200, body: shown(node, { minor, fields: fieldsOf(call, minor, 'node') }) };
    case 'PATCH ':
      return patchNode(double, node, { body, minor, ident, resets: query.get('reset_interfaces') === 'true' });
    case 'DELETE ':
      return deleteNode(double, node);
    case 'GET states':
      return statesOf(node);
    case 'PUT states/power':
      return setPower(double, node, { body, minor, ident });
    case 'PUT maintenance':
      return setMaintenance(node, body);
    case 'DELETE maintenance':
      return setMaintenance(node, undefined);
    case 'GET validate':
      return { status: 200, body: validationOf(double, node) };
  }
  if (resource === 'inventory' && method === 'GET' && minor >= 81) return inventoryOf(node);
  if (resource === 'traits') return onTraits(node, { method, name, body, minor });
  throw plainRefusal(404, 'Not Found', '');
}

/** A body that is no JSON is the server's mistake. */
async function bodyOf(call: Call): Promise<unknown> {
  const body = await call.json();
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = call.headers;
  if (body === undefined && (length !== '0' || encoding !== undefined))
    throw refusal(500, 'Expecting value: line 1 column 1 (char 0)');
  return body;
}
