// Sizes in bytes, and how they are shown.

export const mebibyte = 2 ** 20;

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size for people to read: about three digits, and a unit. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 0), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** The same always in MiB, for columns of sizes. */
export function formatMebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}

const multiples: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** What an option accepts as a size. */
export const sizePattern = {
  regex: '^\\d+(\\.\\d+)? ?([KMGT]i?B?|B)?$',
  meaning: 'a size such as 20GiB or 500MiB',
} as const;

/**
 * The bytes of a size such as `20GiB`, whose pattern was validated. K, M, G and T are powers of
 * 1024, whatever follows.
 */
export function sizeInBytes(size: string): number {
  const [, amount = '0', unit = ''] = /^([\d.]+) ?([KMGT]?)/.exec(size) ?? [];
  return Math.floor(Number(amount) * (multiples[unit] ?? 1));
}
