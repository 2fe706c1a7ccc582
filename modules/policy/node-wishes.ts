// What is wanted of a node, read from what people write: our own fields, and bifrost's inventory. Every fault is collected.
import { nearest } from '../core/validation.js';
import { faultOfCapabilities } from './capabilities.js';
import { isMapping } from '../core/mapping.js';
import type { NodeWishes, Values } from './node-differences.js';
import { mappingNames, nodeAttributes, type MappingName } from './node-fields.js';
import { parsePort, parseValue, type Parsed, type PortWish } from './port-wishes.js';

export interface NodeWish extends NodeWishes {
  readonly uuid?: string;
  /** The traits that it is to have; undefined where nothing is said of them. */
  readonly traits?: readonly string[];
  /** Undefined where nothing is said of them. */
  readonly ports?: readonly PortWish[];
  /** Undefined: as it is. */
  readonly maintenance?: boolean;
  readonly maintenanceReason?: string;
  /** Keys that mean something to bifrost and nothing here. */
  readonly ignored: readonly string[];
}

/** Keys of bifrost's inventory for what is not enrolment. */
const bifrostOnly = new Set([
  ...['host_groups', 'ipv4_address', 'ipv4_subnet_mask', 'ipv4_gateway', 'ipv4_nameserver', 'ipv4_interface_mac', 'network_mtu', 'vlan_id'],
  ...['provisioning_ipv4_address', 'node_network_data', 'addressing_mode', 'ansible_ssh_host', 'inventory_dhcp', 'id'],
]);

/** Shorter or older names of properties. */
const propertySynonyms: Readonly<Record<string, string>> = { ram: 'memory_mb', disk_size: 'local_gb' };
/** Groups in which older inventories wrote driver_info. */
const driverInfoGroups = ['power', 'deploy', 'management', 'console', 'vendor'];

const known = [...Object.keys(nodeAttributes), ...mappingNames, 'uuid', 'traits', 'ports', 'nics', 'maintenance', 'maintenance_reason', 'capabilities'];

/** Reads one node. `place` begins each fault, such as `nodes.yml line 12`. */
export function parseNode(given: Values, place: string): Parsed<NodeWish> {
  const faults: string[] = [];
  const attributes: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    const rule = nodeAttributes[key];
    if (rule !== undefined) {
      const parsed = parseValue(key, rule.kind, value, `${place}: ${key}`);
      if ('fault' in parsed) faults.push(parsed.fault);
      else attributes[key] = parsed.value;
    } else if (bifrostOnly.has(key)) ignored.push(key);
    else if (!known.includes(key) && key !== 'ipa_kernel_url' && key !== 'ipa_ramdisk_url') {
      const near = nearest(key, known);
      faults.push(`${place}: ${JSON.stringify(key)} is no field of a node${near ? `; did you mean ${near}?` : ''}`);
    }
  }
  const mappings = parseMappings(given, place, faults);
  faults.push(...faultsOfIdentity(attributes.name, given.uuid, place), ...faultsOfTexts(attributes, place));
  const maintenance = given.maintenance === undefined || given.maintenance === null ? { value: undefined } : parseValue('maintenance', 'switch', given.maintenance, `${place}: maintenance`);
  if ('fault' in maintenance) faults.push(maintenance.fault);
  const traits = parseTraits(given.traits, place, faults);
  const ports = parsePorts(given.ports ?? given.nics, given.ports === undefined ? 'nics' : 'ports', place, faults);
  if (faults.length > 0) return { wish: undefined, faults };
  const wish: NodeWish = {
    attributes,
    mappings,
    ignored,
    ...(typeof given.uuid === 'string' ? { uuid: given.uuid.toLowerCase() } : {}),
    ...(traits === undefined ? {} : { traits }),
    ...(ports === undefined ? {} : { ports }),
    ...('value' in maintenance && typeof maintenance.value === 'boolean' ? { maintenance: maintenance.value } : {}),
    ...(typeof given.maintenance_reason === 'string' ? { maintenanceReason: given.maintenance_reason } : {}),
  };
  return { wish, faults };
}

function parseMappings(given: Values, place: string, faults: string[]): Partial<Record<MappingName, Values>> {
  const mappings: Partial<Record<MappingName, Values>> = {};
  for (const name of mappingNames) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    if (isMapping(value)) mappings[name] = value;
    else faults.push(`${place}: ${name} must be a mapping`);
  }
  const driverInfo = { ...ipaUrls(given), ...flattened(mappings.driver_info ?? {}) };
  const properties = renamed({ ...mappings.properties, ...(given.capabilities === undefined ? {} : { capabilities: given.capabilities }) });
  const { capabilities } = properties;
  const fault = capabilities === undefined || capabilities === null ? undefined : faultOfCapabilities(capabilities);
  if (fault !== undefined) faults.push(`${place}: properties.${fault}`);
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
  return Object.fromEntries(Object.entries(driverInfo).flatMap(([key, value]) => (driverInfoGroups.includes(key) && isMapping(value) ? Object.entries(value) : [[key, value]])));
}

function renamed(properties: Values): Values {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [propertySynonyms[key] ?? key, value]));
}

const uuidForm = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const reservedNames = new Set(['maintenance', 'management', 'states', 'vendor_passthru', 'detail', 'validate', 'ports', 'portgroups']);

function faultsOfIdentity(name: unknown, uuid: unknown, place: string): string[] {
  const badUuid = uuid === undefined || uuid === null || (typeof uuid === 'string' && uuidForm.test(uuid)) ? [] : [`${place}: uuid: ${JSON.stringify(uuid)} is not a UUID`];
  if (typeof name !== 'string') return badUuid;
  const why = uuidForm.test(name) ? 'it looks like a UUID' : reservedNames.has(name) ? 'Ironic keeps this word for itself' : /^[A-Za-z0-9._~-]{1,255}$/.test(name) ? undefined : 'a name has up to 255 letters, digits and -._~';
  return [...badUuid, ...(why === undefined ? [] : [`${place}: name: ${JSON.stringify(name)} cannot be a node's name: ${why}`])];
}

function faultsOfTexts({ description, driver }: Values, place: string): string[] {
  const long = typeof description === 'string' && description.length > 4096 ? [`${place}: description has ${description.length} characters; at most 4096 are allowed`] : [];
  return driver === null ? [...long, `${place}: driver cannot be removed`] : long;
}

const mostTraits = 50;

function parseTraits(given: unknown, place: string, faults: string[]): readonly string[] | undefined {
  if (given === undefined || given === null) return undefined;
  const traits: readonly unknown[] = Array.isArray(given) ? given : String(given).split(/[\s,;]+/).filter((trait) => trait !== '');
  for (const trait of traits) {
    if (typeof trait === 'string' && /^[A-Z][A-Z0-9_]{0,254}$/.test(trait)) continue;
    faults.push(`${place}: traits: ${JSON.stringify(trait)} is not a trait; it is a name of os-traits, or CUSTOM_ with capital letters, digits and underscores`);
  }
  if (traits.length > mostTraits) faults.push(`${place}: traits: ${traits.length} are given; at most ${mostTraits} are allowed`);
  return [...new Set(traits as string[])].sort();
}

function parsePorts(given: unknown, key: string, place: string, faults: string[]): readonly PortWish[] | undefined {
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given)) {
    faults.push(`${place}: ${key} must be a list`);
    return undefined;
  }
  const parsed = given.map((port: unknown, index) => parsePort(port, `${place}: ${key}[${index}]`));
  faults.push(...parsed.flatMap((one) => one.faults));
  const ports = parsed.flatMap(({ wish }) => (wish ? [wish] : []));
  const twice = ports.filter(({ address }, index) => ports.findIndex((other) => other.address === address) !== index);
  faults.push(...twice.map(({ address }) => `${place}: ${key}: ${address} is given twice`));
  return ports;
}

/** How a node is called in messages. */
export function wishTitle({ attributes, uuid, ports }: NodeWish): string {
  return typeof attributes.name === 'string' ? attributes.name : (uuid ?? ports?.[0]?.address ?? 'a new node');
}
