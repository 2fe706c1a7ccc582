// Lists of Ironic's double: what is asked for, in which order, page by page
// (ironic/api/controllers/v1/utils.py).

import type { Answer, Call } from './http-double.js';
import { booleanOf, isUuid, refusal } from './ironic-api.js';
import type { Asker } from './ironic-api.js';
import { allStates } from './ironic-machine.js';
import { defaults, fieldsOf, recordOf, shown, sinceMinor } from './ironic-node.js';
import type { Values } from './ironic-node.js';
import type { IronicDouble } from './ironic.js';
import { pageOf } from './service-list.js';

interface Filter {
  readonly since: number;
  keeps(record: Values, value: string): boolean;
}

const equal = (field: string, since = sinceMinor[field] ?? 1): Filter => ({
  since,
  keeps: (record, value) => record[field] === value,
});
const flag = (field: string, since: number, of: (record: Values) => boolean): Filter => ({
  since,
  keeps: (record, value) => of(record) === booleanOf(field, value),
});

const nodeFilters: Readonly<Record<string, Filter>> = {
  associated: flag('associated', 1, (record) => record['instance_uuid'] !== null),
  maintenance: flag('maintenance', 1, (record) => record['maintenance'] === true),
  retired: flag('retired', 61, (record) => record['retired'] === true),
  sharded: flag('sharded', 82, (record) => record['shard'] !== null),
  include_children: { since: 83, keeps: () => true },
  ...Object.fromEntries(
    [
      'conductor_group',
      'conductor',
      'fault',
      'lessee',
      'owner',
      'parent_node',
      'resource_class',
      'shard',
      'instance_name',
    ].map((field) => [field, equal(field)]),
  ),
  driver: equal('driver', 16),
  provision_state: equal('provision_state', 9),
  description_contains: { since: 51, keeps: (record, value) => String(record['description'] ?? '').includes(value) },
  project: { since: 65, keeps: (record, value) => [record['owner'], record['lessee']].includes(value) },
  instance_uuid: equal('instance_uuid', 1),
};

const common = ['limit', 'marker', 'sort_key', 'sort_dir'];

/** `GET /v1/nodes` and `/v1/nodes/detail`: only what is the project's unless an admin asks. */
export function listNodes(
  double: IronicDouble,
  call: Call,
  { minor, asker, isDetailed }: { minor: number; asker: Asker; isDetailed: boolean },
): Answer {
  const { query } = call;
  const known = [
    ...common,
    ...(isDetailed ? [] : ['fields', 'detail']),
    ...Object.keys(nodeFilters).filter((filter) => nodeFilters[filter]!.since <= double.minor),
  ];
  assertArguments(call, known);
  const project = query.get('project');
  if (project !== null && !asker.seesAll && project !== asker.project)
    throw refusal(403, 'Access was denied to the following resource: baremetal:node:list_all');
  const wantsDetails = query.has('detail') && booleanOf('detail', query.get('detail'));
  if (wantsDetails && minor < 43) throw refusal(400, 'Invalid query parameter ?detail=True received.');
  if (wantsDetails && query.has('fields'))
    throw refusal(400, 'Can not specify ?detail=True and fields in the same request.');
  const fields =
    isDetailed || wantsDetails
      ? undefined
      : (fieldsOf(call, minor, 'list') ?? [
          'uuid',
          'name',
          'instance_uuid',
          'maintenance',
          'power_state',
          'provision_state',
        ]);
  const filters = [...query].flatMap(([name, value]) =>
    nodeFilters[name] ? [{ ...nodeFilters[name], name, value }] : [],
  );
  if (filters.some(({ since }) => since > minor)) throw refusal(406, 'Request not acceptable.');
  for (const { name, value } of filters) {
    if (name === 'provision_state' && !allStates.includes(value))
      throw refusal(400, `Provision state "${value}" is not valid`);
    if (name === 'instance_uuid' && !isUuid(value)) throw refusal(400, `Expected UUID for instance_uuid: ${value}`);
  }
  // Children stand behind their parents unless they are asked for.
  const showsChildren = ['include_children', 'parent_node'].some((name) => query.has(name));
  const listed = double.nodes.filter((node) => {
    const record = recordOf(node);
    if (!isAllowed(record, asker) || (record['parent_node'] !== null && !showsChildren)) return false;
    return filters.every((filter) => filter.keeps(record, filter.value));
  });
  const rows = sorted(listed, {
    call,
    valueOf: (node, key) => recordOf(node)[key],
    keys: Object.keys(defaults).filter((key) => typeof defaults[key] !== 'object' || defaults[key] === null),
  });
  return page(double, call, {
    key: 'nodes',
    rows,
    show: (node) => shown(node, { minor, fields }),
    lost: (marker) => `Node ${marker} could not be found.`,
  });
}

/** Whether somebody may see a node. */
export function isAllowed(record: Values, asker: Asker): boolean {
  return asker.seesAll || [record['owner'], record['lessee']].includes(asker.project);
}

/** Throws where something is asked that is not known. */
export function assertArguments({ query }: Call, known: readonly string[]): void {
  const strange = [...query.keys()].filter((name) => !known.includes(name));
  if (strange.length > 0) throw refusal(400, `Unexpected arguments: ${strange.join(', ')}`);
}

interface Sorting<T> {
  readonly call: Call;
  readonly valueOf: (row: T, key: string) => unknown;
  readonly keys: readonly string[];
}

/** In the order of creation unless something else is asked. */
export function sorted<T>(rows: readonly T[], { call: { query }, valueOf, keys }: Sorting<T>): readonly T[] {
  const key = query.get('sort_key') ?? 'id';
  const direction = query.get('sort_dir') ?? 'asc';
  if (!['asc', 'desc'].includes(direction))
    throw refusal(400, `Invalid sort direction: ${direction}. Acceptable values are 'asc' or 'desc'`);
  if (!['id', 'uuid', ...keys].includes(key))
    throw refusal(400, `The sort_key value "${key}" is an invalid field for sorting`);
  const textOf = (row: T): string => String(valueOf(row, key) ?? '');
  const ascending =
    key === 'id'
      ? [...rows]
      : [...rows].sort((one, other) => (textOf(one) < textOf(other) ? -1 : textOf(one) > textOf(other) ? 1 : 0));
  return direction === 'asc' ? ascending : ascending.reverse();
}

interface Paging<T> {
  readonly key: string;
  readonly rows: readonly T[];
  readonly show: (row: T) => object;
  readonly lost: (marker: string) => string;
}

/** A page of a list; `next` is there whenever the page is full, as the address of some host. */
export function page<T extends { readonly uuid: string }>(
  { maximum }: IronicDouble,
  call: Call,
  { key, rows, show, lost }: Paging<T>,
): Answer {
  const limit = call.query.get('limit');
  const marker = call.query.get('marker');
  if (limit !== null && !/^-?\d+$/.test(limit)) throw refusal(400, `Expected an integer for limit: ${limit}`);
  if (limit !== null && Number(limit) <= 0) throw refusal(400, 'Limit must be positive');
  if (marker !== null && !rows.some(({ uuid }) => uuid === marker))
    throw isUuid(marker) ? refusal(404, lost(marker)) : refusal(400, `Expected UUID for marker: ${marker}`);
  const { rows: found, next } = pageOf(rows, { call, idOf: ({ uuid }) => uuid, maximum });
  return {
    status: 200,
    body: { [key]: found.map(show), ...(next === undefined ? {} : { next: `http://behind-a-proxy${next}` }) },
  };
}
