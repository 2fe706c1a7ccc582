// Which images a node boots with and deploys, as far as Ironic says so to this login.
import { isRedacted } from '../../clients/ironic/visibility.js';
import type { Node } from '../../clients/ironic/nodes.js';
import { OperationError } from '../../core/errors.js';
import { uuidsIn } from '../../core/uuid.js';

export interface NodeImage {
  readonly imageId: string;
  /** Where it is named, such as `driver_info deploy_kernel`. */
  readonly place: string;
}

/**
 * Any key may name an image: drivers have keys of their own, some of them nested. An id, `glance://ID` and a URL with an id all count.
 * Throws VALUE_HIDDEN where a value that may name one is not shown.
 */
export function imagesOfNode(node: Node): NodeImage[] {
  const { driver_info, instance_info } = node;
  return Object.entries({ driver_info, instance_info }).flatMap(([kind, info]) =>
    Object.entries(info).flatMap(([key, value]) => {
      if (isRedacted(value) || (hidesImage(key, value) && !isDerived(key, info))) throw hidden(node, `${kind} ${key}`);
      return uuidsIn(value).map((imageId) => ({ imageId, place: `${kind} ${key}` }));
    }),
  );
}

const imageKey = /image|kernel|ramdisk|initramfs|initrd|iso|bootloader|source|href/i;
const secretKey = /pass|secret|token|checksum|hash|user/i;

/** Whether a mask stands where an image may be named. Ironic masks passwords too, and these name none. */
function hidesImage(key: string, value: unknown): boolean {
  if (typeof value === 'string') return /^\*{3,}$/.test(value.trim()) && imageKey.test(key) && !secretKey.test(key);
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).some(([inner, deeper]) => hidesImage(Array.isArray(value) ? key : inner, deeper))
  );
}

/** Ironic makes a temporary URL of `image_source`, and masks it, since it has a signature. */
function isDerived(key: string, { image_source: source }: Readonly<Record<string, unknown>>): boolean {
  return key === 'image_url' && typeof source === 'string' && source !== '' && !hidesImage('image_source', source);
}

function hidden({ uuid, name }: Node, place: string): OperationError {
  return new OperationError(
    'VALUE_HIDDEN',
    `it does not show this login the ${place} of node ${name || uuid}, which may name an image; a token of the whole system is needed`,
    { node: uuid },
  );
}
