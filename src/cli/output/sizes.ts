const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A number of bytes for people: `0 B`, `999 B`, `1.5 KiB`, `20 GiB`. */
export function humanSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  // From 1023.95 on, one decimal would read 1024.0.
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
