// What an inspection found, from the inventory that Ironic keeps or from the node itself, and where
// it contradicts the request.
import { listSome } from '../../core/counts.js';
import { isMapping } from '../../core/mapping.js';
import { optionText } from '../../core/option-text.js';
import type { DesiredNode } from './desired-node.js';
import { normaliseMac } from './field-values.js';
import type { Values } from './node-differences.js';
import type { ServedPort } from './port-plan.js';

export interface Findings {
  /** `properties`: Ironic keeps no inventory of the node, so these are its properties and its ports. */
  readonly source: 'inventory' | 'properties';
  readonly finished_at: string;
  readonly cpu_arch?: string;
  readonly cpus?: number;
  readonly memory_mb?: number;
  readonly local_gb?: number;
  /** MAC addresses. */
  readonly ports: readonly string[];
  /** Those of ports that the node has and the request does not name; none if it names no ports at all. */
  readonly unnamed_ports: readonly string[];
}

export interface InspectedNode {
  readonly finishedAt: string;
  readonly properties: Values;
  readonly ports: readonly Pick<ServedPort, 'address'>[];
  /** As Ironic returns it, with `inventory` and `plugin_data`; undefined if it keeps none. */
  readonly inventory: Values | undefined;
}

/** `purge`: what the request replaces as a whole. */
export function findingsOf(
  { finishedAt, properties, ports, inventory }: InspectedNode,
  desired: Pick<DesiredNode, 'ports'>,
  purge: ReadonlySet<string>,
): Findings {
  const found = inventory === undefined ? undefined : hardwareIn(inventory);
  const numbers = {
    cpus: found?.cpus ?? countIn(properties.cpus),
    memory_mb: found?.memory_mb ?? countIn(properties.memory_mb),
    local_gb: found?.local_gb ?? countIn(properties.local_gb),
  };
  const arch = found?.cpu_arch ?? properties.cpu_arch;
  const own = ports.map(({ address }) => address);
  const named = desired.ports?.map(({ address }) => address);
  return {
    source: found ? 'inventory' : 'properties',
    finished_at: finishedAt,
    ...(typeof arch === 'string' && arch !== '' ? { cpu_arch: arch } : {}),
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined)),
    ports: found && found.ports.length > 0 ? found.ports : own,
    unnamed_ports: named === undefined || purge.has('ports') ? [] : own.filter((address) => !named.includes(address)),
  };
}

interface Hardware extends Partial<Pick<Findings, 'cpu_arch' | 'cpus' | 'memory_mb' | 'local_gb'>> {
  readonly ports: readonly string[];
}

/** The agent and the drivers fill in different parts of it (ironic-python-agent/hardware.py, list_hardware_info). */
function hardwareIn({ inventory, plugin_data: plugin }: Values): Hardware {
  const { cpu, memory, disks, interfaces } = isMapping(inventory) ? inventory : {};
  const { count, architecture } = isMapping(cpu) ? cpu : {};
  const addresses = recordsIn(interfaces).flatMap(({ mac_address: mac }) =>
    typeof mac === 'string' ? (normaliseMac(mac) ?? []) : [],
  );
  const cpus = countIn(count);
  const memoryMb = countIn(isMapping(memory) ? memory.physical_mb : undefined);
  const localGb = rootDiskGb(isMapping(plugin) ? plugin : {}, recordsIn(disks));
  return {
    ...(typeof architecture === 'string' ? { cpu_arch: architecture } : {}),
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryMb === undefined ? {} : { memory_mb: memoryMb }),
    ...(localGb === undefined ? {} : { local_gb: localGb }),
    ports: [...new Set(addresses)],
  };
}

const gib = 2 ** 30;
const smallestRootGb = 4;

/**
 * Of the disk that a hook of the conductor has chosen; else of the smallest with at least 4 GiB,
 * which the agent takes unless the node has hints.
 */
function rootDiskGb({ root_disk: root }: Values, disks: readonly Values[]): number | undefined {
  const sizes = (isMapping(root) ? [root] : disks).flatMap(({ size }) =>
    typeof size === 'number' ? [Math.floor(size / gib)] : [],
  );
  const usable = isMapping(root) ? sizes : sizes.filter((size) => size >= smallestRootGb);
  return usable.length === 0 ? undefined : Math.min(...usable);
}

function recordsIn(value: unknown): readonly Values[] {
  return Array.isArray(value) ? value.filter(isMapping) : [];
}

/** Ironic keeps some of its numbers as text. */
function countIn(value: unknown): number | undefined {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

const maxNamed = 5;

/** Where the request says something else than the inspection, whose values it keeps the node from having. */
export function contradictions(found: Findings, { mappings, ports }: DesiredNode): string[] {
  const { properties = {} } = mappings;
  const values = (['cpu_arch', 'cpus', 'memory_mb', 'local_gb'] as const).flatMap((key) => {
    const [wanted, seen] = [properties[key] ?? undefined, found[key]];
    if (wanted === undefined || seen === undefined || agree(key, wanted, seen)) return [];
    return [`properties.${key}: inspection found ${seen}, and the given ${String(wanted)} is kept`];
  });
  const given = found.source === 'inventory' ? (ports ?? []).map(({ address }) => address) : [];
  const missing = given.filter((address) => !found.ports.includes(address));
  return [
    ...values,
    ...(missing.length > 0 ? [`inspection found no interface with the address of ${portsText(missing)}`] : []),
    ...(found.unnamed_ports.length > 0
      ? [
          `it also has the ${portsText(found.unnamed_ports)}, which the request does not name; they are kept ` +
            `(${optionText('purge', 'ports')} deletes them)`,
        ]
      : []),
  ];
}

/** Ironic may leave 1 GiB of the disk for partitions. */
function agree(key: string, given: unknown, seen: string | number): boolean {
  return key === 'local_gb' ? Math.abs(Number(given) - Number(seen)) <= 1 : String(given) === String(seen);
}

function portsText(addresses: readonly string[]): string {
  return `${addresses.length === 1 ? 'port' : 'ports'} ${listSome(addresses, maxNamed)}`;
}

/** What was found, for a cell of a table. */
export function findingsText({ cpu_arch: arch, cpus, memory_mb: memory, local_gb: disk, ports }: Findings): string {
  return [
    ...(arch === undefined ? [] : [arch]),
    ...(cpus === undefined ? [] : [`${cpus} CPUs`]),
    ...(memory === undefined ? [] : [`${memory} MB`]),
    ...(disk === undefined ? [] : [`${disk} GB`]),
    `${ports.length} ${ports.length === 1 ? 'port' : 'ports'}`,
  ].join(', ');
}
