// When an image is due to be hidden and to be deleted, by its age in calendar months.
import { optionText } from '../../core/option-text.js';
import { counted } from '../../core/counts.js';
import { InputError, OperationError } from '../../core/errors.js';
import { addMonths, monthsBetween } from './dates.js';
import { isHidden } from './hiding.js';
import { markers, type SiteImage } from './site-image.js';

export interface RetentionAges {
  readonly hideMonths: number;
  readonly deleteMonths: number;
  /** Whether an image ages from its creation, or from the day it was replaced if that is known. */
  readonly ageFrom: 'created' | 'superseded';
  /** Minimum number of days between hiding and deleting. */
  readonly graceDays: number;
  /** Whether an archived image is hidden at an age, or from the day it was replaced. */
  readonly hideAt: 'age' | 'replacement';
}

/** What an image is due for, regardless of anything that forbids it. */
export interface RetentionSchedule {
  readonly action: 'keep' | 'hide' | 'delete';
  readonly reason: string;
  /** Hiding the image records the date in a marker, because deletion is counted from it. */
  readonly recordsHiding?: true;
  readonly hideFrom: Date;
  readonly deleteFrom: Date;
}

/** Throws INVALID_INPUT unless images are hidden before they are deleted. */
export function assertAges({ hideMonths, deleteMonths }: Pick<RetentionAges, 'hideMonths' | 'deleteMonths'>): void {
  if (hideMonths < deleteMonths) return;
  throw new InputError(
    `${optionText('hide_image_age_in_month')} (${hideMonths}) must be smaller than ` +
      `${optionText('delete_image_age_in_month')} (${deleteMonths}), ` +
      'because an image is hidden before it is deleted',
    'hide_image_age_in_month',
  );
}

/** The largest difference between this host's clock and that of a service. */
export interface ClockDifference {
  /** Negative if this host's clock is behind. */
  readonly aheadSeconds: number;
  /** Scheme, host and port of the service. */
  readonly origin: string;
  /** The service's time. */
  readonly theirs: Date;
}

const maxClockDifferenceSeconds = 3600;

/**
 * Ages depend on this host's clock, so nothing is hidden or deleted by a clock that may be wrong.
 * Throws CLOCK_DIFFERS if it is more than an hour away from that of a service, CLOCK_UNKNOWN if no
 * service has sent its time.
 */
export function assertClock(difference: ClockDifference | undefined): void {
  if (!difference) {
    throw new OperationError(
      'CLOCK_UNKNOWN',
      'no service sends its time (no response has a Date header), so nothing is hidden or deleted; ' +
        'configure the services, or the proxy in front of them, to send Date',
    );
  }
  const { aheadSeconds, origin, theirs } = difference;
  if (Math.abs(aheadSeconds) <= maxClockDifferenceSeconds) return;
  const distance = `${formatDuration(Math.abs(aheadSeconds))} ${aheadSeconds > 0 ? 'ahead of' : 'behind'}`;
  const message =
    `the clock of this host is ${distance} that of ${origin}, which reports ${theirs.toISOString().slice(0, 19)}Z, ` +
    'so the age of an image is uncertain and nothing is hidden or deleted; correct the wrong clock';
  throw new OperationError('CLOCK_DIFFERS', message, { url: origin, aheadSeconds: Math.round(aheadSeconds) });
}

function formatDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min` : `${Math.floor(hours / 24)} days`;
}

/**
 * The time from which an image ages. Undefined if it cannot be read; the image then does not age.
 */
export function ageStart(image: SiteImage, { ageFrom }: Pick<RetentionAges, 'ageFrom'>): Date | undefined {
  const superseded = ageFrom === 'superseded' ? image.properties[markers.supersededAt] : undefined;
  const since = new Date(superseded ?? image.created_at);
  return Number.isNaN(since.getTime()) ? undefined : since;
}

/** What the schedule depends on besides the image. */
export interface ScheduledName {
  readonly productionName: string;
  /** Whether the image has an archive name. */
  readonly isArchive: boolean;
  /** The time from which it ages. */
  readonly since: Date;
  /** One of those that `keep` protects. */
  readonly isNewest: boolean;
}

/** The dates are those that are certain: an image that `keep` protects is not deleted. */
export function scheduleImage(
  image: SiteImage,
  { productionName, isArchive, since, isNewest }: ScheduledName,
  ages: RetentionAges & { readonly keep: number },
  now: Date,
): Pick<RetentionSchedule, 'action' | 'reason'> & Partial<RetentionSchedule> {
  if (!isNewest) return (isArchive ? scheduleArchived : scheduleWithNotice)(image, since, ages, now);
  const which = ages.keep === 1 ? 'the newest image' : `one of the ${ages.keep} newest images`;
  const why = `${which} of ${productionName}, which ${optionText('keep')} protects`;
  if (!isArchive || ages.hideAt === 'age') return { action: 'keep', reason: why };
  const { hideFrom, hide } = hidingOf(image, since, ages, ageText(monthsBetween(since, now)));
  if (isHidden(image) || now < hideFrom) return { action: 'keep', reason: why, hideFrom };
  return { action: 'hide', reason: `${hide}; not deleted: ${why}`, hideFrom };
}

/** Schedules an archived image. */
function scheduleArchived(image: SiteImage, since: Date, ages: RetentionAges, now: Date): RetentionSchedule {
  const { deleteMonths, graceDays } = ages;
  const age = ageText(monthsBetween(since, now));
  const hidden = isHidden(image);
  const { hideFrom, hide } = hidingOf(image, since, ages, age);
  const oldFrom = addMonths(since, deleteMonths);
  const graceEnds = hidden ? noticeEnd(image, graceDays) : daysAfter(laterOf(hideFrom, now), graceDays);
  const dates = { hideFrom, deleteFrom: graceDays === 0 ? oldFrom : laterOf(oldFrom, graceEnds) };
  if (now >= oldFrom) {
    if (graceDays === 0 || (hidden && now >= graceEnds))
      return { ...dates, action: 'delete', reason: `${age}, deleted ${limitText(deleteMonths)}` };
    if (!hidden)
      return { ...dates, action: 'hide', reason: `${hide}; due to be deleted ${counted(graceDays, 'day')} later` };
    const due = `due to be deleted on ${formatDay(graceEnds)}, after ${counted(graceDays, 'day')} of grace`;
    return { ...dates, action: 'keep', reason: `${age} and hidden; ${due}` };
  }
  if (hidden)
    return { ...dates, action: 'keep', reason: `${age} and hidden; due to be deleted on ${formatDay(oldFrom)}` };
  if (now >= hideFrom) return { ...dates, action: 'hide', reason: hide };
  return { ...dates, action: 'keep', reason: `${age}; due to be hidden on ${formatDay(hideFrom)}` };
}

/** When and why an archived image is hidden. */
function hidingOf(
  image: SiteImage,
  since: Date,
  { hideAt, hideMonths }: RetentionAges,
  age: string,
): { readonly hideFrom: Date; readonly hide: string } {
  if (hideAt === 'age')
    return { hideFrom: addMonths(since, hideMonths), hide: `${age}, hidden ${limitText(hideMonths)}` };
  return { hideFrom: replacedAt(image) ?? since, hide: `${age}, hidden because it was replaced` };
}

/** Undefined if the day is not known: images of older tools do not record it. */
function replacedAt({ properties }: SiteImage): Date | undefined {
  const replaced = new Date(properties[markers.supersededAt] ?? '');
  return Number.isNaN(replaced.getTime()) ? undefined : replaced;
}

/** Minimum number of days between hiding an image that has a production name and deleting it. */
const noticeDays = 30;

/**
 * Schedules an image that has a production name and is not in production. It is deleted only after
 * this system has hidden it and the notice has passed: its name may return to the catalogue, and an
 * operator may have hidden it to set it aside.
 */
function scheduleWithNotice(image: SiteImage, since: Date, ages: RetentionAges, now: Date): RetentionSchedule {
  const { hideMonths, deleteMonths } = ages;
  const days = Math.max(noticeDays, ages.graceDays);
  const age = ageText(monthsBetween(since, now));
  const hidden = isHidden(image);
  const isRecorded = hidden && image.properties[markers.hiddenAt] !== undefined;
  const hideFrom = addMonths(since, hideMonths);
  const deleteFrom = laterOf(
    addMonths(since, deleteMonths),
    isRecorded ? noticeEnd(image, days) : daysAfter(laterOf(hideFrom, now), days),
  );
  const dates = { hideFrom, deleteFrom };
  if (now < hideFrom) return { ...dates, action: 'keep', reason: `${age}; due to be hidden on ${formatDay(hideFrom)}` };
  const later = `due to be deleted ${counted(days, 'day')} later at the earliest`;
  if (!hidden)
    return {
      ...dates,
      action: 'hide',
      reason: `${age}, hidden ${limitText(hideMonths)}; ${later}`,
      recordsHiding: true,
    };
  if (!isRecorded)
    return {
      ...dates,
      action: 'hide',
      reason: `${age}, and already hidden, which is recorded; ${later}`,
      recordsHiding: true,
    };
  if (!(now >= deleteFrom))
    return { ...dates, action: 'keep', reason: `${age} and hidden; due to be deleted on ${formatDay(deleteFrom)}` };
  return { ...dates, action: 'delete', reason: `${age}, deleted ${limitText(deleteMonths)}` };
}

function ageText(months: number): string {
  return months === 0 ? 'less than a month old' : `${counted(months, 'month')} old`;
}

function limitText(months: number): string {
  return months === 0 ? 'at any age' : `at ${months}`;
}

/** Counted from the last change of the image: any later change only postpones it. */
function noticeEnd(image: SiteImage, days: number): Date {
  return daysAfter(new Date(image.updated_at), days);
}

function daysAfter(moment: Date, days: number): Date {
  return new Date(moment.getTime() + days * 86_400_000);
}

/** An unreadable date counts as later than any other. */
function laterOf(one: Date, other: Date): Date {
  return one > other ? one : other;
}

function formatDay(moment: Date): string {
  return Number.isNaN(moment.getTime()) ? 'an unknown date' : moment.toISOString().slice(0, 10);
}
