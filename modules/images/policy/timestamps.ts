// When an image was built, as its builders write it, and moments as our own markers have them.

/** RFC 3339, in UTC and whole seconds. */
export function markerTime(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, 'Z');
}

/**
 * The moment that a `build-timestamp` means, to the millisecond: `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC, or POSIX seconds. Undefined when it is neither.
 */
export function parseBuildTimestamp(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  // By its digits: as a number the fraction would be rounded, and one instant in two spellings would be two.
  const seconds = /^(\d{6,12})(?:\.(\d+))?$/.exec(text);
  if (seconds) return new Date(Number(seconds[1]) * 1000 + Number((seconds[2] ?? '').slice(0, 3).padEnd(3, '0')));
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)?$/.exec(text);
  if (!parts) return undefined;
  const moment = new Date(`${parts[1]}T${parts[2]}${(parts[3] ?? '').slice(0, 4)}Z`);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}
