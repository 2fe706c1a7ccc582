// An inventory of nodes: lists, bifrost's mapping of names, and tables. Everything that is wrong is found before anything is done.
import { isMapping } from '../core/mapping.js';
import type { Values } from './node-differences.js';
import { parseNode, type NodeWish } from './node-wishes.js';

/** One node as it was written. */
export interface Entry {
  /** Such as `nodes.yml line 12`. */
  readonly place: string;
  /** The key under which it stands, which is its name unless it says another. */
  readonly key?: string;
  readonly content: unknown;
}

export interface InventoryNode {
  readonly place: string;
  readonly wish: NodeWish;
}

export interface Inventory {
  readonly nodes: readonly InventoryNode[];
  readonly faults: readonly string[];
  /** Keys of bifrost that were left aside. */
  readonly ignored: readonly string[];
}

/** The entries of a list, or of a mapping of names; `placeOf` says where the element of an index stands. */
export function entriesOf(content: unknown, placeOf: (index: number) => string): readonly Entry[] | undefined {
  const list = isMapping(content) && Array.isArray(content.nodes) && Object.keys(content).length === 1 ? content.nodes : content;
  if (Array.isArray(list)) return list.map((element: unknown, index) => ({ place: list === content ? placeOf(index) : `nodes[${index}]`, content: element }));
  if (!isMapping(list)) return undefined;
  return Object.entries(list).map(([key, element], index) => ({ place: placeOf(index), key, content: element }));
}

/** Reads all entries, with defaults beneath each, and compares them with each other. */
export function readInventory(entries: readonly Entry[], defaults: Values = {}): Inventory {
  const faults: string[] = [];
  const nodes: InventoryNode[] = [];
  for (const { place, key, content } of entries) {
    if (!isMapping(content)) {
      faults.push(`${place}: a node must be a mapping`);
      continue;
    }
    const named = key === undefined || content.name !== undefined ? content : { name: key, ...content };
    const { wish, faults: own } = parseNode(withDefaults(named, defaults), place);
    faults.push(...own);
    if (!wish) continue;
    if (wish.attributes.driver === undefined) faults.push(`${place}: driver is missing`);
    if (typeof wish.attributes.name !== 'string' && wish.uuid === undefined && !wish.ports?.length) faults.push(`${place}: a node needs a name, a uuid or a MAC address, so that it is found again`);
    nodes.push({ place, wish });
  }
  return { nodes, faults: [...faults, ...duplicates(nodes)], ignored: [...new Set(nodes.flatMap(({ wish }) => wish.ignored))] };
}

/** A node's own values over the defaults; mappings are merged by key. */
function withDefaults(content: Values, defaults: Values): Values {
  const merged = Object.entries(defaults).map(([key, value]) => {
    const own = content[key];
    return [key, isMapping(value) && isMapping(own) ? { ...value, ...own } : (own ?? value)] as const;
  });
  return { ...content, ...Object.fromEntries(merged) };
}

/** Names, UUIDs and MAC addresses that two nodes claim. */
function duplicates(nodes: readonly InventoryNode[]): string[] {
  const claims = nodes.flatMap(({ place, wish }) => [
    ...(typeof wish.attributes.name === 'string' ? [{ what: `the name ${wish.attributes.name}`, place }] : []),
    ...(wish.uuid === undefined ? [] : [{ what: `the UUID ${wish.uuid}`, place }]),
    ...(wish.ports ?? []).map(({ address }) => ({ what: `the MAC address ${address}`, place })),
  ]);
  const first = new Map<string, string>();
  return claims.flatMap(({ what, place }) => {
    const earlier = first.get(what);
    if (earlier === undefined) first.set(what, place);
    return earlier === undefined ? [] : [`${place}: ${what} is taken already, at ${earlier}`];
  });
}

/** Columns of a table that belong to a mapping although they are not written so. */
const propertyColumns = new Set(['ram', 'memory_mb', 'cpus', 'cpu_arch', 'disk_size', 'local_gb', 'capabilities']);
const numberColumns = new Set(['ram', 'memory_mb', 'cpus', 'disk_size', 'local_gb']);
const driverInfoColumn = /^(ipmi|redfish|irmc|ilo|idrac|drac|snmp|xclarity|deploy|rescue|agent)_(?!interface$)/;
const macColumns = new Set(['mac', 'macs', 'address', 'nics']);
const mappingColumn = /^(driver_info|properties|extra|instance_info)\.(.+)$/;

/**
 * A row of a table as a node: `driver_info.ipmi_address` or just `ipmi_address`, `properties.cpus` or `cpus`, `mac` with one or several
 * addresses. An empty cell says nothing.
 */
export function nodeOfRow(row: Readonly<Record<string, string>>): Values {
  const node: Record<string, unknown> = {};
  const put = (mapping: string, key: string, value: unknown): void => void (node[mapping] = { ...(node[mapping] as Values | undefined), [key]: value });
  for (const [column, cell] of Object.entries(row)) {
    if (cell === '') continue;
    const [, mapping, key] = mappingColumn.exec(column) ?? [];
    if (mapping !== undefined && key !== undefined) put(mapping, key, numberColumns.has(key) ? numberIn(cell) : cell);
    else if (propertyColumns.has(column)) put('properties', column, numberColumns.has(column) ? numberIn(cell) : cell);
    else if (driverInfoColumn.test(column)) put('driver_info', column, cell);
    else if (macColumns.has(column)) node.ports = cell.split(/[\s,;]+/).filter((mac) => mac !== '');
    else node[column] = cell;
  }
  return node;
}

function numberIn(cell: string): unknown {
  return /^\d+$/.test(cell) ? Number(cell) : cell;
}

