// Which hosts a reservation of Blazar's double may have: its requirements, as
// blazar/utils/plugins.py reads them.

import type { StoredHost } from './blazar.js';
import { Refusal } from './http-double.js';

/** Property, operator, value. */
export type Requirement = readonly [property: string, operator: string, value: string];

/**
 * `convert_requirements`: `["==", "$node_type", "T"]`, or several behind `"and"`; nothing where it
 * is empty. Operators that compare by order are not supported.
 */
export function requirementsOf(given: unknown): Requirement[] {
  if (given === null || given === '') return [];
  const parsed = typeof given === 'string' ? parsedOf(given) : given;
  if (!Array.isArray(parsed)) throw malformed(given);
  if (parsed.length === 0) return [];
  if (parsed[0] === 'and' && parsed.length > 1) return parsed.slice(1).flatMap(requirementsOf);
  const [operator, property, value, ...rest] = parsed as unknown[];
  const isKnown = ['==', '=', '!='].includes(String(operator));
  if (
    !isKnown ||
    typeof property !== 'string' ||
    !/^\$./.test(property) ||
    typeof value !== 'string' ||
    value === '' ||
    rest.length > 0
  )
    throw malformed(given);
  return [[property.slice(1), String(operator), value]];
}

/**
 * `_matching_hosts`, for an admin whom `reservable` does not bind; `uid` is Chameleon's name of the
 * node's UUID.
 */
export function isAllocatable(host: StoredHost, requirements: readonly Requirement[]): boolean {
  const values: Readonly<Record<string, string>> = {
    ...host,
    uid: host.hypervisor_hostname,
    reservable: String(host.reservable),
  };
  return requirements.every(([property, operator, wanted]) => {
    const value = values[property];
    return value !== undefined && (operator === '!=' ? value !== wanted : value === wanted);
  });
}

function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw malformed(text);
  }
}

function malformed(given: unknown): Refusal {
  return new Refusal({
    status: 400,
    body: { error_code: 400, error_message: `Malformed requirements ${String(given)}`, error_name: 400 },
  });
}
