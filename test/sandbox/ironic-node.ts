// One node of Ironic's double: what PATCH, the verbs and maintenance do to it. Each verb comes to its end at once, as with fake hardware.
// Source: ironic/api/controllers/v1/node.py, ironic/common/state_machine.py.

import { Refusal, header } from './http-double.js';
import type { Answer, Call } from './http-double.js';
import type { IronicDouble, StoredNode } from './ironic.js';

type Values = Record<string, unknown>;

/** What Ironic 21.4 has at most. */
const newest = '1.82';

export function showRoot(): Answer {
  return { status: 200, headers: { 'X-OpenStack-Ironic-API-Maximum-Version': newest }, body: { id: 'v1' } };
}

/** `/v1/nodes/{ident}` and what is below it. */
export async function onNode({ nodes }: IronicDouble, call: Call): Promise<Answer> {
  const [, , ident = '', part = '', action = ''] = call.segments;
  const node = nodes.find(({ uuid, name }) => uuid === ident || name === ident);
  if (node === undefined) throw refusal(404, `Node ${ident} could not be found.`);
  if (part === '' && call.method === 'GET') return { status: 200, body: rowOf(node) };
  if (part === '' && call.method === 'PATCH') return { status: 200, body: rowOf(patch(node, (await call.json()) as Operation[])) };
  if (part === 'states' && action === 'provision') return provision(node, ((await call.json()) as { target: string }).target);
  if (part === 'maintenance') return maintain(node, call);
  throw refusal(404, 'The resource could not be found.');
}

/** With the fields that a test did not care to seed. */
export function rowOf(node: StoredNode): Values {
  return {
    properties: {},
    extra: {},
    resource_class: null,
    provision_state: 'available',
    target_provision_state: null,
    power_state: 'power off',
    maintenance: false,
    maintenance_reason: null,
    fault: null,
    instance_uuid: null,
    allocation_uuid: null,
    reservation: null,
    last_error: null,
    protected: false,
    retired: false,
    ...masked(node),
  };
}

/** `strutils.mask_dict_password`. */
function masked(node: StoredNode): Values {
  const driver_info = Object.fromEntries(Object.entries(node.driver_info).map(([key, value]) => [key, /password|secret|token/.test(key) ? '******' : value]));
  return { ...node, driver_info };
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

function patch(node: StoredNode, operations: readonly Operation[]): StoredNode {
  const changed = structuredClone(node) as unknown as Values;
  for (const { op, path, value } of operations) {
    const [, field = '', key] = path.split('/');
    const [parent, name] = key === undefined ? [changed, field] : [(changed[field] ??= {}) as Values, key];
    if (op !== 'add' && !(name in parent)) throw refusal(400, `Couldn't apply patch '${JSON.stringify(operations)}'. Reason: can't ${op} a non-existent object '${name}'`);
    if (op === 'remove') delete parent[name];
    else parent[name] = value;
  }
  return Object.assign(node, changed);
}

const verbs: Readonly<Record<string, readonly (readonly [from: string, to: string])[]>> = {
  manage: [['enroll', 'manageable'], ['available', 'manageable'], ['clean failed', 'manageable']],
  provide: [['manageable', 'available']],
  active: [['available', 'active'], ['deploy failed', 'active']],
  deleted: [['active', 'available'], ['deploy failed', 'available']],
};

function provision(node: StoredNode, target: string): Answer {
  const { uuid, provision_state: state } = rowOf(node);
  const to = verbs[target]?.find(([from]) => from === state)?.[1];
  if (to === undefined) throw refusal(400, `The requested action "${target}" can not be performed on node "${String(uuid)}" while it is in state "${String(state)}".`);
  // Undeploying takes the whole of instance_info away.
  Object.assign(node, { provision_state: to, ...(target === 'deleted' ? { instance_info: {} } : {}) });
  return { status: 202 };
}

async function maintain(node: StoredNode, call: Call): Promise<Answer> {
  if (call.method === 'DELETE') Object.assign(node, { maintenance: false, maintenance_reason: null, fault: null });
  else Object.assign(node, { maintenance: true, maintenance_reason: ((await call.json()) as { reason?: string }).reason ?? null });
  return { status: 202 };
}

/** The text of the error is JSON once more. */
export function refusal(status: number, faultstring: string): Refusal {
  return new Refusal({ status, body: { error_message: JSON.stringify({ faultcode: 'Client', faultstring, debuginfo: null }) } });
}

/** Without a version Ironic takes the request for one of 1.1. */
export function minorOf(call: Call): number {
  return Number(header(call, 'x-openstack-ironic-api-version')?.split('.')[1] ?? 1);
}
