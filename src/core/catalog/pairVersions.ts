import type { VersionEntry } from './manifest';

/**
 * Finds the versions that two histories of a dataset have in common. A version is its bytes: SHA-256 and object key. Its number
 * only decides between several with the same bytes, which a rollback makes; what is left of those is paired oldest first.
 *
 * @example
 * const mineOf = pairVersions(base.history, mine.history);
 * mineOf.get(base.history[0]); // the same version in mine, if it is there
 */
export function pairVersions(
  from: readonly VersionEntry[],
  to: readonly VersionEntry[],
): ReadonlyMap<VersionEntry, VersionEntry> {
  const pairs = new Map<VersionEntry, VersionEntry>();
  const exact = new Map(to.map((entry) => [`${entry.version} ${bytesOf(entry)}`, entry]));
  const taken = new Set<VersionEntry>();
  for (const entry of from) {
    const other = exact.get(`${entry.version} ${bytesOf(entry)}`);
    if (!other) continue;
    pairs.set(entry, other);
    taken.add(other);
  }
  if (pairs.size === from.length || taken.size === to.length) return pairs;
  const left = new Map<string, VersionEntry[]>();
  for (const other of oldestFirst(to.filter((entry) => !taken.has(entry)))) {
    const same = left.get(bytesOf(other));
    if (same) same.push(other);
    else left.set(bytesOf(other), [other]);
  }
  for (const entry of oldestFirst(from.filter((other) => !pairs.has(other)))) {
    const other = left.get(bytesOf(entry))?.shift();
    if (other) pairs.set(entry, other);
  }
  return pairs;
}

/**
 * The versions by number, whatever their order in the file.
 *
 * @example
 * oldestFirst(dataset.history)[0]?.version; // 'v1'
 */
export function oldestFirst(entries: readonly VersionEntry[]): readonly VersionEntry[] {
  return [...entries].sort((a, b) => a.number - b.number);
}

function bytesOf({ sha256, key }: VersionEntry): string {
  return `${sha256} ${key}`;
}
