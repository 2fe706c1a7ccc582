// What the port groups (bonds) of a node should look like, read from what people write:
// `portgroups:` of `openstack baremetal create` and of Bifrost.
import { isMapping } from '../../core/mapping.js';
import { isUuid } from '../../core/uuid.js';
import { suggestion } from '../../core/validation.js';
import { addressFault, fieldPath, normaliseMac, parseValue, quoted, type Fault, type Parsed } from './field-values.js';
import type { Values } from './node-differences.js';
import { portGroupAttributes } from './node-fields.js';
import { compareValues } from './masked-values.js';
import { parsePort, type DesiredPort, type PortChange } from './desired-port.js';

export interface DesiredPortGroup {
  readonly uuid?: string;
  /**
   * Those of the API, including name and MAC address. `extra` and `properties` are merged by key;
   * null resets an attribute.
   */
  readonly attributes: Values;
}

/** The desired port groups and the ports listed within them. */
export interface GroupedPorts {
  readonly groups: readonly DesiredPortGroup[];
  readonly ports: readonly DesiredPort[];
}

/** Reads the list of a node's port groups. */
export function parsePortGroups(given: unknown, field: string): Parsed<GroupedPorts> {
  if (!Array.isArray(given)) return { desired: undefined, faults: [{ field, text: 'it must be a list' }] };
  const faults: Fault[] = [];
  const groups: DesiredPortGroup[] = [];
  const ports: DesiredPort[] = [];
  given.forEach((element: unknown, index) => {
    const place = `${field}[${index}]`;
    const parsed = parseGroup(element, place);
    faults.push(...parsed.faults);
    const own = parseMembers(element, fieldPath(place, 'ports'));
    faults.push(...own.faults);
    if (!parsed.desired) return;
    ports.push(...(own.desired ?? []).map((port) => ({ ...port, group: groups.length })));
    groups.push(parsed.desired);
  });
  for (const key of ['name', 'address'] as const) {
    const values = groups.map(({ attributes }) => attributes[key]).filter((value) => typeof value === 'string');
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) faults.push({ field, text: `two port groups have the ${key} ${twice}` });
  }
  return { desired: faults.length > 0 ? undefined : { groups, ports }, faults };
}

const portGroupKeys = [...Object.keys(portGroupAttributes), 'ports', 'uuid'];

function parseGroup(given: unknown, field: string): Parsed<DesiredPortGroup> {
  if (!isMapping(given)) return { desired: undefined, faults: [{ field, text: 'a port group must be a mapping' }] };
  const faults: Fault[] = [];
  const attributes: Record<string, unknown> = {};
  for (const [spelling, value] of Object.entries(given)) {
    const key = spelling === 'mac' ? 'address' : spelling;
    if (key === 'ports' || key === 'uuid') continue;
    const rule = portGroupAttributes[key];
    const parsed = rule
      ? parseValue(rule.kind, value, fieldPath(field, spelling))
      : {
          value,
          faults: [
            {
              field: fieldPath(field, spelling),
              text: `port groups have no such field${suggestion(key, portGroupKeys)}`,
            },
          ],
        };
    faults.push(...parsed.faults);
    attributes[key] = parsed.value;
  }
  const { uuid } = given;
  if (uuid !== undefined && !(typeof uuid === 'string' && isUuid(uuid)))
    faults.push({ field: fieldPath(field, 'uuid'), text: `${quoted(uuid)} is not a UUID` });
  const { address, name } = attributes;
  const mac = typeof address === 'string' ? normaliseMac(address) : undefined;
  if (mac !== undefined) attributes.address = mac;
  else if (address !== undefined && address !== null)
    faults.push({ field: fieldPath(field, 'address'), text: addressFault(given.address ?? given.mac) });
  if (typeof name === 'string' && (isUuid(name) || !/^[A-Za-z0-9._~-]{1,255}$/.test(name)))
    faults.push({
      field: fieldPath(field, 'name'),
      text:
        `${quoted(name)} cannot be the name of a port group: a name has up to 255 letters, digits and -._~, and is ` +
        'not a UUID',
    });
  if (uuid === undefined && typeof name !== 'string' && mac === undefined && faults.length === 0)
    faults.push({ field, text: 'a port group needs a name, an address or a uuid, to be found by' });
  if (attributes.mode === null) faults.push({ field: fieldPath(field, 'mode'), text: 'Ironic cannot remove it' });
  return {
    desired:
      faults.length > 0 ? undefined : { attributes, ...(typeof uuid === 'string' ? { uuid: uuid.toLowerCase() } : {}) },
    faults,
  };
}

function parseMembers(given: unknown, field: string): Parsed<readonly DesiredPort[]> {
  const members = isMapping(given) ? given.ports : undefined;
  if (members === undefined || members === null) return { desired: [], faults: [] };
  if (!Array.isArray(members)) return { desired: undefined, faults: [{ field, text: 'it must be a list' }] };
  const parsed = members.map((port: unknown, index) => parsePort(port, `${field}[${index}]`));
  return {
    desired: parsed.flatMap(({ desired }) => (desired ? [desired] : [])),
    faults: parsed.flatMap(({ faults }) => faults),
  };
}

/** What a port group is called in messages. */
export function portGroupTitle({ uuid, attributes }: DesiredPortGroup): string {
  return String(attributes.name ?? attributes.address ?? uuid);
}

/**
 * The changes that bring a port group to its desired state. `extra` and `properties` are merged by
 * key and written as a whole, since nothing in them is masked.
 */
export function portGroupChanges(served: Values, { attributes }: DesiredPortGroup): PortChange[] {
  return Object.entries(attributes).flatMap(([attribute, target]): PortChange[] => {
    const before = served[attribute] ?? undefined;
    const path = `/${attribute}`;
    if (isMapping(target)) {
      const after = Object.fromEntries(
        Object.entries({ ...(isMapping(before) ? before : {}), ...target }).filter(([, value]) => value !== null),
      );
      return compareValues(before ?? {}, after) === 'same'
        ? []
        : [{ attribute, before, after, steps: [{ op: 'add', path, value: after }] }];
    }
    if (target === null)
      return before === undefined || (isMapping(before) && Object.keys(before).length === 0)
        ? []
        : [{ attribute, before, after: undefined, steps: [{ op: 'remove', path }] }];
    return compareValues(before, target, { types: true }) === 'same'
      ? []
      : [{ attribute, before, after: target, steps: [{ op: 'add', path, value: target }] }];
  });
}
