const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size for people, in decimal units as file managers show it: 1_234_567 -> `1.2 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** How long something takes, for people: `4 s`, `3 min`, `2 h 5 min`. Units are international symbols. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 365.25 * 24 * 3600],
  ['month', 30.44 * 24 * 3600],
  ['week', 7 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago, in the user's language: `3 days ago`. Null for a time that can't be read. */
export function formatAge(time: string | number, now: number, language: string): string | null {
  const at = typeof time === 'number' ? time : Date.parse(time);
  if (Number.isNaN(at)) return null;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  // A clock that is a little ahead must not say "in 2 seconds".
  const seconds = Math.max(0, (now - at) / 1000);
  for (const [unit, length] of steps) if (seconds >= length) return format.format(-Math.floor(seconds / length), unit);
  return format.format(0, 'second');
}

/** A time that can be read, in the user's language and time zone. */
export function formatTime(time: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(Date.parse(time));
}
