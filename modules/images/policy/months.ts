// Ages in calendar months, always in UTC.

/** The same time of day so many calendar months later; where that month is too short, on its last day: 31 August and six are 28 or 29 February. */
export function addMonths(moment: Date, months: number): Date {
  const [year, month] = [moment.getUTCFullYear(), moment.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const moved = new Date(moment);
  moved.setUTCFullYear(year, month, Math.min(moment.getUTCDate(), lastDay));
  return moved;
}

/** Whole calendar months from one moment to a later one; 0 when it is not later. */
export function monthsBetween(from: Date, to: Date): number {
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  return Math.max(0, addMonths(from, months) <= to ? months : months - 1);
}
