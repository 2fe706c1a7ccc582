// An inventory of nodes: lists, bifrost's mapping of names, and tables. Everything that is wrong is found before anything is done.
import { parseJson, TooDeep } from '../../core/json-text.js';
import { isMapping } from '../../core/mapping.js';
import { isSecretKey } from '../../core/masking.js';
import { faultText, type Fault } from './field-values.js';
import type { Values } from './node-differences.js';
import { nodeAttributes } from './node-fields.js';
import { parseNode, desiredTitle, type DesiredNode } from './desired-node.js';

/** One node as it was written. */
export interface InventoryEntry {
  /** Such as `nodes.yml line 12`. */
  readonly place: string;
  /** The key under which it stands, which is its name unless it says another. */
  readonly key?: string;
  readonly content: unknown;
  /** What was wrong with it before its meaning was looked at. */
  readonly faults?: readonly Fault[];
}

export interface InventoryNode {
  readonly place: string;
  readonly desired: DesiredNode;
}

export interface InventoryFault extends Fault {
  readonly place: string;
  /** The node's name, UUID or MAC address; empty where it has none. */
  readonly node: string;
}

export interface Inventory {
  readonly nodes: readonly InventoryNode[];
  readonly faults: readonly InventoryFault[];
  /** Keys of bifrost that were left aside. */
  readonly ignored: readonly string[];
}

export function inventoryFaultText({ place, node, ...fault }: InventoryFault): string {
  return [place, ...(node === '' ? [] : [`node ${node}`]), faultText(fault)].join(': ');
}

type PlaceOf = (path: readonly (string | number)[]) => string;

/**
 * The entries of a list, of a list under `nodes` as `openstack baremetal create` reads it, or of a mapping of names; `placeOf` says where a path
 * of keys and indexes stands. Undefined for anything else.
 */
export function entriesOf(content: unknown, placeOf: PlaceOf): readonly InventoryEntry[] | undefined {
  if (Array.isArray(content))
    return content.map((element: unknown, index) => ({ place: placeOf([index]), content: element }));
  if (!isMapping(content)) return undefined;
  if (!Array.isArray(content.nodes) && !Array.isArray(content.chassis))
    return Object.entries(content).map(([key, element]) => ({ place: placeOf([key]), key, content: element }));
  const nodes = ((content.nodes ?? []) as readonly unknown[]).map((element, index) => ({
    place: placeOf(['nodes', index]),
    content: element,
  }));
  const others = Object.entries(content).filter(
    ([key, value]) =>
      key !== 'nodes' &&
      !(key === 'chassis' && (value ?? undefined) === undefined) &&
      !(Array.isArray(value) && value.length === 0),
  );
  return [
    ...nodes,
    ...others.map(([key]) => ({ place: placeOf([key]), content: {}, faults: [{ field: key, text: beside(key) }] })),
  ];
}

function beside(key: string): string {
  if (key === 'chassis')
    return 'chassis are not created here: create them by "openstack baremetal chassis create", list their nodes under nodes, and give each its chassis_uuid';
  return 'it cannot stand beside nodes; ports and portgroups stand within their node';
}

/** Reads all entries, with defaults beneath each, and compares them with each other. */
export function readInventory(entries: readonly InventoryEntry[], defaults: Values = {}): Inventory {
  const faults: InventoryFault[] = [];
  const nodes: InventoryNode[] = [];
  for (const { place, key, content, faults: before = [] } of entries) {
    const named =
      isMapping(content) && key !== undefined && content.name === undefined ? { name: key, ...content } : content;
    const node = titleOfContent(named);
    const tell = (...found: readonly Fault[]): void =>
      void faults.push(...found.map((fault) => ({ ...fault, place, node })));
    if (before.length > 0) tell(...before);
    else if (!isMapping(named)) tell({ field: '', text: 'a node must be a mapping' });
    if (before.length > 0 || !isMapping(named)) continue;
    const { desired, faults: own } = parseNode(withDefaults(named, defaults));
    tell(...own);
    if (!desired) continue;
    if (desired.attributes.driver === undefined) tell({ field: '', text: 'driver is missing' });
    if (typeof desired.attributes.name !== 'string' && desired.uuid === undefined && !desired.ports?.length)
      tell({ field: '', text: 'a node needs a name, a uuid or a MAC address, so that it is found again' });
    nodes.push({ place, desired });
  }
  return {
    nodes,
    faults: [...faults, ...duplicates(nodes)],
    ignored: [...new Set(nodes.flatMap(({ desired }) => desired.ignored))],
  };
}

/** How the one who wrote it calls a node, even where it cannot be read. */
function titleOfContent(content: unknown): string {
  if (!isMapping(content)) return '';
  const ports = content.ports ?? content.nics;
  const [port] = Array.isArray(ports) ? (ports as unknown[]) : [];
  const title = [content.name, content.uuid, isMapping(port) ? (port.mac ?? port.address) : port].find((text) =>
    ['string', 'number'].includes(typeof text),
  );
  return title === undefined ? '' : String(title).slice(0, 255);
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
function duplicates(nodes: readonly InventoryNode[]): InventoryFault[] {
  const claims = nodes.flatMap(({ place, desired }) =>
    [
      ...(typeof desired.attributes.name === 'string' ? [`the name ${desired.attributes.name}`] : []),
      ...(desired.uuid === undefined ? [] : [`the UUID ${desired.uuid}`]),
      ...(desired.ports ?? []).map(({ address }) => `the MAC address ${address}`),
      ...(desired.portgroups ?? []).flatMap(({ attributes: { name, address } }) => [
        ...(typeof name === 'string' ? [`the port group's name ${name}`] : []),
        ...(typeof address === 'string' ? [`the port group's address ${address}`] : []),
      ]),
    ].map((what) => ({ what, place, desired })),
  );
  const first = new Map<string, string>();
  return claims.flatMap(({ what, place, desired }) => {
    const earlier = first.get(what);
    if (earlier === undefined) first.set(what, place);
    return earlier === undefined
      ? []
      : [{ place, node: desiredTitle(desired), field: '', text: `${what} is taken already, at ${earlier}` }];
  });
}

/** Columns of a table that belong to a mapping although they are not written so. */
const propertyColumns = new Set(['ram', 'memory_mb', 'cpus', 'cpu_arch', 'disk_size', 'local_gb', 'capabilities']);
const numberColumns = new Set(['ram', 'memory_mb', 'cpus', 'disk_size', 'local_gb']);
const driverInfoColumn = /^(ipmi|redfish|irmc|ilo|idrac|drac|snmp|xclarity|deploy|rescue|agent)_(?!interface$)/;
const macColumns = new Set(['mac', 'macs', 'address', 'nics', 'ports']);
const mappingColumn = /^(driver_info|properties|extra|instance_info)\.(.+)$/;

/**
 * A row of a table as a node: `driver_info.ipmi_address` or just `ipmi_address`, `properties.cpus` or `cpus`, `mac` with one or several
 * addresses. An empty cell says nothing. Where a mapping or a list may stand, a cell that begins as one is JSON.
 */
export function nodeOfRow(row: Readonly<Record<string, string>>): {
  readonly content: Values;
  readonly faults: readonly Fault[];
} {
  const node: Record<string, unknown> = {};
  const faults: Fault[] = [];
  const put = (mapping: string, key: string, value: unknown): void =>
    void (node[mapping] = { ...(node[mapping] as Values | undefined), [key]: value });
  const structured = (column: string, cell: string): unknown => {
    if (!/^[[{]/.test(cell)) return cell;
    try {
      return parseJson(cell, { numbers: 'written' });
    } catch (error) {
      faults.push({
        field: column,
        text: error instanceof TooDeep ? error.message : 'the cell begins as JSON, and is not valid JSON',
      });
      return undefined;
    }
  };
  for (const [column, cell] of Object.entries(row)) {
    if (cell === '') continue;
    const [, mapping, key] = mappingColumn.exec(column) ?? [];
    if (mapping !== undefined && key !== undefined)
      put(mapping, key, isSecretKey(key) ? cell : numberColumns.has(key) ? numberIn(cell) : structured(column, cell));
    else if (propertyColumns.has(column)) put('properties', column, numberColumns.has(column) ? numberIn(cell) : cell);
    else if (driverInfoColumn.test(column)) put('driver_info', column, cell);
    else if (macColumns.has(column))
      node.ports = cell.startsWith('[') ? structured(column, cell) : cell.split(/[\s,;]+/).filter((mac) => mac !== '');
    else node[column] = nodeAttributes[column]?.kind === 'text' ? cell : structured(column, cell);
  }
  return { content: node, faults };
}

/** A whole number as people write it: `007` and what has more digits than a number holds stay texts. */
function numberIn(cell: string): unknown {
  return /^(0|[1-9]\d{0,14})$/.test(cell) ? Number(cell) : cell;
}
