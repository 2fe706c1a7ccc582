// The fields of nodes and ports: the API version that they need, and the states in which Ironic
// lets them be changed
// (https://docs.openstack.org/ironic/latest/contributor/webapi-version-history.html;
// ironic/conductor/manager.py, update_node, update_port).

export type FieldKind = 'text' | 'switch' | 'object';

interface FieldRule {
  readonly kind: FieldKind;
  /** The minor version of the API that introduced it; 1 for the oldest fields. */
  readonly since: number;
}

const interfaceSince: Readonly<Record<string, number>> = {
  network: 20,
  storage: 33,
  rescue: 38,
  bios: 40,
  firmware: 86,
};

export const interfaceNames = [
  'bios',
  'boot',
  'console',
  'deploy',
  'firmware',
  'inspect',
  'management',
  'network',
  'power',
  'raid',
  'rescue',
  'storage',
  'vendor',
] as const;

/** The fields that are replaced as a whole. Those that are merged by key are in `mappingNames`. */
export const nodeAttributes: Readonly<Record<string, FieldRule>> = {
  driver: { kind: 'text', since: 1 },
  name: { kind: 'text', since: 5 },
  resource_class: { kind: 'text', since: 21 },
  ...Object.fromEntries(
    interfaceNames.map((name) => [`${name}_interface`, { kind: 'text', since: interfaceSince[name] ?? 31 } as const]),
  ),
  conductor_group: { kind: 'text', since: 46 },
  automated_clean: { kind: 'switch', since: 47 },
  protected: { kind: 'switch', since: 48 },
  protected_reason: { kind: 'text', since: 48 },
  owner: { kind: 'text', since: 50 },
  description: { kind: 'text', since: 51 },
  retired: { kind: 'switch', since: 61 },
  retired_reason: { kind: 'text', since: 61 },
  lessee: { kind: 'text', since: 65 },
  network_data: { kind: 'object', since: 66 },
  shard: { kind: 'text', since: 82 },
  parent_node: { kind: 'text', since: 83 },
  disable_power_off: { kind: 'switch', since: 95 },
  chassis_uuid: { kind: 'text', since: 1 },
};

export const mappingNames = ['driver_info', 'properties', 'extra', 'instance_info'] as const;
export type MappingName = (typeof mappingNames)[number];

/** Attributes that a POST does not accept: they are set right after it. */
export const notAtCreation: ReadonlySet<string> = new Set(['protected', 'protected_reason', 'retired_reason']);

export const portAttributes: Readonly<Record<string, FieldRule>> = {
  pxe_enabled: { kind: 'switch', since: 19 },
  local_link_connection: { kind: 'object', since: 19 },
  portgroup_uuid: { kind: 'text', since: 24 },
  physical_network: { kind: 'text', since: 34 },
  is_smartnic: { kind: 'switch', since: 53 },
  name: { kind: 'text', since: 88 },
  description: { kind: 'text', since: 97 },
  vendor: { kind: 'text', since: 100 },
  category: { kind: 'text', since: 101 },
  available_for_dynamic_portgroup: { kind: 'switch', since: 111 },
  extra: { kind: 'object', since: 1 },
};

export const portGroupAttributes: Readonly<Record<string, FieldRule>> = {
  name: { kind: 'text', since: 23 },
  address: { kind: 'text', since: 23 },
  standalone_ports_supported: { kind: 'switch', since: 23 },
  mode: { kind: 'text', since: 26 },
  properties: { kind: 'object', since: 26 },
  physical_network: { kind: 'text', since: 102 },
  category: { kind: 'text', since: 103 },
  extra: { kind: 'object', since: 23 },
};

/** Why a server of this minor version does not support a field; undefined if it does. */
export function tooOldFor(
  field: string,
  rules: Readonly<Record<string, FieldRule>>,
  minor: number,
): string | undefined {
  const since = rules[field]?.since ?? 1;
  return since <= minor
    ? undefined
    : `${field} needs version 1.${since} of the Bare Metal API, and this server speaks 1.${minor}`;
}

export const traitsSince = 37;

const plainEditable: ReadonlySet<string> = new Set(['enroll', 'inspecting', 'inspect wait', 'manageable', 'available']);

export interface EditedNode {
  readonly provision_state: string;
  readonly maintenance: boolean;
}

/**
 * Why Ironic refuses to change this attribute of a node; undefined if it does not. `wasSet`: the
 * attribute has a value now.
 */
export function refusalToChange(
  attribute: string,
  node: EditedNode,
  { value, wasSet }: { value: unknown; wasSet: boolean },
): string | undefined {
  const { provision_state: state, maintenance } = node;
  if (attribute.endsWith('_interface') && !plainEditable.has(state) && !maintenance)
    return (
      `${attribute} can only be changed in the states ${[...plainEditable].join(', ')}, or in maintenance; ` +
      `the node is ${state}`
    );
  if (attribute === 'resource_class' && wasSet && !plainEditable.has(state))
    return `resource_class can only be changed in the states ${[...plainEditable].join(', ')}; the node is ${state}`;
  if (attribute === 'retired' && value === true && state === 'available')
    return 'an available node cannot be retired: set state to manageable';
  if (attribute === 'protected' && value === true && state !== 'active' && state !== 'rescue')
    return `a node can be protected only when it is active or in rescue; it is ${state}`;
  return undefined;
}

const connectivity: ReadonlySet<string> = new Set([
  'pxe_enabled',
  'local_link_connection',
  'portgroup_uuid',
  'physical_network',
]);
const portEditable: ReadonlySet<string> = new Set(['enroll', 'inspecting', 'inspect wait', 'manageable']);

/**
 * Why Ironic refuses to change this attribute of a port while its node is in this state; undefined
 * if it does not.
 */
export function refusalToChangePort(attribute: string, node: EditedNode): string | undefined {
  if (node.maintenance) return undefined;
  if (connectivity.has(attribute) && !portEditable.has(node.provision_state))
    return (
      `${attribute} can only be changed while the node is in maintenance, or in the states ` +
      `${[...portEditable].join(', ')}; it is ${node.provision_state}`
    );
  if (attribute === 'address' && node.provision_state === 'active')
    return 'the address can only be changed while the node is in maintenance or not active';
  return undefined;
}
