// Properties of images as operators give them: which names are allowed, how lines of values are
// read, and what to change.
import { isUuid } from '../../core/uuid.js';
import { imageAttributes } from '../../core/image-attributes.js';
import { isReceiving } from './site-image.js';

/**
 * The properties that one image is to have: a value for each name, or undefined to remove the
 * property.
 */
export type DesiredProperties = ReadonlyMap<string, string | undefined>;

export interface PropertyDifference {
  readonly name: string;
  /** Absent if the image does not have the property. */
  readonly before?: string;
  /** Absent if the property is to be removed. */
  readonly after?: string;
}

/** What has to change, in the order of the desired properties. */
export function differencesBetween(
  present: Readonly<Record<string, string>>,
  desired: DesiredProperties,
): PropertyDifference[] {
  return [...desired].flatMap(([name, after]) => {
    const before = Object.hasOwn(present, name) ? present[name] : undefined;
    if (before === after) return [];
    return [{ name, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
  });
}

/** The names for which two requests for one image have different values. */
export function conflictingNames(one: DesiredProperties, other: DesiredProperties): string[] {
  return [...other].filter(([name, value]) => one.has(name) && one.get(name) !== value).map(([name]) => name);
}

/** Why an image with this status cannot be changed now; undefined if it can. */
export function changeObstacle(status: string): string | undefined {
  return isReceiving({ status })
    ? `its data are still being uploaded (status ${status}), and Glance would lose the change; ` +
        'run again when the image is active'
    : undefined;
}

/** The decision about one image. */
export interface PropertyChange {
  readonly action: 'up_to_date' | 'change' | 'failed';
  readonly reason: string;
  readonly differences: readonly PropertyDifference[];
}

export function planPropertyChange(
  image: { readonly status: string; readonly properties: Readonly<Record<string, string>> },
  desired: DesiredProperties,
): PropertyChange {
  const differences = differencesBetween(image.properties, desired);
  if (differences.length === 0) return { action: 'up_to_date', reason: 'nothing differs', differences };
  const obstacle = changeObstacle(image.status);
  if (obstacle !== undefined) return { action: 'failed', reason: obstacle, differences };
  return { action: 'change', reason: differences.map(describeDifference).join(', '), differences };
}

function describeDifference({ name, before, after }: PropertyDifference): string {
  if (after === undefined) return `${name}: removed, was ${quote(before ?? '')}`;
  return before === undefined
    ? `${name}: set to ${quote(after)}`
    : `${name}: set to ${quote(after)}, was ${quote(before)}`;
}

const maxNameLength = 255;

/**
 * Why a property of this name may not be set or removed; undefined if it may. Case is ignored, as
 * the databases of Glance treat `Name` and `name` as equal. `current` and `build-*` may be set,
 * because there is no other way to correct them.
 */
export function propertyRefusal(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (name === '') return 'a property needs a name';
  if (imageAttributes.has(lower)) return 'it is an attribute of Glance, not a property';
  if (lower.startsWith('image_tools_'))
    return (
      'these tools identify their images by this marker, and with another value would mistake the image for a ' +
      'different one'
    );
  if (lower.startsWith('os_glance')) return 'Glance reserves such names';
  if (name !== name.trim()) return 'it begins or ends with a space';
  if (name.length > maxNameLength) return `it is longer than ${maxNameLength} characters`;
  return hasControlCharacter(name) ? 'it contains control characters' : undefined;
}

export interface Assignment {
  /** Counted from 1. */
  readonly line: number;
  readonly id: string;
  readonly value: string;
}

export interface Assignments {
  readonly assignments: readonly Assignment[];
  readonly faults: readonly { readonly line: number; readonly text: string }[];
}

/**
 * Reads lines `UUID:value`. Blank lines and those that begin with `#` are ignored; the value is
 * everything after the first colon, including colons and `#`, without surrounding spaces. Each
 * invalid line is a fault.
 */
export function parseAssignments(text: string): Assignments {
  const assignments: Assignment[] = [];
  const faults: { line: number; text: string }[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const colon = content.indexOf(':');
    const assignment = { line: index + 1, id: content.slice(0, colon).trim(), value: content.slice(colon + 1).trim() };
    const fault = colon === -1 ? `${quote(content)} has no colon` : faultOf(assignment);
    if (fault === undefined) assignments.push(assignment);
    else faults.push({ line: assignment.line, text: `${fault}: each line must be UUID:value` });
  }
  return { assignments, faults };
}

function faultOf({ id, value }: Assignment): string | undefined {
  if (!isUuid(id)) return `${quote(id)} is not the id of an image`;
  if (value === '') return `no value is given for image ${id}`;
  return hasControlCharacter(value) ? `the value for image ${id} contains control characters` : undefined;
}

export function hasControlCharacter(text: string): boolean {
  return /[\u0000-\u001f\u007f-\u009f]/.test(text);
}

/** Text as messages show it: quoted, with control characters escaped, and shortened. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length > 80 ? `${quoted.slice(0, 77)}…"` : quoted;
}
