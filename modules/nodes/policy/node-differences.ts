// The changes that bring a node to its desired state, key by key, without writing masked values
// back. The rules of PATCH are Ironic's (api/controllers/v1/node.py, api/controllers/v1/utils.py).
import { isMapping } from '../../core/mapping.js';
import { isSecretKey } from '../../core/masking.js';
import { mergeCapabilities, sameCapabilities } from './capabilities.js';
import { compareValues, isMasked } from './masked-values.js';
import { mappingNames, type MappingName } from './node-fields.js';
import { secretRecordKey } from './secret-records.js';

export type Values = Readonly<Record<string, unknown>>;

export interface DesiredFields {
  /** Each replaced as a whole; null resets an attribute. */
  readonly attributes: Values;
  /** Merged key by key; null removes a key. */
  readonly mappings: Readonly<Partial<Record<MappingName, Values>>>;
}

export interface Merging {
  /** The mappings that get exactly the desired keys. */
  readonly purge: ReadonlySet<string>;
  /**
   * Whether a secret that cannot be compared is written: never, always, or unless it is known to be
   * the last one written.
   */
  readonly updateSecrets: 'on_create' | 'always' | 'changed';
  /** For `changed`: the fields for which that is known, such as `driver_info.ipmi_password`. */
  readonly knownSecrets?: ReadonlySet<string>;
  /** Whether secrets of driver_info are written even by `on_create`. */
  readonly writesDriverSecrets?: boolean;
}

export interface NodeDifference {
  /** Such as `driver_info.ipmi_address`. */
  readonly field: string;
  /** Undefined if it is absent. */
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * An operation of a JSON Patch. `add` creates or overwrites; `remove` is used only for what exists.
 */
export interface PatchStep {
  readonly op: 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

export interface NodeChange {
  /** The attribute or mapping that changes. */
  readonly attribute: string;
  readonly differences: readonly NodeDifference[];
  readonly steps: readonly PatchStep[];
}

export interface NodeChanges {
  readonly changes: readonly NodeChange[];
  /** Secrets that were given and left as they are, since they cannot be compared. */
  readonly unknown: readonly string[];
  readonly faults: readonly string[];
}

/** Compares a node as it is served with its desired state. */
export function nodeChanges(served: Values, fields: DesiredFields, merging: Merging): NodeChanges {
  const attributes = Object.entries(fields.attributes).flatMap(([name, desired]) =>
    attributeChange(name, served[name], desired),
  );
  const mappings = mappingNames.flatMap((name) => {
    const desired = fields.mappings[name] ?? (merging.purge.has(name) ? {} : undefined);
    return desired === undefined
      ? []
      : [mappingChange(name, isMapping(served[name]) ? served[name] : {}, desired, merging)];
  });
  return {
    changes: [...attributes, ...mappings.flatMap(({ change }) => (change.steps.length > 0 ? [change] : []))],
    unknown: mappings.flatMap(({ unknown }) => unknown),
    faults: mappings.flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
  };
}

function attributeChange(name: string, served: unknown, desired: unknown): NodeChange[] {
  const isUnset =
    served === undefined || served === null || served === '' || (isMapping(served) && Object.keys(served).length === 0);
  const before = isUnset ? undefined : served;
  if (desired === null ? isUnset || served === false : sameAttribute(name, served, desired)) return [];
  const after = desired === null ? undefined : desired;
  const step: PatchStep =
    desired === null ? { op: 'remove', path: `/${name}` } : { op: 'add', path: `/${name}`, value: desired };
  return [{ attribute: name, differences: [{ field: name, before, after }], steps: [step] }];
}

function sameAttribute(name: string, served: unknown, desired: unknown): boolean {
  // Ironic stores groups in lower case.
  if (name === 'conductor_group') return String(served ?? '').toLowerCase() === String(desired).toLowerCase();
  if (desired === false && (served === undefined || served === null)) return name !== 'automated_clean';
  return compareValues(served, desired) === 'same';
}

interface MappingChange {
  readonly change: NodeChange;
  readonly unknown: readonly string[];
  readonly fault: string | undefined;
}

function mappingChange(name: MappingName, served: Values, desired: Values, merging: Merging): MappingChange {
  const unknown: string[] = [];
  const replace = merging.purge.has(name);
  const differences: NodeDifference[] = [];
  const note = (key: string, after: unknown): void => {
    const before = Object.hasOwn(served, key) ? served[key] : undefined;
    if (before === undefined && after === undefined) return;
    differences.push({ field: `${name}.${key}`, before, after });
  };
  for (const [key, value] of Object.entries(desired)) {
    if (value === null) note(key, undefined);
    else if (name === 'properties' && key === 'capabilities') {
      const before = String(served.capabilities ?? '');
      const given = typeof value === 'string' || isMapping(value) ? value : {};
      const after = mergeCapabilities(before, given, replace);
      if (!sameCapabilities(before, after ?? '')) note(key, after);
    } else {
      const found = Object.hasOwn(served, key)
        ? compareValues(served[key], value, { types: name !== 'extra' })
        : 'different';
      if (found === 'unknown' && merging.knownSecrets?.has(`${name}.${key}`)) continue;
      // What a listing of nodes shows instead of a password is not one.
      const isWritten =
        merging.updateSecrets !== 'on_create' ||
        (name === 'driver_info' && merging.writesDriverSecrets === true && !isMasked(value));
      if (found === 'unknown' && !isWritten) unknown.push(`${name}.${key}`);
      else if (found !== 'same') note(key, value);
    }
  }
  if (replace)
    for (const key of Object.keys(served))
      if (!Object.hasOwn(desired, key) && !(name === 'extra' && key === secretRecordKey)) note(key, undefined);
  const { steps, fault } = stepsFor({ name, served, desired }, differences);
  return { change: { attribute: name, differences, steps }, unknown, fault };
}

/**
 * Ironic accepts single keys of these characters only; for any other key the mapping is written as
 * a whole.
 */
const patchableKey = /^[\w-]+$/;

function stepsFor(
  { name, served, desired }: { name: MappingName; served: Values; desired: Values },
  differences: readonly NodeDifference[],
): { steps: PatchStep[]; fault?: string } {
  const changed = differences.map(({ field, after }) => ({ key: field.slice(name.length + 1), after }));
  const odd = changed.find(({ key }) => !patchableKey.test(key));
  if (odd === undefined) {
    return {
      steps: changed.map(({ key, after }) =>
        after === undefined
          ? { op: 'remove', path: `/${name}/${key}` }
          : { op: 'add', path: `/${name}/${key}`, value: after },
      ),
    };
  }
  const whole = new Map<string, unknown>(
    Object.entries(served).map(([key, value]) => [key, isMasked(value) ? (desired[key] ?? value) : value]),
  );
  for (const { key, after } of changed) {
    if (after === undefined) whole.delete(key);
    else whole.set(key, after);
  }
  const hidden = [...whole].find(([, value]) => isMasked(value));
  const rounded = [...whole].find(([key, value]) => !Object.hasOwn(desired, key) && isRounded(value));
  if (rounded !== undefined)
    return {
      steps: [],
      fault:
        `${name}: the key ${JSON.stringify(odd.key)} can only be written together with all other keys, and ` +
        `${rounded[0]} has a number with more digits than can be kept: give its value too, in quotes`,
    };
  if (hidden === undefined) return { steps: [{ op: 'add', path: `/${name}`, value: Object.fromEntries(whole) }] };
  const fault =
    `${name}: the key ${JSON.stringify(odd.key)} can only be written together with all other keys, and the value ` +
    `of ${hidden[0]} is unknown, since Ironic masks it: give its value too`;
  return { steps: [], fault };
}

/** Whether the value contains a number with more digits than JavaScript keeps. */
function isRounded(value: unknown): boolean {
  if (typeof value === 'number')
    return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  return typeof value === 'object' && value !== null && Object.values(value).some(isRounded);
}

/**
 * The changes that a node does not show yet: a desired value that is missing, or a value to be
 * removed that is still there.
 */
export function missingChanges(served: Values, changes: readonly NodeChange[]): NodeChange[] {
  const valueAt = (path: string): unknown =>
    path
      .split('/')
      .slice(1)
      .reduce<unknown>((inner, key) => (isMapping(inner) ? inner[key] : undefined), served);
  const isMade = ({ path, value, op }: PatchStep): boolean =>
    op === 'remove'
      ? (valueAt(path) ?? undefined) === undefined
      : JSON.stringify(valueAt(path)) === JSON.stringify(value);
  return changes
    .map((change) => ({ ...change, steps: change.steps.filter((step) => !isMade(step)) }))
    .filter(({ steps }) => steps.length > 0);
}

const shownSecret = '********';

/**
 * A value as it may be shown: without secrets, by the names of their keys, and without what Ironic
 * has masked.
 */
export function shownValue(field: string, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (field.split('.').some(isSecretKey)) return shownSecret;
  if (Array.isArray(value)) return value.map((element) => shownValue('', element));
  if (isMapping(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shownValue(key, inner)]));
  return value;
}
