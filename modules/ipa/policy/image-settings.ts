// The images that a node boots for deploying or rescuing, as keys of its driver_info, and the
// patches that set and restore them.
import { isMasked, isWithheld } from '../../nodes/policy/masked-values.js';

type DriverInfo = Readonly<Record<string, unknown>>;

/**
 * Values of driver_info by key; null if the node has none, so that Ironic's own default applies.
 */
export type ImageSettings = Readonly<Record<string, string | null>>;

/** The images of one node, in Ironic and in Doni. */
export interface NodeImageSettings {
  readonly node: ImageSettings;
  /** Absent if Doni does not have the node. */
  readonly doni?: { readonly deployKernel: string | null; readonly deployRamdisk: string | null };
}

interface ImagePatch {
  readonly op: 'add' | 'remove';
  readonly path: string;
  readonly value?: string;
}

const deployKeys = ['deploy_kernel', 'deploy_ramdisk'] as const;
const rescueKeys = ['rescue_kernel', 'rescue_ramdisk'] as const;

export function ipaImageKeys(rescue: boolean): readonly string[] {
  return rescue ? [...deployKeys, ...rescueKeys] : deployKeys;
}

/** The settings with which a node boots this pair. Always both: Ironic ignores half a pair. */
export function settingsFor(
  pair: { readonly kernel: string; readonly initramfs: string },
  rescue: boolean,
): ImageSettings {
  return Object.fromEntries(
    ipaImageKeys(rescue).map((key) => [key, key.endsWith('_kernel') ? pair.kernel : pair.initramfs]),
  );
}

/** The settings for a node that had `former`: Doni gets them as well if it has the node. */
export function nodeSettingsFor(settings: ImageSettings, former: NodeImageSettings): NodeImageSettings {
  const doni = { deployKernel: settings.deploy_kernel ?? null, deployRamdisk: settings.deploy_ramdisk ?? null };
  return { node: settings, ...(former.doni ? { doni } : {}) };
}

/**
 * A node's present values of these keys. Undefined if a value is masked or not text, so that it
 * could not be restored.
 */
export function presentSettings(driverInfo: DriverInfo, keys: readonly string[]): ImageSettings | undefined {
  if (isWithheld(driverInfo)) return undefined;
  const settings: Record<string, string | null> = {};
  for (const key of keys) {
    const value = driverInfo[key] ?? null;
    if (value !== null && (typeof value !== 'string' || isMasked(value))) return undefined;
    settings[key] = value;
  }
  return settings;
}

/**
 * The patch from the present values to `desired`: `add`, which overwrites, and `remove` only of
 * present keys. Empty if nothing differs.
 */
export function settingsPatch(driverInfo: DriverInfo, desired: ImageSettings): ImagePatch[] {
  return Object.entries(desired).flatMap(([key, value]): ImagePatch[] => {
    const path = `/driver_info/${key}`;
    const present = driverInfo[key] ?? null;
    if (isSameImage(present, value)) return [];
    return value === null ? [{ op: 'remove', path }] : [{ op: 'add', path, value }];
  });
}

export function hasSettings(driverInfo: DriverInfo, desired: ImageSettings): boolean {
  return settingsPatch(driverInfo, desired).length === 0;
}

/** Whether Doni, if it has the node, has these settings too. */
export function hasDoniSettings({ doni }: NodeImageSettings, desired: ImageSettings): boolean {
  return (
    doni === undefined || (doni.deployKernel === desired.deploy_kernel && doni.deployRamdisk === desired.deploy_ramdisk)
  );
}

/**
 * What to do after a change in Doni, by the state of its synchronization. A deferred one, such as
 * that of a node in maintenance, starts again later and finds nothing to do.
 */
export function nextSyncStep(
  { state, reason }: { readonly state: 'done' | 'waiting' | 'failed'; readonly reason: string },
  { hasImages, isRequested }: { readonly hasImages: boolean; readonly isRequested: boolean },
): 'settled' | 'wait' | 'request' {
  const isDeferred = state === 'waiting' && reason !== '';
  if (state === 'waiting' && !isDeferred) return 'wait';
  if (hasImages && (state === 'done' || isDeferred || isRequested)) return 'settled';
  return isDeferred ? 'wait' : 'request';
}

/** An id, with or without `glance://` in front of it, names the same image. */
function isSameImage(one: unknown, other: string | null): boolean {
  return one === other || (typeof one === 'string' && other !== null && withoutScheme(one) === withoutScheme(other));
}

function withoutScheme(value: string): string {
  return value.replace(/^glance:\/\//i, '');
}
