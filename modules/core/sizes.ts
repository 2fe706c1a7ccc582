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
