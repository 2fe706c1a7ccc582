// What must be sent so that a node is as it is wanted, key by key, with nothing that was masked written back.
// The rules of PATCH are Ironic's (api/controllers/v1/node.py, api/controllers/v1/utils.py).
import { isMapping } from '../../core/mapping.js';
import { isSecretKey } from '../../core/masking.js';
import { mergeCapabilities, sameCapabilities } from './capabilities.js';
import { compareValues, isMasked } from './masked-values.js';
import { mappingNames, type MappingName } from './node-fields.js';
import { secretRecordKey } from './secret-records.js';

export type Values = Readonly<Record<string, unknown>>;

export interface DesiredFields {
  /** Attributes as a whole; null resets one. */
  readonly attributes: Values;
  /** Merged key by key; null removes a key. */
  readonly mappings: Readonly<Partial<Record<MappingName, Values>>>;
}

export interface Merging {
  /** The mappings that are to hold what is wanted and nothing else. */
  readonly purge: ReadonlySet<string>;
  /** Whether a secret that cannot be compared is written: never, always, or unless it is known to be the one that was written last. */
  readonly updateSecrets: 'on_create' | 'always' | 'changed';
  /** For `changed`: the fields, such as `driver_info.ipmi_password`, of which that is known. */
  readonly knownSecrets?: ReadonlySet<string>;
}

export interface NodeDifference {
  /** Such as `driver_info.ipmi_address`. */
  readonly field: string;
  /** Undefined where it is absent. */
  readonly before: unknown;
  readonly after: unknown;
}

/** An operation of a JSON Patch. `add` creates or overwrites; what is to be removed has been seen. */
export interface PatchStep {
  readonly op: 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

export interface NodeChange {
  /** The attribute or the mapping that is changed. */
  readonly attribute: string;
  readonly differences: readonly NodeDifference[];
  readonly steps: readonly PatchStep[];
}

export interface NodeChanges {
  readonly changes: readonly NodeChange[];
  /** Secrets that were given and left alone, since nobody can tell whether they differ. */
  readonly unknown: readonly string[];
  readonly faults: readonly string[];
}

/** Compares a node as it is served with what is wanted of it. */
export function nodeChanges(served: Values, desired: DesiredFields, merging: Merging): NodeChanges {
  const attributes = Object.entries(desired.attributes).flatMap(([name, wanted]) =>
    attributeChange(name, served[name], wanted),
  );
  const mappings = mappingNames.flatMap((name) => {
    const wanted = desired.mappings[name] ?? (merging.purge.has(name) ? {} : undefined);
    return wanted === undefined
      ? []
      : [mappingChange(name, isMapping(served[name]) ? served[name] : {}, wanted, merging)];
  });
  return {
    changes: [...attributes, ...mappings.flatMap(({ change }) => (change.steps.length > 0 ? [change] : []))],
    unknown: mappings.flatMap(({ unknown }) => unknown),
    faults: mappings.flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
  };
}

function attributeChange(name: string, served: unknown, wanted: unknown): NodeChange[] {
  const isUnset =
    served === undefined || served === null || served === '' || (isMapping(served) && Object.keys(served).length === 0);
  const before = isUnset ? undefined : served;
  if (wanted === null ? isUnset || served === false : sameAttribute(name, served, wanted)) return [];
  const after = wanted === null ? undefined : wanted;
  const step: PatchStep =
    wanted === null ? { op: 'remove', path: `/${name}` } : { op: 'add', path: `/${name}`, value: wanted };
  return [{ attribute: name, differences: [{ field: name, before, after }], steps: [step] }];
}

function sameAttribute(name: string, served: unknown, wanted: unknown): boolean {
  // Ironic stores groups in lower case.
  if (name === 'conductor_group') return String(served ?? '').toLowerCase() === String(wanted).toLowerCase();
  if (wanted === false && (served === undefined || served === null)) return name !== 'automated_clean';
  return compareValues(served, wanted) === 'same';
}

interface MappingChange {
  readonly change: NodeChange;
  readonly unknown: readonly string[];
  readonly fault: string | undefined;
}

function mappingChange(name: MappingName, served: Values, wanted: Values, merging: Merging): MappingChange {
  const unknown: string[] = [];
  const replace = merging.purge.has(name);
  const differences: NodeDifference[] = [];
  const note = (key: string, after: unknown): void => {
    const before = Object.hasOwn(served, key) ? served[key] : undefined;
    if (before === undefined && after === undefined) return;
    differences.push({ field: `${name}.${key}`, before, after });
  };
  for (const [key, value] of Object.entries(wanted)) {
    if (value === null) note(key, undefined);
    else if (name === 'properties' && key === 'capabilities') {
      const before = String(served.capabilities ?? '');
      const after = mergeCapabilities(before, value as string | Values, replace);
      if (!sameCapabilities(before, after ?? '')) note(key, after);
    } else {
      const found = Object.hasOwn(served, key)
        ? compareValues(served[key], value, { types: name !== 'extra' })
        : 'different';
      if (found === 'unknown' && merging.knownSecrets?.has(`${name}.${key}`)) continue;
      if (found === 'unknown' && merging.updateSecrets === 'on_create') unknown.push(`${name}.${key}`);
      else if (found !== 'same') note(key, value);
    }
  }
  if (replace)
    for (const key of Object.keys(served))
      if (!Object.hasOwn(wanted, key) && !(name === 'extra' && key === secretRecordKey)) note(key, undefined);
  const { steps, fault } = stepsFor({ name, served, wanted }, differences);
  return { change: { attribute: name, differences, steps }, unknown, fault };
}

/** Ironic takes single keys of these characters only; for any other the mapping is written as a whole. */
const patchableKey = /^[\w-]+$/;

function stepsFor(
  { name, served, wanted }: { name: MappingName; served: Values; wanted: Values },
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
    Object.entries(served).map(([key, value]) => [key, isMasked(value) ? (wanted[key] ?? value) : value]),
  );
  for (const { key, after } of changed) {
    if (after === undefined) whole.delete(key);
    else whole.set(key, after);
  }
  const hidden = [...whole].find(([, value]) => isMasked(value));
  const rounded = [...whole].find(([key, value]) => !Object.hasOwn(wanted, key) && isRounded(value));
  if (rounded !== undefined)
    return {
      steps: [],
      fault: `${name}: the key ${JSON.stringify(odd.key)} can only be written together with all others, and ${rounded[0]} has a number of more digits than can be kept: give its value too, in quotes`,
    };
  if (hidden === undefined) return { steps: [{ op: 'add', path: `/${name}`, value: Object.fromEntries(whole) }] };
  const fault = `${name}: the key ${JSON.stringify(odd.key)} can only be written together with all others, and ${hidden[0]} is not known, since Ironic masks it: give its value too`;
  return { steps: [], fault };
}

/** Whether a number was read that has more digits than JavaScript keeps. */
function isRounded(value: unknown): boolean {
  if (typeof value === 'number')
    return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  return typeof value === 'object' && value !== null && Object.values(value).some(isRounded);
}

/** The changes that a node does not show yet: a desired value that is missing, or a value to be removed that is still there. */
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

/** A value as it may be shown: what its key's name says is secret, and what Ironic masked, is not. */
export function shownValue(field: string, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (field.split('.').some(isSecretKey)) return shownSecret;
  if (Array.isArray(value)) return value.map((element) => shownValue('', element));
  if (isMapping(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shownValue(key, inner)]));
  return value;
}
