import type { VersionEntry } from './manifest';

/** What two versions with another number must share to be the same one. */
export type VersionIdentity = (entry: VersionEntry) => string;

/**
 * The bytes: SHA-256 and object key.
 *
 * @example
 * pairVersions(theirNew, ourNew, sameBytes); // both published the same file
 */
export const sameBytes: VersionIdentity = ({ sha256, key }) => `${sha256} ${key}`;

/**
 * The bytes and when they were published: going back to older bytes is a version of its own, being renumbered is not.
 *
 * @example
 * pairVersions(base.history, published.history, sameEntry); // also those that were renumbered since
 */
export const sameEntry: VersionIdentity = (entry) => `${sameBytes(entry)} ${entry.timestamp}`;

/**
 * Finds the versions that two histories of a dataset have in common: those with the same number and bytes, and of what is left
 * those with the same identity, oldest first.
 *
 * @example
 * const mineOf = pairVersions(base.history, mine.history, sameEntry);
 * mineOf.get(base.history[0]); // the same version in mine, if it is there
 */
export function pairVersions(
  from: readonly VersionEntry[],
  to: readonly VersionEntry[],
  identity: VersionIdentity,
): ReadonlyMap<VersionEntry, VersionEntry> {
  const pairs = new Map<VersionEntry, VersionEntry>();
  const numbered = new Map(to.map((entry) => [`${entry.version} ${sameBytes(entry)}`, entry]));
  const taken = new Set<VersionEntry>();
  for (const entry of from) {
    const other = numbered.get(`${entry.version} ${sameBytes(entry)}`);
    if (!other) continue;
    pairs.set(entry, other);
    taken.add(other);
  }
  if (pairs.size === from.length || taken.size === to.length) return pairs;
  const left = new Map<string, VersionEntry[]>();
  for (const other of oldestFirst(to.filter((entry) => !taken.has(entry)))) {
    const same = left.get(identity(other));
    if (same) same.push(other);
    else left.set(identity(other), [other]);
  }
  for (const entry of oldestFirst(from.filter((other) => !pairs.has(other)))) {
    const other = left.get(identity(entry))?.shift();
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
