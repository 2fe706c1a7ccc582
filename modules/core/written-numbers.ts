// Numbers as people and programs write them. One that JavaScript would spell differently keeps its
// spelling until the type of its field is known.

const brand = Symbol('number as it was written');

/**
 * A number whose spelling a JavaScript number does not preserve: `1.10`, `1e400`, or more digits
 * than it can hold.
 */
export interface WrittenNumber {
  readonly [brand]: true;
  readonly source: string;
  /**
   * Its value where a number is expected; undefined if it is only clear in quotes what is meant.
   */
  readonly number: number | undefined;
  toString(): string;
  toJSON(): string;
}

export function isWrittenNumber(value: unknown): value is WrittenNumber {
  return typeof value === 'object' && value !== null && brand in value;
}

function writtenNumber(source: string, number: number | undefined): WrittenNumber {
  return { [brand]: true, source, number, toString: () => source, toJSON: () => source };
}

/**
 * A number in YAML: one that JavaScript would spell differently may be a version or a password, so
 * it has no value.
 */
export function yamlNumber(source: string): number | WrittenNumber {
  const value = Number(source);
  return String(value) === source ? value : writtenNumber(source, undefined);
}

/**
 * A number in JSON, which programs write: it has a value if JavaScript can hold exactly that
 * number.
 */
export function jsonNumber(source: string): number | WrittenNumber {
  const value = Number(source);
  return String(value) === source ? value : writtenNumber(source, exactNumber(source));
}

/** The value of a text, if JavaScript can hold exactly that number. */
export function exactNumber(source: string): number | undefined {
  const value = Number(source);
  const canonical = canonicalDecimal(source);
  return canonical !== undefined && Number.isFinite(value) && canonicalDecimal(String(value)) === canonical
    ? value
    : undefined;
}

/**
 * One spelling for each decimal number: its digits without zeros at the ends, and the power of ten.
 */
function canonicalDecimal(text: string): string | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([-+]?)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text) ?? [];
  if (whole + fraction === '') return undefined;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign === '-' ? '-' : ''}${significant}e${power}`;
}
