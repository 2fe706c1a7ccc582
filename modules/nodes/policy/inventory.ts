// Reads an inventory of nodes: a list, a mapping of names as Bifrost uses it, or the rows of a
// table. All faults are found before anything is done.
import { isMapping } from '../../core/mapping.js';
import { faultText, normaliseMac, type Fault } from './field-values.js';
import type { Values } from './node-differences.js';
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
  /** The content may say which node it is, but its values are in doubt. */
  readonly isDamaged?: boolean;
  readonly warnings?: readonly string[];
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
  readonly warnings: readonly string[];
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
      isDamaged: true,
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
  const read = entries.map((entry) => readEntry(entry, defaults));
  const nodes = read.flatMap(({ place, desired }) => (desired ? [{ place, desired }] : []));
  return {
    nodes,
    faults: [...read.flatMap(({ faults }) => faults), ...duplicates(read)],
    ignored: [...new Set(nodes.flatMap(({ desired }) => desired.ignored))],
    warnings: read.flatMap(({ place, node, warnings }) =>
      warnings.map((text) => inventoryFaultText({ place, node, field: '', text })),
    ),
  };
}

interface ReadEntry {
  readonly place: string;
  readonly node: string;
  readonly desired: DesiredNode | undefined;
  /** What no other node may have. */
  readonly claims: readonly string[];
  readonly faults: readonly InventoryFault[];
  readonly warnings: readonly string[];
}

function readEntry(entry: InventoryEntry, defaults: Values): ReadEntry {
  const { place, key, content, faults: known = [], isDamaged = false, warnings = [] } = entry;
  const named =
    isMapping(content) && key !== undefined && content.name === undefined ? { name: key, ...content } : content;
  const node = titleOfContent(named);
  const result = (found: readonly Fault[], desired?: DesiredNode): ReadEntry => ({
    ...{ place, node, desired, warnings },
    claims: isDamaged ? [] : desired ? claimsOf(desired) : claimsOfContent(named),
    faults: [...known, ...found].map((fault) => ({ ...fault, place, node })),
  });
  if (isDamaged) return result([]);
  if (!isMapping(named)) return result([{ field: '', text: 'a node must be a mapping' }]);
  const complete = withDefaults(named, defaults);
  const { desired, faults } = parseNode(complete);
  return result([...faults, ...missingFaults(complete, desired)], desired);
}

/** Reported even if other fields are wrong. */
function missingFaults({ driver, name, uuid, ports, nics }: Values, desired: DesiredNode | undefined): Fault[] {
  const given = desired
    ? [desired.attributes.name, desired.uuid, ...(desired.ports ?? [])]
    : [name, uuid, ports, nics].filter((value) => value !== '');
  const isFound = given.some((value) => value !== undefined && value !== null);
  return [
    ...(driver === undefined ? [{ field: '', text: 'driver is missing' }] : []),
    ...(isFound ? [] : [{ field: '', text: 'a node needs a name, a uuid or a MAC address to be found by' }]),
  ];
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
function duplicates(entries: readonly ReadEntry[]): InventoryFault[] {
  const first = new Map<string, string>();
  return entries.flatMap(({ place, node, desired, claims }) =>
    claims.flatMap((what) => {
      const earlier = first.get(what);
      if (earlier === undefined) first.set(what, place);
      const title = desired ? desiredTitle(desired) : node;
      return earlier === undefined
        ? []
        : [{ place, node: title, field: '', text: `${what} is already used at ${earlier}` }];
    }),
  );
}

function claimsOf({ attributes: { name }, uuid, ports = [], portgroups = [] }: DesiredNode): string[] {
  return [
    ...(typeof name === 'string' ? [nameClaim(name)] : []),
    ...(uuid === undefined ? [] : [`the UUID ${uuid}`]),
    ...ports.map(({ address }) => addressClaim(address)),
    ...portgroups.flatMap(({ attributes: { name: own, address } }) => [
      ...(typeof own === 'string' ? [`the port group's name ${own}`] : []),
      ...(typeof address === 'string' ? [`the port group's address ${address}`] : []),
    ]),
  ];
}

const nameClaim = (name: string): string => `the name ${name}`;
const addressClaim = (address: string): string => `the MAC address ${address}`;

/** Of a node that has other faults. */
function claimsOfContent(content: unknown): string[] {
  if (!isMapping(content)) return [];
  const ports: readonly unknown[] = Array.isArray(content.ports) ? content.ports : [];
  const addresses = ports.map((port) => (isMapping(port) ? (port.address ?? port.mac) : port));
  const found = addresses.flatMap((address) => (typeof address === 'string' ? (normaliseMac(address) ?? []) : []));
  const { name } = content;
  return [
    ...(typeof name === 'string' && name !== '' ? [nameClaim(name.slice(0, 255))] : []),
    ...[...new Set(found)].map(addressClaim),
  ];
}
