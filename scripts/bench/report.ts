// Numbers as text: medians, and a line for each result with its target.

export interface Result {
  readonly what: string;
  readonly value: string;
  /** Absent where a number only informs. */
  readonly target?: { readonly text: string; readonly met: boolean };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A result that must not be above a limit. */
export function atMost(what: string, value: number, limit: number, unit = '', digits = 2): Result {
  return {
    what,
    value: `${value.toFixed(digits)}${unit}`,
    target: { text: `at most ${limit}${unit}`, met: value <= limit },
  };
}

/**
 * How many times as long as its rival ours took, by pairs that were measured one after the other: the
 * median, and how far the pairs spread.
 */
export function ratio(
  what: string,
  {
    ours,
    rival,
    limit,
  }: { readonly ours: readonly number[]; readonly rival: readonly number[]; readonly limit?: number },
): Result {
  const pairs = ours.map((seconds, at) => seconds / rival[at]!);
  const spread = `${Math.min(...pairs).toFixed(2)} to ${Math.max(...pairs).toFixed(2)} in ${pairs.length} rounds`;
  const value = `${median(pairs).toFixed(2)} (${spread})`;
  return limit === undefined ? { what, value } : { ...atMost(what, median(pairs), limit), value };
}

export function table(results: readonly Result[]): string {
  const width = (pick: (result: Result) => string): number => Math.max(...results.map((result) => pick(result).length));
  const whatWidth = width(({ what }) => what);
  const valueWidth = width(({ value }) => value);
  const verdict = ({ target }: Result): string => (target ? `   ${target.text}: ${target.met ? 'met' : 'MISSED'}` : '');
  return results
    .map((result) =>
      `${result.what.padEnd(whatWidth)}  ${result.value.padStart(valueWidth)}${verdict(result)}`.trimEnd(),
    )
    .join('\n');
}
