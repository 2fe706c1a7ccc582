// Properties of images as operators give them: which names may be used, what a list of values says, what differs. No I/O, no clock.
import { isUuid } from '../../core/uuid.js';
import { imageAttributes } from '../../core/image-attributes.js';
import { isReceiving } from './site-image.js';

/** What is wanted of one image: a text to set for each name, or undefined where the property is to be gone. */
export type DesiredProperties = ReadonlyMap<string, string | undefined>;

export interface PropertyDifference {
  readonly name: string;
  /** Absent where the image has no such property. */
  readonly before?: string;
  /** Absent where the property is to be removed. */
  readonly after?: string;
}

/** What must change so that the wishes hold, in their order. Nothing where they hold already. */
export function differencesBetween(
  present: Readonly<Record<string, string>>,
  wishes: DesiredProperties,
): PropertyDifference[] {
  return [...wishes].flatMap(([name, after]) => {
    const before = Object.hasOwn(present, name) ? present[name] : undefined;
    if (before === after) return [];
    return [{ name, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
  });
}

/** The names on which two wishes for one image disagree. */
export function conflictingNames(one: DesiredProperties, other: DesiredProperties): string[] {
  return [...other].filter(([name, value]) => one.has(name) && one.get(name) !== value).map(([name]) => name);
}

/** Why an image of this status cannot be changed at present; undefined where it can. */
export function changeObstacle(status: string): string | undefined {
  return isReceiving({ status })
    ? `its data are still arriving (status ${status}), and Glance would forget the change; run it again when the image is active`
    : undefined;
}

const longestName = 255;

/**
 * Why a property of this name may not be set or removed; undefined where it may. Case does not count: the databases under Glance
 * take `Name` and `name` for the same. `current` and `build-*` may be set, since nobody else can mend them.
 */
export function propertyRefusal(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (name === '') return 'a property needs a name';
  if (imageAttributes.has(lower)) return "it is an attribute of Glance's own, not a property";
  if (lower.startsWith('image_tools_'))
    return 'it is a mark by which these tools know their images: with another value an image would be taken for what it is not';
  if (lower.startsWith('os_glance')) return 'Glance keeps such names for itself';
  if (name !== name.trim()) return 'it begins or ends with a space';
  if (name.length > longestName) return `it is longer than ${longestName} characters`;
  return hasControlCharacter(name) ? 'it has control characters in it' : undefined;
}

export interface Assignment {
  /** Counted from 1, as editors do. */
  readonly line: number;
  readonly id: string;
  readonly value: string;
}

export interface Assignments {
  readonly assignments: readonly Assignment[];
  readonly faults: readonly { readonly line: number; readonly text: string }[];
}

/**
 * Reads lines `UUID:value`. Blank lines and those that begin with `#` mean nothing; what comes after the first colon is the value,
 * colons and `#` included, without the spaces around it. Every line that cannot be read is a fault of its own.
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
    else faults.push({ line: assignment.line, text: `${fault}: a line is UUID:value` });
  }
  return { assignments, faults };
}

function faultOf({ id, value }: Assignment): string | undefined {
  if (!isImageId(id)) return `${quote(id)} is not the id of an image`;
  if (value === '') return `image ${id} is given no value`;
  return hasControlCharacter(value) ? `the value for image ${id} has control characters in it` : undefined;
}

/** True for text in the shape of an image's id; Glance takes no other ids. */
export function isImageId(text: string): boolean {
  return isUuid(text);
}

function hasControlCharacter(text: string): boolean {
  return /[\u0000-\u001f\u007f-\u009f]/.test(text);
}

/** Text as messages show it: in quotes, control characters spelt out, and not too long. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length > 80 ? `${quoted.slice(0, 77)}…"` : quoted;
}
