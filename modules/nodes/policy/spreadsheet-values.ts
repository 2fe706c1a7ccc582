// What spreadsheets make of values that look to them like numbers, dates or formulas. The cell is
// never quoted, since it may be a password.
import type { Values } from './node-differences.js';

const adviceOnFormat = 'format the column as text, and enter the value again';

/** Why a cell cannot be what somebody has entered. */
export function spreadsheetFault(cell: string): string | undefined {
  if (/^#(REF!|N\/A|NAME\?|VALUE!|DIV\/0!|NUM!|NULL!)$/.test(cell)) return `${cell} is an error of a spreadsheet`;
  // Digits are lost, such as those of a MAC address or a serial number.
  if (/^[+-]?\d([.,]\d+)?E[+-]\d{1,3}$/.test(cell))
    return `a spreadsheet has made a rounded number of it; ${adviceOnFormat}, or use a YAML file if it is meant`;
  if (/^[\p{Z}\u200B-\u200F\uFEFF]|[\p{Z}\u200B-\u200F\uFEFF]$/u.test(cell))
    return 'it begins or ends with an invisible character, such as a no-break space';
  return undefined;
}

const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const date = new RegExp(`^(\\d{1,2}-(${months})(-\\d{2,4})?|(${months})-\\d{2})$`);

/** What may be meant, and is worth a look. `hasNames`: other rows can have a name. */
export function spreadsheetWarnings({ name }: Values, hasNames: boolean): string[] {
  if (name === undefined) return hasNames ? ['the row has no name, and a node that is created from it gets none'] : [];
  return typeof name === 'string' && date.test(name)
    ? [`the name looks like a date that a spreadsheet has made, for example of 2-1; if so, ${adviceOnFormat}`]
    : [];
}
