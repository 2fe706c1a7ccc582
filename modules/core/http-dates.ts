// Parses `Last-Modified` as the Bare Metal service does: three formats, anything else is unknown.

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = 'mon|tue|wed|thu|fri|sat|sun';
const longDays = 'monday|tuesday|wednesday|thursday|friday|saturday|sunday';
const clock = '(?<hour>\\d{1,2}):(?<minute>\\d{1,2}):(?<second>\\d{1,2})';
const month = `(?<month>${months.join('|')})`;

/**
 * RFC 822, RFC 850 and ANSI C's asctime, as Python's `strptime` reads them: ignoring case, and not
 * checking the weekday.
 */
const formats: readonly RegExp[] = [
  new RegExp(`^(?:${days}),\\s+(?<day>\\d{1,2})\\s+${month}\\s+(?<year>\\d{4})\\s+${clock}\\s+gmt$`, 'i'),
  new RegExp(`^(?:${longDays}),\\s+(?<day>\\d{1,2})-${month}-(?<year>\\d{2})\\s+${clock}\\s+gmt$`, 'i'),
  new RegExp(`^(?:${days})\\s+${month}\\s+(?<day>\\d{1,2})\\s+${clock}\\s+(?<year>\\d{4})$`, 'i'),
];

/**
 * The milliseconds since 1970 of an HTTP date; undefined if it is absent or has another format.
 * Source: HttpImageService.show() of Ironic, ironic/common/image_service.py.
 */
export function parseHttpDate(text: string | undefined): number | undefined {
  const found = formats.map((format) => format.exec(text?.trim() ?? '')).find((match) => match !== null);
  if (!found?.groups) return undefined;
  const { day, hour, minute, second } = found.groups;
  const part = [Number(day), Number(hour), Number(minute), Number(second)] as const;
  const year = fullYear(found.groups.year ?? '');
  const monthIndex = months.indexOf((found.groups.month ?? '').toLowerCase());
  const date = new Date(0);
  date.setUTCFullYear(year, monthIndex, part[0]);
  date.setUTCHours(part[1], part[2], part[3]);
  const isReal = date.getUTCDate() === part[0] && part[1] < 24 && part[2] < 60 && part[3] < 60 && year > 0;
  return isReal ? date.getTime() : undefined;
}

/** As in POSIX, 69 to 99 are in the twentieth century, 0 to 68 in the next. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length === 4) return year;
  return year < 69 ? 2000 + year : 1900 + year;
}
