// Nodes as the double of Ironic keeps them, and as it tells them: fields by version, secrets masked
// (ironic/api/controllers/v1/node.py, utils.py).

import type { Call } from './http-double.js';
import { refusal } from './ironic-api.js';

export type Values = Readonly<Record<string, unknown>>;

export interface StoredNode {
  readonly uuid: string;
  name: string | null;
  driver_info: Values;
  instance_info: Values;
  provision_state?: string;
  target_provision_state?: string | null;
  power_state?: string | null;
  target_power_state?: string | null;
  maintenance?: boolean;
  maintenance_reason?: string | null;
  instance_uuid?: string | null;
  /** The conductor that holds the node's lock. */
  reservation?: string | null;
  last_error?: string | null;
  driver?: string;
  properties?: Values;
  extra?: Values;
  traits?: readonly string[];
  /** Any other field of the API, under its own name. */
  [field: string]: unknown;
}

/**
 * Interfaces that conductors have, the default of `fake-hardware` first, and what `ipmi` takes of
 * them.
 */
export const interfaces: Readonly<
  Record<string, { readonly enabled: readonly string[]; readonly ipmi: readonly string[] }>
> = {
  bios: { enabled: ['fake', 'no-bios'], ipmi: ['no-bios'] },
  boot: { enabled: ['fake', 'pxe'], ipmi: ['pxe'] },
  console: { enabled: ['fake', 'no-console'], ipmi: ['no-console'] },
  deploy: { enabled: ['fake', 'direct'], ipmi: ['direct'] },
  inspect: { enabled: ['fake', 'no-inspect'], ipmi: ['no-inspect'] },
  management: { enabled: ['fake', 'ipmitool'], ipmi: ['ipmitool'] },
  network: { enabled: ['noop'], ipmi: ['noop'] },
  power: { enabled: ['fake', 'ipmitool'], ipmi: ['ipmitool'] },
  raid: { enabled: ['fake', 'no-raid'], ipmi: ['no-raid'] },
  rescue: { enabled: ['fake', 'no-rescue'], ipmi: ['no-rescue'] },
  storage: { enabled: ['noop', 'fake'], ipmi: ['noop', 'fake'] },
  vendor: { enabled: ['fake', 'ipmitool', 'no-vendor'], ipmi: ['ipmitool', 'no-vendor'] },
};

/** The minor version that brought a field; those that are not here were always there. */
export const sinceMinor: Readonly<Record<string, number>> = {
  driver_internal_info: 3,
  name: 5,
  inspection_finished_at: 6,
  inspection_started_at: 6,
  clean_step: 7,
  raid_config: 12,
  target_raid_config: 12,
  network_interface: 20,
  resource_class: 21,
  ...Object.fromEntries(
    ['boot', 'console', 'deploy', 'inspect', 'management', 'power', 'raid', 'vendor'].map((kind) => [
      `${kind}_interface`,
      31,
    ]),
  ),
  storage_interface: 33,
  traits: 37,
  rescue_interface: 38,
  bios_interface: 40,
  fault: 42,
  deploy_step: 44,
  conductor_group: 46,
  automated_clean: 47,
  protected: 48,
  protected_reason: 48,
  conductor: 49,
  owner: 50,
  description: 51,
  allocation_uuid: 52,
  retired: 61,
  retired_reason: 61,
  lessee: 65,
  network_data: 66,
  boot_mode: 75,
  secure_boot: 75,
  shard: 82,
  parent_node: 83,
  firmware_interface: 86,
  service_step: 87,
  disable_power_off: 95,
  instance_name: 104,
};

const nothing = [
  'allocation_uuid',
  'automated_clean',
  'boot_mode',
  'chassis_uuid',
  'description',
  'fault',
  'inspection_finished_at',
  'inspection_started_at',
  'instance_name',
  'instance_uuid',
  'last_error',
  'lessee',
  'maintenance_reason',
  'name',
  'owner',
  'parent_node',
  'power_state',
  'protected_reason',
  'provision_updated_at',
  'reservation',
  'resource_class',
  'retired_reason',
  'secure_boot',
  'shard',
  'target_power_state',
  'target_provision_state',
  'updated_at',
];
const mappings = [
  'clean_step',
  'deploy_step',
  'driver_info',
  'driver_internal_info',
  'extra',
  'instance_info',
  'network_data',
  'properties',
  'raid_config',
  'service_step',
  'target_raid_config',
];
const no = ['console_enabled', 'disable_power_off', 'maintenance', 'protected', 'retired'];

/** What a field is unless it was set. */
export const defaults: Values = {
  ...Object.fromEntries(nothing.map((field) => [field, null])),
  ...Object.fromEntries(mappings.map((field) => [field, {}])),
  ...Object.fromEntries(no.map((field) => [field, false])),
  ...Object.fromEntries(Object.entries(interfaces).map(([kind, { enabled }]) => [`${kind}_interface`, enabled[0]])),
  firmware_interface: 'no-firmware',
  conductor: 'conductor-1',
  conductor_group: '',
  created_at: '2025-01-01T00:00:00+00:00',
  driver: 'fake-hardware',
  provision_state: 'available',
  traits: [],
};

/** All fields of a node, those included that nobody set. */
export function recordOf(node: StoredNode): Values {
  return { ...defaults, ...node };
}

/** What `GET` gives of a node; `fields` leaves the rest out. */
export function shown(
  node: StoredNode,
  { minor, fields }: { minor: number; fields?: readonly string[] | undefined },
): Values {
  const record = recordOf(node);
  const told: Record<string, unknown> = {
    ...record,
    provision_state: toldState(record['provision_state'] as string, minor),
    driver_info: masked(record['driver_info'] as Values),
    driver_internal_info: masked(record['driver_internal_info'] as Values),
    instance_info: {
      ...masked(record['instance_info'] as Values),
      ...('image_url' in node.instance_info ? { image_url: '******' } : {}),
    },
  };
  const visible = Object.entries(told).filter(
    ([key]) => (sinceMinor[key] ?? 1) <= minor && (fields === undefined || fields.includes(key)),
  );
  return {
    ...Object.fromEntries(visible),
    links: [{ rel: 'self', href: `http://behind-a-proxy/v1/nodes/${node.uuid}` }],
  };
}

function toldState(state: string, minor: number): string | null {
  if (state === 'available' && minor < 2) return null;
  return state === 'inspect wait' && minor < 39 ? 'inspecting' : state;
}

/**
 * The fields that are asked for by name, `undefined` for all. Those that are unknown answer
 * differently to one node and to a list.
 */
export function fieldsOf(call: Call, minor: number, of: 'node' | 'list'): readonly string[] | undefined {
  const given = call.query.get('fields');
  if (given === null) return undefined;
  const fields = given.split(',');
  if (minor < 8) throw refusal(406, 'Request not acceptable.');
  const unknown = fields.find((field) => !(field in defaults) && field !== 'uuid');
  if (unknown !== undefined && of === 'list') throw refusal(500, `type object 'Node' has no attribute '${unknown}'`);
  if (unknown !== undefined || fields.includes('updated_at'))
    throw refusal(400, `Field ${unknown ?? 'updated_at'} is not a valid field.`);
  if (fields.some((field) => (sinceMinor[field] ?? 1) > minor)) throw refusal(406, 'Request not acceptable.');
  return fields;
}

const secretKeys = [
  'admin_pass',
  'adminpass',
  'password',
  'new_pass',
  'auth_token',
  'token',
  'secret',
  'passphrase',
  'private_key',
  'sslkey',
  'encrypted_key',
  'configdrive',
  'sys_pswd',
  'snmp_auth_key',
  'snmp_priv_key',
];
const secretValues = new RegExp(`((?:${secretKeys.join('|')})[0-9]*\\s*=\\s*)[^\\s'"]+`, 'gi');

/**
 * oslo_utils.strutils.mask_dict_password: whole values by their keys, parts of the others; lists
 * are left as they are.
 */
function masked(values: Values): Values {
  const mask = (key: string, value: unknown): unknown => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return masked(value as Values);
    if (secretKeys.some((secret) => key.toLowerCase().includes(secret))) return '******';
    return typeof value === 'string' ? value.replace(secretValues, '$1******') : value;
  };
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, mask(key, value)]));
}
