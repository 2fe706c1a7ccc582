// Numbers as people and programs write them. One that JavaScript would spell in another way keeps its spelling until it is known what is wanted.

const brand = Symbol('number as it was written');

/** A number whose spelling a JavaScript number does not give back: `1.10`, `1e400`, or more digits than it holds. */
export interface WrittenNumber {
  readonly [brand]: true;
  readonly source: string;
  /** The number that it may stand for where a number is wanted; undefined where only quotes make clear what is meant. */
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

/** A number of YAML: one that is spelt in another way than JavaScript spells it may be a version or a password, so it stands for none. */
export function yamlNumber(source: string): number | WrittenNumber {
  const value = Number(source);
  return String(value) === source ? value : writtenNumber(source, undefined);
}

/** A number of JSON, which programs write: it stands for itself wherever JavaScript holds exactly that number. */
export function jsonNumber(source: string): number | WrittenNumber {
  const value = Number(source);
  return String(value) === source ? value : writtenNumber(source, exactNumber(source));
}

/** The number that a text is, where JavaScript holds exactly that number. */
export function exactNumber(source: string): number | undefined {
  const value = Number(source);
  const wanted = canonicalDecimal(source);
  return wanted !== undefined && Number.isFinite(value) && canonicalDecimal(String(value)) === wanted
    ? value
    : undefined;
}

/** One spelling for each decimal number: its digits without zeros at the ends, and the power of ten. */
function canonicalDecimal(text: string): string | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([-+]?)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text) ?? [];
  if (whole + fraction === '') return undefined;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign === '-' ? '-' : ''}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
