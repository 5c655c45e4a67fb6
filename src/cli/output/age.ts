const steps: readonly (readonly [seconds: number, name: string])[] = [
  [365.25 * 86400, 'year'],
  [30.44 * 86400, 'month'],
  [7 * 86400, 'week'],
  [86400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
];

/** How long ago something was: `just now`, `3 days ago`. What can't be read as a time is shown as it is. */
export function age(timestamp: string | number, now: Date): string {
  const then = new Date(timestamp).getTime();
  if (Number.isNaN(then)) return String(timestamp);
  const seconds = (now.getTime() - then) / 1000;
  // Clocks of two machines differ; a time further ahead is better shown than explained.
  if (seconds < -60) return new Date(then).toISOString();
  for (const [length, name] of steps) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}
