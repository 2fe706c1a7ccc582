import {
  planRetention,
  type PlannedRetention,
  type RetentionImage,
  type RetentionInput,
  type RetentionSettings,
} from '../../../modules/images/policy/retention.js';
import { markers } from '../../../modules/images/policy/site-image.js';
import { addMonths } from '../../../modules/images/policy/dates.js';
import { now, owner, siteImage } from './image-fixtures.js';

export const settings: RetentionSettings = {
  hideMonths: 12,
  deleteMonths: 18,
  ageFrom: 'created',
  graceDays: 0,
  hideAt: 'age',
  keep: 0,
  keepDeprecated: false,
  acceptLosses: false,
};

/** What the catalogue has, unless a test says otherwise. */
export const catalogue: ReadonlySet<string> = new Set(['CC-Ubuntu22.04', 'CC-Ubuntu24.04']);

/**
 * An image of an earlier tool, by default an archived one, 26 months before `now`:
 * 2026-06-01T12:00.
 */
export function oldImage(changes: Partial<RetentionImage> = {}): RetentionImage {
  return {
    ...siteImage({
      id: 'old',
      name: 'CC-Ubuntu22.04_2024-03-22 15:30:45.123456',
      created_at: '2024-03-22T16:00:00Z',
      updated_at: '2024-06-01T00:00:00Z',
    }),
    protected: false,
    ...changes,
  };
}

/** An archived image of this system. */
export function ourImage(changes: Partial<RetentionImage> = {}): RetentionImage {
  const id = changes.id ?? 'ours';
  return oldImage({
    id,
    ...changes,
    properties: {
      [markers.id]: id,
      [markers.name]: 'CC-Ubuntu22.04',
      current: '20240322-v1-amd',
      ...changes.properties,
    },
  });
}

export type PlanChanges = Partial<Omit<RetentionInput, 'settings'>> & {
  readonly settings?: Partial<RetentionSettings>;
};

export function plan(images: readonly RetentionImage[], changes: PlanChanges = {}) {
  return planRetention({
    images,
    owner,
    prefix: 'testing_',
    catalogue,
    uses: new Map(),
    projectNames: new Map(),
    isSelected: () => true,
    isExempt: () => false,
    heldImages: { reasonToKeep: () => undefined },
    now,
    ...changes,
    settings: { ...settings, ...changes.settings },
  });
}

/** What becomes of an image; undefined when it is not ours to care for. */
export function planOf(image: RetentionImage, changes: PlanChanges = {}): PlannedRetention | undefined {
  return plan([image], changes).images.find((planned) => planned.image === image);
}

/** Created exactly so many months, and so many milliseconds besides, before now. */
export const aged = (months: number, milliseconds = 0): string =>
  new Date(addMonths(now, -months).getTime() - milliseconds).toISOString();

/** What an image has that this system hid as one whose name had left the catalogue. */
export const hiddenByUs = { current: '20240322-v1-amd', [markers.hiddenAt]: '2024-06-01T00:00:00Z' };
