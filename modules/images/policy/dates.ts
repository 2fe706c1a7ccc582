// Ages in calendar months, build timestamps as the builders write them, and the times in our own
// markers. Always UTC.

/**
 * The same time of day a number of calendar months later, on the last day of the month if that is
 * too short: six months after 31 August is 28 or 29 February.
 */
export function addMonths(moment: Date, months: number): Date {
  const [year, month] = [moment.getUTCFullYear(), moment.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const moved = new Date(moment);
  moved.setUTCFullYear(year, month, Math.min(moment.getUTCDate(), lastDay));
  return moved;
}

/** Whole calendar months from one time to a later one; 0 if it is not later. */
export function monthsBetween(from: Date, to: Date): number {
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  return Math.max(0, addMonths(from, months) <= to ? months : months - 1);
}

/** RFC 3339, in UTC and whole seconds. */
export function markerTime(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, 'Z');
}

/**
 * The time of a `build-timestamp`, in milliseconds: `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC, or POSIX
 * seconds. Undefined if it is neither.
 */
export function parseBuildTimestamp(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  // As digits, because a number would be rounded, and one time in two spellings would become two.
  const seconds = /^(\d{6,12})(?:\.(\d+))?$/.exec(text);
  if (seconds) return new Date(Number(seconds[1]) * 1000 + Number((seconds[2] ?? '').slice(0, 3).padEnd(3, '0')));
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)?$/.exec(text);
  if (!parts) return undefined;
  const moment = new Date(`${parts[1]}T${parts[2]}${(parts[3] ?? '').slice(0, 4)}Z`);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}
