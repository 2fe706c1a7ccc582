// A double of Ironic's list of nodes.

import { randomUUID } from 'node:crypto';

import { header, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import { pageOf, refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredNode {
  readonly uuid: string;
  readonly name: string | null;
  driver_info: Readonly<Record<string, unknown>>;
  instance_info: Readonly<Record<string, unknown>>;
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
    return listNodes(double, call);
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
  // Without a version Ironic takes the request for one of 1.1, which knows no `fields`.
  const minor = Number(header(call, 'x-openstack-ironic-api-version')?.split('.')[1] ?? 1);
  if (call.query.has('fields') && minor < 8) return { status: 406, body: { error_message: '{"faultstring": "Request not acceptable."}' } };
  const fields = call.query.get('fields')?.split(',') ?? ['uuid', 'name'];
  const { rows, next } = pageOf(nodes, { call, idOf: ({ uuid }) => uuid, maximum, lost: 404 });
  const shown = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([key]) => fields.includes(key))));
  return { status: 200, body: { nodes: shown, ...(next === undefined ? {} : { next: `http://behind-a-proxy${next}` }) } };
}
