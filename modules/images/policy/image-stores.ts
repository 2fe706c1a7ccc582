// Which of Glance's stores an image is to be in, and which of them lack it.
import { listSome } from '../../core/counts.js';
import { InputError, OperationError } from '../../core/errors.js';
import { optionText } from '../../core/option-text.js';
import type { ImageResult } from './deploy-results.js';

/** A store of Glance, as it tells it. */
interface OfferedStore {
  readonly id: string;
  readonly isDefault: boolean;
  readonly isReadOnly: boolean;
}

export interface StoreArguments {
  readonly stores?: readonly string[] | undefined;
  readonly all_stores: boolean;
}

/** The stores that every image is to be in. Data go into the first one, and are copied to the others. */
export interface WantedStores {
  readonly first: string;
  readonly ids: readonly string[];
}

/** Whether the site chooses stores. Throws INVALID_INPUT if it does so in two ways. */
export function choosesStores({ stores = [], all_stores: isAll }: StoreArguments): boolean {
  if (isAll && stores.length > 0)
    throw new InputError(
      `${optionText('all_stores')} and ${optionText('stores')} exclude each other: leave one of them out`,
      'stores',
    );
  return isAll || stores.length > 0;
}

const maxStoresShown = 10;

/**
 * `offered`: what Glance tells of its stores; undefined if it has only one. Throws
 * GLANCE_STORE_UNKNOWN if a wanted one is not among them, or takes no data.
 */
export function wantedStores(
  { stores = [], all_stores: isAll }: StoreArguments,
  offered: readonly OfferedStore[] | undefined,
): WantedStores {
  const option = isAll ? optionText('all_stores') : optionText('stores');
  if (!offered) throw unknown(`${option}: this Glance does not have several stores (enabled_backends); leave it out`);
  const writable = offered.filter(({ isReadOnly }) => !isReadOnly);
  const allowed = `it takes data into: ${listSome(
    writable.map(({ id }) => id),
    maxStoresShown,
  )}`;
  if (!isAll) {
    for (const store of stores) {
      const found = offered.find(({ id }) => id === store);
      if (!found) throw unknown(`${option}: this Glance has no store ${JSON.stringify(store)}; ${allowed}`, store);
      if (found.isReadOnly)
        throw unknown(`${option}: the store ${JSON.stringify(store)} of this Glance is read-only; ${allowed}`, store);
    }
  }
  const ids = isAll
    ? [...writable].sort((one, other) => Number(other.isDefault) - Number(one.isDefault)).map(({ id }) => id)
    : [...new Set(stores)];
  const [first] = ids;
  if (first === undefined) throw unknown(`${option}: all stores of this Glance are read-only`);
  return { first, ids };
}

function unknown(message: string, store?: string): OperationError {
  return new OperationError('GLANCE_STORE_UNKNOWN', message, store === undefined ? {} : { store });
}

/** The wanted stores without the data of an image, in their order. */
export function lackingStores(
  { stores = [] }: { readonly stores?: readonly string[] },
  { ids }: WantedStores,
): string[] {
  return ids.filter((id) => !stores.includes(id));
}

type Planned = Pick<ImageResult, 'action' | 'id'>;

/**
 * The stores that an image would be copied to. `image`: the present one, if nothing is deployed in
 * its place.
 */
export function plannedCopies(
  { action }: Planned,
  image: { readonly stores?: readonly string[] } | undefined,
  wanted: WantedStores,
): string[] {
  if (action === 'deploy' || action === 'resume') return wanted.ids.filter((id) => id !== wanted.first);
  return image && mayBeCopied({ action }) ? lackingStores(image, wanted) : [];
}

const inProduction: ReadonlySet<string> = new Set(['deploy', 'resume', 'up_to_date', 'held', 'update']);

/** True for the result of an image that is in production. */
export function mayBeCopied({ action }: Pick<Planned, 'action'>): boolean {
  return inProduction.has(action);
}

/** The result of an image that was, or would be, copied to these stores. */
export function withCopies(result: ImageResult, stores: readonly string[], copied: readonly string[]): ImageResult {
  if (copied.length === 0) return { ...result, stores };
  const isOnlyCopied = result.action === 'up_to_date';
  return {
    ...result,
    ...(isOnlyCopied
      ? { action: 'copy', reason: `${result.reason}, but ${copied.join(', ')} of Glance's stores lacked it` }
      : {}),
    stores,
    copied_to: copied,
  };
}
