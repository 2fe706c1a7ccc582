// The images that a node boots to be deployed or rescued, as keys of its driver_info: what changes them, and what changes them back.
import { isMasked, isWithheld } from '../../nodes/policy/masked-values.js';

type Values = Readonly<Record<string, unknown>>;

/** Values of driver_info by key; null where the node is to have none, and Ironic's own default counts. */
export type ImageSettings = Readonly<Record<string, string | null>>;

export interface ImagePatch {
  readonly op: 'add' | 'remove';
  readonly path: string;
  readonly value?: string;
}

const deployKeys = ['deploy_kernel', 'deploy_ramdisk'] as const;
const rescueKeys = ['rescue_kernel', 'rescue_ramdisk'] as const;

export function imageKeys(rescue: boolean): readonly string[] {
  return rescue ? [...deployKeys, ...rescueKeys] : deployKeys;
}

/** The settings that have a node boot this pair. Always both: Ironic ignores half a pair. */
export function settingsFor(
  pair: { readonly kernel: string; readonly initramfs: string },
  rescue: boolean,
): ImageSettings {
  return Object.fromEntries(
    imageKeys(rescue).map((key) => [key, key.endsWith('_kernel') ? pair.kernel : pair.initramfs]),
  );
}

/** What a node has of these keys. Undefined where the values or one of them come back masked, or it is no text: it could not be put back. */
export function presentSettings(driverInfo: Values, keys: readonly string[]): ImageSettings | undefined {
  if (isWithheld(driverInfo)) return undefined;
  const entries = keys.map((key) => [key, driverInfo[key] ?? null] as const);
  if (entries.some(([, value]) => value !== null && (typeof value !== 'string' || isMasked(value)))) return undefined;
  return Object.fromEntries(entries) as ImageSettings;
}

/** What leads from the present values to the wanted ones: `add`, which overwrites, and `remove` only of what is there. Empty where nothing differs. */
export function settingsPatch(driverInfo: Values, wanted: ImageSettings): ImagePatch[] {
  return Object.entries(wanted).flatMap(([key, value]): ImagePatch[] => {
    const path = `/driver_info/${key}`;
    const present = driverInfo[key] ?? null;
    if (isSameImage(present, value)) return [];
    return value === null ? [{ op: 'remove', path }] : [{ op: 'add', path, value }];
  });
}

export function hasSettings(driverInfo: Values, wanted: ImageSettings): boolean {
  return settingsPatch(driverInfo, wanted).length === 0;
}

/** An id and `glance://` before it name the same image. */
function isSameImage(one: unknown, other: string | null): boolean {
  return one === other || (typeof one === 'string' && other !== null && withoutScheme(one) === withoutScheme(other));
}

function withoutScheme(value: string): string {
  return value.replace(/^glance:\/\//i, '');
}
