// The values that Ironic's double takes for a port (ironic/api/controllers/v1/port.py).

import { booleanOf, inPython, isUuid, refusal } from './ironic-api.js';
import type { Values } from './ironic-node.js';

/** Only the form with colons is taken. */
export function macOf(text: unknown): string {
  if (typeof text !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw refusal(400, `Expected valid MAC address for address: ${String(text)}`);
  return text.toLowerCase();
}

export function checked(given: Values, what: 'port' | 'patch'): Values {
  const { extra, local_link_connection: link, physical_network: network, node_uuid: owner } = given;
  if (extra !== undefined && extra !== null && (typeof extra !== 'object' || Array.isArray(extra)))
    throw refusal(400, `Schema error for ${what}: ${inPython(extra)} is not of type 'object', 'null'`);
  if (!isUuid(owner)) throw refusal(400, `Expected UUID for node_uuid: ${String(owner)}`);
  if (network === '') throw refusal(400, 'A non-empty value is required when setting physical_network');
  const flags = ['pxe_enabled', 'is_smartnic'].flatMap((field) =>
    given[field] === undefined ? [] : [[field, booleanOf(field, given[field])]],
  );
  return {
    ...given,
    ...Object.fromEntries(flags),
    address: macOf(given['address']),
    ...(extra === null ? { extra: {} } : {}),
    ...(link === undefined ? {} : { local_link_connection: linkOf(link) }),
  };
}

const linkKeys = ['port_id', 'switch_id', 'switch_info', 'hostname', 'network_type'];

/** Empty, or with the port and who has it, or unmanaged; validated as a whole. */
function linkOf(link: unknown): Values {
  const values = (link ?? {}) as Values;
  const strange = Object.keys(values).find((key) => !linkKeys.includes(key));
  const refuse = (cause: string): never => {
    throw refusal(
      400,
      `Schema error for local_link_connection: ${inPython(values)} is not valid under any of the given schemas. ` +
        `Possible root cause: ${cause}`,
    );
  };
  if (strange !== undefined) refuse(`Additional properties are not allowed ('${strange}' was unexpected)`);
  if (Object.keys(values).length === 0 || values['network_type'] === 'unmanaged') return values;
  if (values['port_id'] === undefined) refuse("'port_id' is a required property");
  const { switch_id: switchId, hostname } = values;
  if (switchId === undefined && hostname === undefined) refuse("'switch_id' is a required property");
  if (switchId === undefined) return values;
  if (!/^(?:[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{16})$/i.test(String(switchId)))
    throw refusal(400, `Expected a MAC address or OpenFlow datapath ID but received ${String(switchId)}.`);
  return { ...values, switch_id: String(switchId).toLowerCase() };
}
