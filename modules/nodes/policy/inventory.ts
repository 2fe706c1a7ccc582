// Reads an inventory of nodes: a list, a mapping of names as Bifrost uses it, or a table. All
// faults are found before anything is done.
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
  /** The key of the node in a mapping, which is its name unless it has another one. */
  readonly key?: string;
  readonly content: unknown;
  /** What was wrong with it before its values were read. */
  readonly faults?: readonly Fault[];
}

export interface InventoryNode {
  readonly place: string;
  readonly desired: DesiredNode;
}

export interface InventoryFault extends Fault {
  readonly place: string;
  /** The node's name, UUID or MAC address; empty if it has none. */
  readonly node: string;
}

export interface Inventory {
  readonly nodes: readonly InventoryNode[];
  readonly faults: readonly InventoryFault[];
  /** Keys that only Bifrost uses. */
  readonly ignored: readonly string[];
}

export function inventoryFaultText({ place, node, ...fault }: InventoryFault): string {
  return [place, ...(node === '' ? [] : [`node ${node}`]), faultText(fault)].join(': ');
}

type PlaceOf = (path: readonly (string | number)[]) => string;

/**
 * The entries of a list, of a list under `nodes` as `openstack baremetal create` reads it, or of a
 * mapping of names. `placeOf` tells where a path of keys and indexes is in the file. Undefined for
 * anything else.
 */
export function entriesOf(content: unknown, placeOf: PlaceOf): readonly InventoryEntry[] | undefined {
  if (Array.isArray(content))
    return content.map((element: unknown, index) => ({ place: placeOf([index]), content: element }));
  if (!isMapping(content)) return undefined;
  if (!Array.isArray(content.nodes) && !Array.isArray(content.chassis))
    return Object.entries(content).map(([key, element]) => ({ place: placeOf([key]), key, content: element }));
  const nodes = (Array.isArray(content.nodes) ? content.nodes : []).map((element: unknown, index) => ({
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
    ...others.map(([key]) => ({
      place: placeOf([key]),
      content: {},
      faults: [{ field: key, text: unsupportedKey(key) }],
    })),
  ];
}

function unsupportedKey(key: string): string {
  if (key === 'chassis')
    return (
      'chassis are not supported: create them with "openstack baremetal chassis create", list their nodes under ' +
      'nodes, and set the chassis_uuid of each'
    );
  return 'it is not allowed next to nodes; list ports and portgroups within their node';
}

/** Reads all entries, with the defaults applied, and compares them with each other. */
export function readInventory(entries: readonly InventoryEntry[], defaults: Values = {}): Inventory {
  const faults: InventoryFault[] = [];
  const nodes: InventoryNode[] = [];
  for (const { place, key, content, faults: known = [] } of entries) {
    const named =
      isMapping(content) && key !== undefined && content.name === undefined ? { name: key, ...content } : content;
    const node = titleOfContent(named);
    const report = (...found: readonly Fault[]): void =>
      void faults.push(...found.map((fault) => ({ ...fault, place, node })));
    if (known.length > 0) report(...known);
    else if (!isMapping(named)) report({ field: '', text: 'a node must be a mapping' });
    if (known.length > 0 || !isMapping(named)) continue;
    const { desired, faults: own } = parseNode(withDefaults(named, defaults));
    report(...own);
    if (!desired) continue;
    if (desired.attributes.driver === undefined) report({ field: '', text: 'driver is missing' });
    if (typeof desired.attributes.name !== 'string' && desired.uuid === undefined && !desired.ports?.length)
      report({ field: '', text: 'a node needs a name, a uuid or a MAC address to be found by' });
    nodes.push({ place, desired });
  }
  return {
    nodes,
    faults: [...faults, ...duplicates(nodes)],
    ignored: [...new Set(nodes.flatMap(({ desired }) => desired.ignored))],
  };
}

/** What the inventory calls a node, even if the node cannot be read. */
function titleOfContent(content: unknown): string {
  if (!isMapping(content)) return '';
  const ports = content.ports ?? content.nics;
  const [port]: readonly unknown[] = Array.isArray(ports) ? ports : [];
  const title = [content.name, content.uuid, isMapping(port) ? (port.mac ?? port.address) : port].find((text) =>
    ['string', 'number'].includes(typeof text),
  );
  return title === undefined ? '' : String(title).slice(0, 255);
}

/** The values of a node over the defaults; mappings are merged by key. */
function withDefaults(content: Values, defaults: Values): Values {
  const merged = Object.entries(defaults).map(([key, value]) => {
    const own = content[key];
    return [key, isMapping(value) && isMapping(own) ? { ...value, ...own } : (own ?? value)] as const;
  });
  return { ...content, ...Object.fromEntries(merged) };
}

/** Names, UUIDs and MAC addresses that two nodes have. */
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
      : [{ place, node: desiredTitle(desired), field: '', text: `${what} is already used at ${earlier}` }];
  });
}

/** Columns of a table that belong to `properties` without saying so. */
const propertyColumns = new Set(['ram', 'memory_mb', 'cpus', 'cpu_arch', 'disk_size', 'local_gb', 'capabilities']);
const numberColumns = new Set(['ram', 'memory_mb', 'cpus', 'disk_size', 'local_gb']);
const driverInfoColumn = /^(ipmi|redfish|irmc|ilo|idrac|drac|snmp|xclarity|deploy|rescue|agent)_(?!interface$)/;
const macColumns = new Set(['mac', 'macs', 'address', 'nics', 'ports']);
const mappingColumn = /^(driver_info|properties|extra|instance_info)\.(.+)$/;

/**
 * A row of a table as a node: `driver_info.ipmi_address` or just `ipmi_address`, `properties.cpus`
 * or `cpus`, `mac` with one or several addresses. An empty cell is ignored. A cell that may be a
 * mapping or a list, and begins like one, is JSON.
 */
export function nodeOfRow(row: Readonly<Record<string, string>>): {
  readonly content: Values;
  readonly faults: readonly Fault[];
} {
  const node: Record<string, unknown> = {};
  const faults: Fault[] = [];
  const put = (mapping: string, key: string, value: unknown): void => {
    const present = node[mapping];
    node[mapping] = { ...(isMapping(present) ? present : {}), [key]: value };
  };
  const structured = (column: string, cell: string): unknown => {
    if (!/^[[{]/.test(cell)) return cell;
    try {
      return parseJson(cell, { numbers: 'written' });
    } catch (error) {
      faults.push({
        field: column,
        text: error instanceof TooDeep ? error.message : 'the cell begins like JSON, but is not valid JSON',
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

/** A whole number; `007`, and numbers with more digits than JavaScript keeps, stay text. */
function numberIn(cell: string): unknown {
  return /^(0|[1-9]\d{0,14})$/.test(cell) ? Number(cell) : cell;
}
