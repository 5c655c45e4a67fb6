import type { JsonObject } from './json';

/** "This version was derived from that one." It pins bytes by hash; name and version are for reading. */
export interface LineageEdge {
  readonly sha256: string;
  readonly name: string;
  readonly version: string;
}

/**
 * `published`: the object is in the store. `pending`: staged by the original tool, not yet in the store.
 * `pending-deletion`: the original tool will delete it. `deleted`: withdrawn by us; the entry stays.
 */
export type VersionStatus = 'published' | 'pending' | 'pending-deletion' | 'deleted';

/** One version of a dataset: a typed view over the entry's JSON, which stays the truth and keeps unknown members. */
export interface VersionEntry {
  /** `v3`. */
  readonly version: string;
  readonly number: number;
  /** As recorded: UTC, ISO 8601. */
  readonly timestamp: string;
  readonly sha256: string;
  /** Object key as stored; never computed. */
  readonly key: string;
  /** Path of the stored `.diff` in the repository. */
  readonly diffFromPrevious: string | null;
  /** Commit that an older tool recorded; it often does not exist. The real one is derived from Git history. */
  readonly recordedCommit: string | null;
  /** Bytes; null when an older tool did not record it. */
  readonly size: number | null;
  readonly description: string | null;
  readonly author: string | null;
  readonly source: string | null;
  readonly parents: readonly LineageEdge[];
  /** Hash of what a SQLite file says, the same whatever its layout; null for other files and when it was not recorded. */
  readonly contentHash: string | null;
  readonly status: VersionStatus;
  readonly statusReason: string | null;
  readonly json: JsonObject;
}

export interface Dataset {
  readonly name: string;
  readonly description: string | null;
  readonly source: string | null;
  readonly license: string | null;
  readonly tags: readonly string[];
  /** Row keys for the diff, by table. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** Status of the dataset as a whole; its versions have their own. */
  readonly status: VersionStatus;
  /** Newest first, never empty. */
  readonly history: readonly [VersionEntry, ...VersionEntry[]];
  readonly json: JsonObject;
}

/** The catalog of a repository, as `manifest.json` holds it. */
export interface Manifest {
  readonly datasets: readonly Dataset[];
}

/**
 * The newest version of a dataset. `latestVersion` in the file is not trusted: the original tool leaves it wrong.
 *
 * @example
 * latest(dataset).sha256;
 */
export function latest(dataset: Dataset): VersionEntry {
  return dataset.history[0];
}
