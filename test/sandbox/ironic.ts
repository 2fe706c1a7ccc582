// A double of Ironic's nodes: their list, and one by one in ironic-node.ts.

import { randomUUID } from 'node:crypto';

import { startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import { minorOf, onNode, refusal, rowOf, showRoot } from './ironic-node.js';
import { pageOf, refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredNode {
  readonly uuid: string;
  readonly name: string | null;
  driver_info: Readonly<Record<string, unknown>>;
  instance_info: Readonly<Record<string, unknown>>;
  readonly properties?: Readonly<Record<string, unknown>>;
  provision_state?: string;
  instance_uuid?: string | null;
  maintenance?: boolean;
}

export interface IronicDouble extends HttpDouble {
  readonly nodes: StoredNode[];
  /** Most rows of an answer, `max_limit` in ironic.conf. */
  maximum: number;
  intervene: Intervention;
  seed(node: Partial<StoredNode>): StoredNode;
}

export async function startIronic(options: ServiceOptions): Promise<IronicDouble> {
  const server = await startHttpDouble((call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    refuseStrangers(options, call);
    const [, resource, ident = ''] = call.segments;
    if (resource === undefined || resource === '') return showRoot();
    return ident === '' || ident === 'detail' ? listNodes(double, call) : onNode(double, call);
  });
  const double: IronicDouble = {
    ...server,
    nodes: [],
    maximum: 1000,
    intervene: () => undefined,
    seed: (given) => {
      const stored = { uuid: randomUUID(), name: 'rack1-01', driver_info: {}, instance_info: {}, ...given };
      double.nodes.push(stored);
      return stored;
    },
  };
  return double;
}

function listNodes({ nodes, maximum }: IronicDouble, call: Call): Answer {
  if (call.query.has('fields') && minorOf(call) < 8) throw refusal(406, 'Request not acceptable.');
  const fields = call.query.get('fields')?.split(',') ?? ['uuid', 'name'];
  const isDetailed = call.segments[2] === 'detail';
  const { rows, next } = pageOf(nodes, { call, idOf: ({ uuid }) => uuid, maximum, lost: 404 });
  const shown = rows.map((row) => Object.fromEntries(Object.entries(rowOf(row)).filter(([key]) => isDetailed || fields.includes(key))));
  return { status: 200, body: { nodes: shown, ...(next === undefined ? {} : { next: `http://behind-a-proxy${next}` }) } };
}
