// The values that Ironic's double takes for a node (ironic/api/controllers/v1/node.py).

import { booleanOf, inPython, isUuid, refusal } from './ironic-api.js';
import { driverNames } from './ironic-drivers.js';
import { defaults, interfaces } from './ironic-node.js';
import type { Values } from './ironic-node.js';

export const interfaceFields = Object.keys(interfaces).map((kind) => `${kind}_interface`);
export const texts = [
  'chassis_uuid',
  'conductor_group',
  'description',
  'driver',
  'instance_uuid',
  'lessee',
  'name',
  'owner',
  'protected_reason',
  'resource_class',
  'retired_reason',
  'shard',
  'parent_node',
  'instance_name',
];
export const objects = ['driver_info', 'extra', 'instance_info', 'network_data', 'properties'];
export const booleans = ['automated_clean', 'maintenance', 'protected', 'retired', 'disable_power_off'];

/** Types of values; booleans may be words. Nothing, where that is allowed, empties a mapping. */
export function checked(record: Values, what: 'node' | 'patch'): Record<string, unknown> {
  const result: Record<string, unknown> = { ...record };
  const refuse = (text: string): never => {
    throw refusal(400, `Schema error for ${what}: ${text}`);
  };
  if (!('driver' in record)) refuse("'driver' is a required property");
  for (const field of [...texts, ...interfaceFields]) {
    const value = record[field];
    const isNothing = value === null && field !== 'driver';
    if (value !== undefined && typeof value !== 'string' && !isNothing)
      refuse(`${inPython(value)} is not of type 'string'${field === 'driver' ? '' : ", 'null'"}`);
  }
  for (const field of objects) {
    const value = record[field];
    if (value === null) result[field] = {};
    if (value !== undefined && (typeof value !== 'object' || Array.isArray(value)))
      refuse(`${inPython(value)} is not of type 'object', 'null'`);
  }
  for (const field of booleans) {
    const value = record[field];
    if (value === null && field === 'maintenance') throw refusal(500, "Field `maintenance' cannot be None");
    if (value !== undefined && value !== null) result[field] = booleanOf(field, value);
  }
  for (const field of ['uuid', 'instance_uuid'])
    if (record[field] !== undefined && record[field] !== null && !isUuid(record[field]))
      throw refusal(400, `Expected UUID for ${field}: ${String(record[field])}`);
  return result;
}

/** What becomes of a field that is removed. */
export function removed(field: string): unknown {
  const failures: Readonly<Record<string, string>> = {
    maintenance: "Field `maintenance' cannot be None",
    conductor_group: "'conductor_group'",
    automated_clean: "'value'",
  };
  if (failures[field] !== undefined) throw refusal(500, failures[field]);
  if (field === 'retired' || field.endsWith('_interface')) return null;
  return structuredClone(defaults[field]);
}

export function checkName(name: unknown, message: string): void {
  const reserved = ['maintenance', 'management', 'states', 'vendor_passthru', 'detail', 'validate'];
  if (reserved.includes(name as string))
    throw refusal(
      400,
      `The word "${String(name)}" is reserved and can not be used as a node name. Reserved words are: ` +
        `${reserved.join(', ')}.`,
    );
  if (typeof name !== 'string' || !/^[\w.~-]{1,255}$/.test(name) || isUuid(name)) throw refusal(400, message);
}

export function checkConductor({ driver, conductor_group: group }: Values): void {
  const name = typeof group === 'string' ? group.toLowerCase() : '';
  if (driverNames.includes(driver as string) && ['', 'slow'].includes(name)) return;
  throw refusal(
    400,
    `No valid host was found. Reason: No conductor service registered which supports driver ${String(driver)} ` +
      `for conductor group "${name}".`,
  );
}

/**
 * The interfaces of a node, those that are null by their defaults. Throws where the driver has no
 * such one.
 */
export function interfacesOf(record: Values, resets: Values): Values {
  const { driver } = record;
  const choose = ([kind, { enabled, ipmi }]: [string, { enabled: readonly string[]; ipmi: readonly string[] }]): [
    string,
    unknown,
  ] => {
    const field = `${kind}_interface`;
    const usable = driver === 'ipmi' ? ipmi : enabled;
    const wanted = (field in resets ? resets[field] : record[field]) as string | null | undefined;
    if (typeof wanted !== 'string') return [field, usable[0]];
    const valid = [...enabled]
      .sort()
      .map((name) => `'${name}'`)
      .join(', ');
    if (!enabled.includes(wanted))
      throw refusal(
        400,
        `Could not find the following interface in the 'ironic.hardware.interfaces.${kind}' entrypoint: ` +
          `${wanted}. Valid interfaces are [${valid}].`,
      );
    if (!usable.includes(wanted))
      throw refusal(
        400,
        `${kind} interface implementation '<${wanted}>' is not supported by hardware type IPMIHardware.`,
      );
    return [field, wanted];
  };
  return Object.fromEntries(Object.entries(interfaces).map(choose));
}
