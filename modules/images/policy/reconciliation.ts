// What a production image lacks of the attributes and properties that catalogue and site want.
import { productionMarks } from './holds.js';
import { editedValues, editsToward, isSameValue, type EditValue, type ImageEdit } from './image-edits.js';
import type { DesiredProperties } from './image-properties.js';
import type { Subscription } from './deployment.js';
import type { WantedAttributes } from './new-image.js';
import { markers, ownMark, type SiteImage } from './site-image.js';
import { overlay } from './site-properties.js';

/** What is absent is left as the image has it. */
export interface DesiredImage {
  readonly wanted: WantedAttributes;
  readonly properties: DesiredProperties;
}

/** What a catalogue wants of an image, with the site's properties over its own. */
export function desiredImage(wanted: Subscription['wanted'] = {}, site: DesiredProperties): DesiredImage {
  const { properties = {}, ...attributes } = wanted;
  return { wanted: attributes, properties: overlay(new Map(Object.entries(properties)), site) };
}

/** What is to change, in this order: `reactivate`, the edits in one request, `deactivate`, the members. */
export interface Reconciliation {
  readonly edits: readonly ImageEdit[];
  readonly action?: 'deactivate' | 'reactivate';
  readonly members?: MemberChanges;
}

export interface MemberChanges {
  /** Ids of the projects that have the image now. */
  readonly present: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** One attribute or property, for people and programs; null if the image does not have it. */
export interface AttributeChange {
  readonly name: string;
  readonly before: EditValue | null;
  readonly after: EditValue | null;
}

/** `members`: the projects that the image is shared with; undefined if they are not known, or do not count. */
export function planReconciliation(
  image: SiteImage,
  { wanted, properties }: DesiredImage,
  members?: readonly string[],
): Reconciliation {
  const action = activationOf(image, wanted);
  const edits = editsToward(image, {
    ...attributesWanted(image, wanted),
    ...propertiesWanted(image, properties),
    ...marksWanted(image, wanted),
  });
  return {
    edits,
    ...(action === undefined ? {} : { action }),
    ...(wanted.members === undefined || members === undefined
      ? {}
      : { members: memberChanges(members, wanted.members) }),
  };
}

export function isReconciled({ edits, action, members }: Reconciliation): boolean {
  return edits.length === 0 && action === undefined && !(members && members.add.length + members.remove.length > 0);
}

function attributesWanted(
  { tags = [], protected: isProtected = false }: SiteImage,
  wanted: WantedAttributes,
): Record<string, EditValue> {
  const { visibility, minDiskGib, minRamMib } = wanted;
  return {
    ...(visibility === undefined ? {} : { visibility }),
    ...(minDiskGib === undefined ? {} : { min_disk: minDiskGib }),
    ...(minRamMib === undefined ? {} : { min_ram: minRamMib }),
    // Tags that somebody has added stay.
    ...(wanted.tags === undefined ? {} : { tags: [...new Set([...tags, ...wanted.tags])] }),
    ...(wanted.protected === undefined || wanted.protected === isProtected ? {} : { protected: wanted.protected }),
  };
}

/** Glance's databases treat `Name` and `name` as equal, so the image's own spelling is kept. */
function propertiesWanted({ properties }: SiteImage, desired: DesiredProperties): Record<string, string | undefined> {
  const spellings = new Map(Object.keys(properties).map((name) => [name.toLowerCase(), name]));
  return Object.fromEntries([...desired].map(([name, value]) => [spellings.get(name.toLowerCase()) ?? name, value]));
}

function marksWanted(image: SiteImage, wanted: WantedAttributes): Record<string, string | undefined> {
  const isChanged = wanted.protected !== undefined && wanted.protected !== (image.protected ?? false);
  const isProtecting = isChanged && wanted.protected === true;
  const { visibility = 'public', status } = wanted;
  const isMarked = visibility !== 'public' || status === 'deactivated' || isProtecting;
  return {
    ...productionMarks(image, wanted),
    ...(isChanged ? { [markers.protected]: isProtecting ? 'yes' : undefined } : {}),
    // The others count only on an image that also has this one.
    ...(isMarked ? { [markers.promoted]: image.id } : {}),
  };
}

/**
 * An image is reactivated only if a run has deactivated it: one that an operator has deactivated is
 * not a production image, and a conflict.
 */
function activationOf(image: SiteImage, { status }: WantedAttributes): Reconciliation['action'] {
  if (status === 'deactivated' && image.status === 'active') return 'deactivate';
  const isOurs = ownMark(image, markers.status) === 'deactivated';
  return status === 'active' && image.status === 'deactivated' && isOurs ? 'reactivate' : undefined;
}

function memberChanges(present: readonly string[], wanted: readonly string[]): MemberChanges {
  return {
    present,
    add: [...new Set(wanted)].filter((id) => !present.includes(id)),
    remove: present.filter((id) => !wanted.includes(id)),
  };
}

/** True if members of the image are to be compared: only a shared image has any. */
export function needsMembers(image: Pick<SiteImage, 'visibility'>, { wanted }: DesiredImage): boolean {
  return wanted.members !== undefined && (wanted.visibility ?? image.visibility) === 'shared';
}

/** True if something remains to be done to an image that was created with all that a new image can have. */
export function needsFinishing({ wanted }: DesiredImage): boolean {
  return wanted.protected === true || wanted.status === 'deactivated' || wanted.members !== undefined;
}

/** Without our own markers, which say nothing to people. */
export function changesOfEdits(image: SiteImage, edits: readonly ImageEdit[]): AttributeChange[] {
  const { before, after } = editedValues(image, edits);
  return edits
    .filter(({ attribute }) => !attribute.startsWith('image_tools_'))
    .map(({ attribute }) => ({
      name: attribute,
      before: before[attribute] ?? null,
      after: after[attribute] ?? null,
    }));
}

export function changeOfStatus(image: SiteImage, action: 'deactivate' | 'reactivate'): AttributeChange {
  return { name: 'status', before: image.status, after: action === 'deactivate' ? 'deactivated' : 'active' };
}

export function changeOfMembers(before: readonly string[], after: readonly string[]): AttributeChange[] {
  return isSameValue(before, after) ? [] : [{ name: 'members', before, after }];
}

function membersAfter({ present, add, remove }: MemberChanges): readonly string[] {
  return [...present.filter((id) => !remove.includes(id)), ...add];
}

/** All that a reconciliation changes. */
export function changesOf(image: SiteImage, { edits, action, members }: Reconciliation): AttributeChange[] {
  return [
    ...changesOfEdits(image, edits),
    ...(action ? [changeOfStatus(image, action)] : []),
    ...(members ? changeOfMembers(members.present, membersAfter(members)) : []),
  ];
}

/** Such as `hw_disk_bus, tags`, for a reason. */
export function describeChanges(changes: readonly AttributeChange[]): string {
  return changes.map(({ name }) => name).join(', ') || 'the marks of a production image';
}
