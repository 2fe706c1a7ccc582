// Which images a node boots with and deploys, as far as Ironic shows this login.
import { OperationError } from '../../core/errors.js';
import { isRedactionNotice } from '../../core/masking.js';
import { uuidsIn } from '../../core/uuid.js';

/** The parts of an Ironic node that may name images. */
export interface ReferringNode {
  readonly uuid: string;
  readonly name?: string | null;
  readonly driver_info: Readonly<Record<string, unknown>>;
  readonly instance_info: Readonly<Record<string, unknown>>;
}

export interface NodeImageReference {
  readonly imageId: string;
  /** Where the node names it, such as `driver_info deploy_kernel`. */
  readonly place: string;
}

/**
 * Any key may name an image, because drivers have keys of their own, some of them nested. An id,
 * `glance://ID` and a URL with an id all count. Throws VALUE_HIDDEN if a value that may name an
 * image is not shown.
 */
export function imageReferencesOf(node: ReferringNode): NodeImageReference[] {
  const { driver_info, instance_info } = node;
  return Object.entries({ driver_info, instance_info }).flatMap(([kind, info]) =>
    Object.entries(info).flatMap(([key, value]) => {
      if (holdsRedaction(value) || (masksImage(key, value) && !isDerived(key, info)))
        throw valueHidden(node, `${kind} ${key}`);
      return uuidsIn(value).map((imageId) => ({ imageId, place: `${kind} ${key}` }));
    }),
  );
}

/**
 * True for Ironic's notice in place of a value, and for a mapping or list that holds one at any
 * depth.
 */
function holdsRedaction(value: unknown): boolean {
  if (typeof value === 'string') return isRedactionNotice(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsRedaction);
}

const imageKey = /image|kernel|ramdisk|initramfs|initrd|iso|bootloader|source|href/i;
const secretKey = /pass|secret|token|checksum|hash|user/i;

/**
 * True if a value that may name an image is masked. Ironic masks passwords too, and those name no
 * image.
 */
function masksImage(key: string, value: unknown): boolean {
  if (typeof value === 'string') return isMask(value.trim()) && imageKey.test(key) && !secretKey.test(key);
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).some(([inner, deeper]) => masksImage(Array.isArray(value) ? key : inner, deeper))
  );
}

/** True for the asterisks that a service shows in place of a value. */
export function isMask(text: string): boolean {
  return /^\*{3,}$/.test(text);
}

/**
 * Ironic derives a temporary URL from `image_source` and masks it, because it contains a signature.
 */
function isDerived(key: string, { image_source: source }: Readonly<Record<string, unknown>>): boolean {
  return key === 'image_url' && typeof source === 'string' && source !== '' && !masksImage('image_source', source);
}

function valueHidden({ uuid, name }: ReferringNode, place: string): OperationError {
  return new OperationError(
    'VALUE_HIDDEN',
    `the ${place} of node ${name || uuid} is not shown to this login and may name an image; ` +
      'a system-scoped token is needed',
    { node: uuid },
  );
}
