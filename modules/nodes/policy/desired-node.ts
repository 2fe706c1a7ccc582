// What a node should look like, read from what people write: our own fields, and Bifrost's
// inventory. All faults are collected.
import { isUuid } from '../../core/uuid.js';
import { nearest } from '../../core/validation.js';
import { faultOfCapabilities } from './capabilities.js';
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
const propertySynonyms: Readonly<Record<string, string>> = { ram: 'memory_mb', disk_size: 'local_gb' };
/** Groups into which older inventories divide driver_info. */
const driverInfoGroups = ['power', 'deploy', 'management', 'console', 'vendor'];

const known = [
  ...Object.keys(nodeAttributes),
  ...mappingNames,
  'uuid',
  'traits',
  'ports',
  'nics',
  'portgroups',
  'maintenance',
  'maintenance_reason',
  'capabilities',
  'ipa_kernel_url',
  'ipa_ramdisk_url',
];

/** Reads one node. */
export function parseNode(given: Values): Parsed<DesiredNode> {
  const faults: Fault[] = [];
  const collect = <T>({ value, faults: own }: { value: T; faults: readonly Fault[] }): T | undefined => {
    faults.push(...own);
    return own.length > 0 ? undefined : value;
  };
  const attributes: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    const rule = nodeAttributes[key];
    if (rule !== undefined) attributes[key] = collect(parseValue(rule.kind, value, key));
    else if (bifrostOnly.has(key)) ignored.push(key);
    else if (!known.includes(key)) faults.push(unknownField(key));
  }
  const mappings = parseMappings(given, faults);
  faults.push(...faultsOfIdentity(attributes.name, given.uuid), ...faultsOfTexts(attributes));
  const maintenance =
    given.maintenance === undefined || given.maintenance === null
      ? undefined
      : collect(parseValue('switch', given.maintenance, 'maintenance'));
  const reason =
    given.maintenance_reason === undefined
      ? undefined
      : collect(parseValue('text', given.maintenance_reason, 'maintenance_reason'));
  const traits = parseTraits(given.traits, faults);
  const { ports, portgroups } = parseNetwork(given, faults);
  if (faults.length > 0) return { desired: undefined, faults };
  const desired: DesiredNode = {
    attributes,
    mappings,
    ignored,
    ...(typeof given.uuid === 'string' ? { uuid: given.uuid.toLowerCase() } : {}),
    ...(traits === undefined ? {} : { traits }),
    ...(ports === undefined ? {} : { ports }),
    ...(portgroups === undefined ? {} : { portgroups }),
    ...(typeof maintenance === 'boolean' ? { maintenance } : {}),
    ...(typeof reason === 'string' ? { maintenanceReason: reason } : {}),
  };
  return { desired, faults };
}

function unknownField(key: string): Fault {
  const near = nearest(key, known);
  return { field: '', text: `${quoted(key)} is not a field of a node${near ? `; did you mean ${near}?` : ''}` };
}

function parseMappings(given: Values, faults: Fault[]): Partial<Record<MappingName, Values>> {
  const mappings: Partial<Record<MappingName, Values>> = {};
  for (const name of mappingNames) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    // Ironic accepts all values of driver_info as text; in the other mappings a number stays a
    // number.
    const parsed = isMapping(value)
      ? parseContent(value, name, name === 'driver_info' ? 'text' : 'exact')
      : { value, faults: [{ field: name, text: 'it must be a mapping' }] };
    faults.push(...parsed.faults);
    if (parsed.faults.length === 0 && isMapping(parsed.value)) mappings[name] = parsed.value;
  }
  const driverInfo = { ...ipaUrls(given), ...flattened(mappings.driver_info ?? {}) };
  const properties = renamed({
    ...mappings.properties,
    ...(given.capabilities === undefined ? {} : { capabilities: given.capabilities }),
  });
  const { capabilities } = properties;
  const fault = capabilities === undefined || capabilities === null ? undefined : faultOfCapabilities(capabilities);
  if (fault !== undefined) faults.push({ field: '', text: `properties.${fault}` });
  return {
    ...mappings,
    ...(Object.keys(driverInfo).length > 0 || mappings.driver_info ? { driver_info: driverInfo } : {}),
    ...(Object.keys(properties).length > 0 || mappings.properties ? { properties } : {}),
  };
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

function faultsOfIdentity(name: unknown, uuid: unknown): Fault[] {
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

function faultsOfTexts({ description, driver }: Values): Fault[] {
  const long =
    typeof description === 'string' && description.length > 4096
      ? [{ field: 'description', text: `it has ${description.length} characters; at most 4096 are allowed` }]
      : [];
  return driver === null ? [...long, { field: 'driver', text: 'it cannot be removed' }] : long;
}

const maxTraits = 50;

function parseTraits(given: unknown, faults: Fault[]): readonly string[] | undefined {
  if (given === undefined || given === null) return undefined;
  const traits: readonly unknown[] = Array.isArray(given)
    ? given
    : String(given)
        .split(/[\s,;]+/)
        .filter((trait) => trait !== '');
  for (const trait of traits) {
    if (typeof trait === 'string' && /^[A-Z][A-Z0-9_]{0,254}$/.test(trait)) continue;
    faults.push({
      field: 'traits',
      text: `${quoted(trait)} is not a trait; use a name from os-traits, or CUSTOM_ followed by capital letters, digits and underscores`,
    });
  }
  if (traits.length > maxTraits)
    faults.push({ field: 'traits', text: `${traits.length} are given; at most ${maxTraits} are allowed` });
  return [...new Set(traits.filter((trait) => typeof trait === 'string'))].sort();
}

/** Ports are listed by themselves, or within the port group that they belong to. */
function parseNetwork(given: Values, faults: Fault[]): Pick<DesiredNode, 'ports' | 'portgroups'> {
  const plain = parsePorts(given.ports ?? given.nics, given.ports === undefined ? 'nics' : 'ports', faults);
  const grouped =
    given.portgroups === undefined || given.portgroups === null
      ? undefined
      : parsePortGroups(given.portgroups, 'portgroups');
  faults.push(...(grouped?.faults ?? []));
  const members = grouped?.desired?.ports ?? [];
  const ports = plain === undefined && members.length === 0 ? undefined : [...(plain ?? []), ...members];
  const twice =
    ports?.filter(({ address }, index) => ports.findIndex((other) => other.address === address) !== index) ?? [];
  faults.push(
    ...twice.map(({ address }) => ({
      field: given.ports === undefined && given.nics !== undefined ? 'nics' : 'ports',
      text: `${address} is given twice`,
    })),
  );
  return { ...(ports ? { ports } : {}), ...(grouped?.desired ? { portgroups: grouped.desired.groups } : {}) };
}

function parsePorts(given: unknown, field: string, faults: Fault[]): readonly DesiredPort[] | undefined {
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given)) {
    faults.push({ field, text: 'it must be a list' });
    return undefined;
  }
  const parsed = given.map((port: unknown, index) => parsePort(port, `${field}[${index}]`));
  faults.push(...parsed.flatMap((one) => one.faults));
  return parsed.flatMap(({ desired }) => (desired ? [desired] : []));
}

/** What a desired node is called in messages. */
export function desiredTitle({ attributes, uuid, ports }: DesiredNode): string {
  return typeof attributes.name === 'string' ? attributes.name : (uuid ?? ports?.[0]?.address ?? 'a new node');
}
