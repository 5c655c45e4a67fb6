import type { TrackedFile } from './cleanPaths';
import type { IndexLock } from './indexLock';
import type { RefLock } from './lockNote';
import type { Head } from './readRefs';
import type { FileReplacement } from './workTreeFiles';

/** What an entry of index and tree becomes. */
export interface EntryChange {
  /** From the top of the work tree, with `/`. */
  readonly path: string;
  /** `100644` or `100755`. */
  readonly mode: string;
  /** Blob id; null takes the entry away. */
  readonly oid: string | null;
}

export interface NewCommit {
  readonly tree: string;
  /** Null for the first commit of a branch. */
  readonly parent: string | null;
  readonly message: string;
}

export interface HeadMove {
  /** What HEAD must be still. */
  readonly from: Head;
  /** The commit that it becomes. */
  readonly to: string;
  /** One line for the reflog. */
  readonly reason: string;
}

export interface PreparedMove {
  /** Locks that `perform` will take, to be noted on disk before. */
  readonly locks: readonly RefLock[];
  /** Compare and swap, with reflogs. Takes no signal: it must not be left open whether it happened. Throws REF_MOVED, REPOSITORY_BUSY. */
  perform(): Promise<void>;
}

/**
 * The steps of a change to a repository that depend on how it is laid out: the system's git knows every layout, our own code the
 * ordinary ones. All of them are called while `index.lock` is held. Objects, and what `perform` did, are on the disk when they return.
 */
export interface RepositoryWriter {
  /** As `requireCleanPaths` promises. */
  requireCleanPaths(head: Head, files: readonly FileReplacement[]): Promise<ReadonlyMap<string, TrackedFile>>;
  writeBlob(bytes: Buffer): Promise<string>;
  /** The tree of HEAD with these changes. */
  treeWith(lock: IndexLock, head: Head, changes: readonly EntryChange[]): Promise<string>;
  writeCommit(commit: NewCommit): Promise<string>;
  /** The user's index with these changes, and everything else in it as it is. */
  indexWith(lock: IndexLock, changes: readonly EntryChange[]): Promise<Buffer>;
  /** Makes ready to move HEAD; nothing has moved yet. */
  prepareMove(lock: IndexLock, move: HeadMove): Promise<PreparedMove>;
}
