// What a node should look like, read from what people write: our own fields, and Bifrost's
// inventory. All faults are collected.
import { isUuid } from '../../core/uuid.js';
import { suggestion } from '../../core/validation.js';
import { capabilitiesFault } from './capabilities.js';
import { parseContent, parseValue, quoted, type Fault, type Parsed } from './field-values.js';
import { isMapping } from '../../core/mapping.js';
import type { DesiredFields, Values } from './node-differences.js';
import { mappingNames, nodeAttributes, type MappingName } from './node-fields.js';
import { parsePort, type DesiredPort } from './desired-port.js';
import { parsePortGroups, type DesiredPortGroup } from './desired-port-group.js';

export interface DesiredNode extends DesiredFields {
  readonly uuid?: string;
  /** Undefined if no traits are given. */
  readonly traits?: readonly string[];
  /** Undefined if no ports are given. */
  readonly ports?: readonly DesiredPort[];
  readonly portgroups?: readonly DesiredPortGroup[];
  /** Undefined: it stays as it is. */
  readonly maintenance?: boolean;
  readonly maintenanceReason?: string;
  /** Whether it is to be inspected on its way. */
  readonly inspect?: boolean;
  /** Keys that only Bifrost uses. */
  readonly ignored: readonly string[];
}

/** Keys of Bifrost's inventory that do not concern enrollment. */
const bifrostOnly = new Set([
  ...[
    'host_groups',
    'ipv4_address',
    'ipv4_subnet_mask',
    'ipv4_gateway',
    'ipv4_nameserver',
    'ipv4_interface_mac',
    'network_mtu',
    'vlan_id',
  ],
  ...['provisioning_ipv4_address', 'node_network_data', 'addressing_mode', 'ansible_ssh_host', 'inventory_dhcp', 'id'],
]);

/** Short or old names of properties. */
export const propertySynonyms: Readonly<Record<string, string>> = { ram: 'memory_mb', disk_size: 'local_gb' };
/** Groups into which older inventories divide driver_info. */
const driverInfoGroups = ['power', 'deploy', 'management', 'console', 'vendor'];

const known: ReadonlySet<string> = new Set([
  ...Object.keys(nodeAttributes),
  ...mappingNames,
  'uuid',
  'traits',
  'ports',
  'nics',
  'portgroups',
  'maintenance',
  'maintenance_reason',
  'inspect',
  'capabilities',
  'ipa_kernel_url',
  'ipa_ramdisk_url',
]);

/** The keys of a node in an inventory. */
export const nodeKeys: readonly string[] = [...known];

/** Whether a key of an inventory is known, if only by Bifrost. */
export function isNodeKey(key: string): boolean {
  return known.has(key) || bifrostOnly.has(key);
}

/** Reads one node. */
export function parseNode(given: Values): Parsed<DesiredNode> {
  const attributes = parseAttributes(given);
  const mappings = parseMappings(given);
  const maintenance = parseValue('switch', given.maintenance ?? null, 'maintenance');
  const reason = parseValue('text', given.maintenance_reason ?? null, 'maintenance_reason');
  const inspect = parseValue('switch', given.inspect ?? null, 'inspect');
  const traits = parseTraits(given.traits ?? undefined);
  const network = parseNetwork(given);
  const faults = [
    ...[attributes, mappings].flatMap((parsed) => parsed.faults),
    ...identityFaults(attributes.value.name, given.uuid),
    ...textFaults(attributes.value),
    ...[maintenance, reason, inspect, traits, network].flatMap((parsed) => parsed.faults),
  ];
  if (faults.length > 0) return { desired: undefined, faults };
  const desired: DesiredNode = {
    attributes: attributes.value,
    mappings: mappings.value,
    ignored: Object.keys(given).filter((key) => bifrostOnly.has(key)),
    ...(typeof given.uuid === 'string' ? { uuid: given.uuid.toLowerCase() } : {}),
    ...(traits.value === undefined ? {} : { traits: traits.value }),
    ...network.value,
    ...(typeof maintenance.value === 'boolean' ? { maintenance: maintenance.value } : {}),
    ...(typeof reason.value === 'string' ? { maintenanceReason: reason.value } : {}),
    ...(typeof inspect.value === 'boolean' ? { inspect: inspect.value } : {}),
  };
  return { desired, faults };
}

interface Reading<T> {
  readonly value: T;
  readonly faults: readonly Fault[];
}

function parseAttributes(given: Values): Reading<Values> {
  const parsed = Object.entries(given).map(([key, value]) => {
    const rule = nodeAttributes[key];
    if (rule !== undefined) return { key, ...parseValue(rule.kind, value, key) };
    return { key, value: undefined, faults: isNodeKey(key) ? [] : [unknownField(key)] };
  });
  return {
    value: Object.fromEntries(parsed.flatMap(({ key, value }) => (nodeAttributes[key] ? [[key, value]] : []))),
    faults: parsed.flatMap(({ faults }) => faults),
  };
}

function unknownField(key: string): Fault {
  return { field: '', text: `${quoted(key)} is not a field of a node${suggestion(key, nodeKeys)}` };
}

function parseMappings(given: Values): Reading<Partial<Record<MappingName, Values>>> {
  const parsed = mappingNames.flatMap((name) => {
    const value = given[name];
    return value === undefined || value === null ? [] : [{ name, ...parseMapping(name, value) }];
  });
  const mappings: Partial<Record<MappingName, Values>> = Object.fromEntries(
    parsed.map(({ name, value }) => [name, value]),
  );
  const driverInfo = { ...ipaUrls(given), ...flattened(mappings.driver_info ?? {}) };
  const properties = renamed({
    ...mappings.properties,
    ...(given.capabilities === undefined ? {} : { capabilities: given.capabilities }),
  });
  const { capabilities } = properties;
  const fault = capabilities === undefined || capabilities === null ? undefined : capabilitiesFault(capabilities);
  return {
    value: {
      ...mappings,
      ...(Object.keys(driverInfo).length > 0 || mappings.driver_info ? { driver_info: driverInfo } : {}),
      ...(Object.keys(properties).length > 0 || mappings.properties ? { properties } : {}),
    },
    faults: [
      ...parsed.flatMap(({ faults }) => faults),
      ...(fault === undefined ? [] : [{ field: '', text: `properties.${fault}` }]),
    ],
  };
}

/** Ironic accepts all values of driver_info as text; in the other mappings a number stays one. */
function parseMapping(name: MappingName, given: unknown): Reading<Values> {
  if (!isMapping(given)) return { value: {}, faults: [{ field: name, text: 'it must be a mapping' }] };
  const { value, faults } = parseContent(given, name, name === 'driver_info' ? 'text' : 'exact');
  return { value: isMapping(value) && faults.length === 0 ? value : {}, faults };
}

function ipaUrls({ ipa_kernel_url: kernel, ipa_ramdisk_url: ramdisk }: Values): Values {
  return { ...(kernel ? { deploy_kernel: kernel } : {}), ...(ramdisk ? { deploy_ramdisk: ramdisk } : {}) };
}

function flattened(driverInfo: Values): Values {
  return Object.fromEntries(
    Object.entries(driverInfo).flatMap(([key, value]) =>
      driverInfoGroups.includes(key) && isMapping(value) ? Object.entries(value) : [[key, value]],
    ),
  );
}

function renamed(properties: Values): Values {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [propertySynonyms[key] ?? key, value]));
}

const reservedNames = new Set([
  'maintenance',
  'management',
  'states',
  'vendor_passthru',
  'detail',
  'validate',
  'ports',
  'portgroups',
]);

function identityFaults(name: unknown, uuid: unknown): Fault[] {
  const badUuid =
    uuid === undefined || uuid === null || (typeof uuid === 'string' && isUuid(uuid))
      ? []
      : [{ field: 'uuid', text: `${quoted(uuid)} is not a UUID` }];
  if (typeof name !== 'string') return badUuid;
  const why = isUuid(name)
    ? 'it looks like a UUID'
    : reservedNames.has(name)
      ? 'Ironic reserves this word'
      : /^[A-Za-z0-9._~-]{1,255}$/.test(name)
        ? undefined
        : 'a name has up to 255 letters, digits and -._~';
  return [
    ...badUuid,
    ...(why === undefined ? [] : [{ field: 'name', text: `${quoted(name)} cannot be a node's name: ${why}` }]),
  ];
}

function textFaults({ description, driver }: Values): Fault[] {
  const long =
    typeof description === 'string' && description.length > 4096
      ? [{ field: 'description', text: `it has ${description.length} characters; at most 4096 are allowed` }]
      : [];
  return driver === null ? [...long, { field: 'driver', text: 'it cannot be removed' }] : long;
}

const maxTraits = 50;

function parseTraits(given: unknown): Reading<readonly string[] | undefined> {
  if (given === undefined) return { value: undefined, faults: [] };
  const traits: readonly unknown[] = Array.isArray(given)
    ? given
    : String(given)
        .split(/[\s,;]+/)
        .filter((trait) => trait !== '');
  const isTrait = (trait: unknown): trait is string =>
    typeof trait === 'string' && /^[A-Z][A-Z0-9_]{0,254}$/.test(trait);
  const texts = traits
    .filter((trait) => !isTrait(trait))
    .map(
      (trait) =>
        `${quoted(trait)} is not a trait; use a name from os-traits, or CUSTOM_ followed by capital letters, ` +
        'digits and underscores',
    );
  const tooMany = traits.length > maxTraits ? [`${traits.length} are given; at most ${maxTraits} are allowed`] : [];
  return {
    value: [...new Set(traits.filter(isTrait))].sort(),
    faults: [...texts, ...tooMany].map((text) => ({ field: 'traits', text })),
  };
}

/** Ports are listed by themselves, or within the port group that they belong to. */
function parseNetwork(given: Values): Reading<Pick<DesiredNode, 'ports' | 'portgroups'>> {
  const isNics = given.ports === undefined && given.nics !== undefined;
  const plain = parsePorts(given.ports ?? given.nics ?? undefined, given.ports === undefined ? 'nics' : 'ports');
  const grouped = parsePortGroups(given.portgroups ?? [], 'portgroups');
  const members = grouped.desired?.ports ?? [];
  const ports = plain.value === undefined && members.length === 0 ? undefined : [...(plain.value ?? []), ...members];
  const repeated =
    ports?.filter(({ address }, index) => ports.findIndex((other) => other.address === address) !== index) ?? [];
  const hasGroups = given.portgroups !== undefined && given.portgroups !== null;
  return {
    value: {
      ...(ports ? { ports } : {}),
      ...(hasGroups && grouped.desired ? { portgroups: grouped.desired.groups } : {}),
    },
    faults: [
      ...plain.faults,
      ...grouped.faults,
      ...repeated.map(({ address }) => ({ field: isNics ? 'nics' : 'ports', text: `${address} is given twice` })),
    ],
  };
}

function parsePorts(given: unknown, field: string): Reading<readonly DesiredPort[] | undefined> {
  if (given === undefined) return { value: undefined, faults: [] };
  if (!Array.isArray(given)) return { value: undefined, faults: [{ field, text: 'it must be a list' }] };
  const parsed = given.map((port: unknown, index) => parsePort(port, `${field}[${index}]`));
  return {
    value: parsed.flatMap(({ desired }) => (desired ? [desired] : [])),
    faults: parsed.flatMap(({ faults }) => faults),
  };
}

/** What a desired node is called in messages. */
export function desiredTitle({ attributes, uuid, ports }: DesiredNode): string {
  return typeof attributes.name === 'string' ? attributes.name : (uuid ?? ports?.[0]?.address ?? 'a new node');
}
