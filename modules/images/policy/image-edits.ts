// Changes to one image as data: what they make of the image, and what would undo them.
import type { SiteImage } from './site-image.js';

/** One operation of a request that changes an image; `add` overwrites. */
export interface ImageEdit {
  readonly op: 'add' | 'replace' | 'remove';
  readonly attribute: string;
  readonly value?: EditValue;
}

/** Tags are a set: their order does not count. */
export type EditValue = string | boolean | number | readonly string[];

/** The attributes of Glance that edits may change; everything else is a property. */
const attributes = ['name', 'visibility', 'os_hidden', 'protected', 'min_disk', 'min_ram', 'tags'] as const;
type Attribute = (typeof attributes)[number];

function isAttribute(name: string): name is Attribute {
  return (attributes as readonly string[]).includes(name);
}

/**
 * The edits that give an image these attributes and properties; undefined removes a property. What
 * the image already has is left out.
 */
export function editsToward(image: SiteImage, desired: Readonly<Record<string, EditValue | undefined>>): ImageEdit[] {
  return Object.entries(desired).flatMap(([attribute, value]): ImageEdit[] => {
    if (isSameValue(valueIn(image, attribute), value)) return [];
    if (value === undefined) return [{ op: 'remove', attribute }];
    return [{ op: isAttribute(attribute) ? 'replace' : 'add', attribute, value }];
  });
}

/** The edits that undo others. */
export function inverseEdits(image: SiteImage, edits: readonly ImageEdit[]): ImageEdit[] {
  const before = Object.fromEntries(edits.map(({ attribute }) => [attribute, valueIn(image, attribute)]));
  return editsToward(withEdits(image, edits), before);
}

/** The image after the edits. */
export function withEdits<I extends SiteImage>(image: I, edits: readonly ImageEdit[]): I {
  const properties = new Map(Object.entries(image.properties));
  const changed: Record<string, unknown> = {};
  for (const { op, attribute, value } of edits) {
    if (isAttribute(attribute)) changed[attribute] = value;
    else if (op === 'remove') properties.delete(attribute);
    else properties.set(attribute, String(value));
  }
  return { ...image, ...changed, properties: Object.fromEntries(properties) };
}

/** What the edits change, for people: the values before and after. */
export function editedValues(
  image: SiteImage,
  edits: readonly ImageEdit[],
): Readonly<Record<'before' | 'after', Readonly<Record<string, EditValue>>>> {
  const values = (from: SiteImage) =>
    Object.fromEntries(
      edits.flatMap(({ attribute }) => {
        const value = valueIn(from, attribute);
        return value === undefined ? [] : [[attribute, value] as const];
      }),
    );
  return { before: values(image), after: values(withEdits(image, edits)) };
}

/** The value of an attribute or a property. */
export function valueIn(image: SiteImage, attribute: string): EditValue | undefined {
  return isAttribute(attribute) ? image[attribute] : image.properties[attribute];
}

export function isSameValue(one: EditValue | undefined, other: EditValue | undefined): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  const [first, second] = [new Set<unknown>(one), new Set<unknown>(other)];
  return first.size === second.size && [...first].every((element) => second.has(element));
}
