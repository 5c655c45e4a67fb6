import { throwIfCancelled } from '../errors';
import type { TrackedFile } from './cleanPaths';
import { type IndexLock, lockIndex } from './indexLock';
import { type Head, readHead } from './readRefs';
import type { Repository } from './repository';
import type { EntryChange, PreparedMove, RepositoryWriter } from './repositoryWriter';
import { type FileReplacement, replaceFiles } from './workTreeFiles';

/** A file of the work tree and its entry of index and tree, which become the same. */
export interface PlannedFile extends FileReplacement, EntryChange {}

export interface CommitSwitch {
  readonly repo: Repository;
  readonly writer: RepositoryWriter;
  readonly lock: IndexLock;
  readonly head: Head;
  /** An existing commit that differs from HEAD's by these files; or what makes it once they are in their places, as hooks need it. */
  readonly to: string | (() => Promise<string>);
  readonly files: readonly PlannedFile[];
  /** Those of the files that HEAD has. */
  readonly tracked: ReadonlyMap<string, TrackedFile>;
  /** For the reflog. */
  readonly reason: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes another commit HEAD, together with these files in index and work tree, and returns it. Lets go of the lock when it has
 * happened; if it throws, all is as it was and the lock is still held.
 *
 * The order is git's own: build everything aside, write the files, move HEAD by compare-and-swap (the point of no return), rename
 * the lock over the index. The index is prepared before HEAD moves, because an index that lags behind HEAD shows our commit as a
 * staged revert, which the user's next `git commit` would carry out. A process that dies in between is cleaned up after by
 * `recoverInterruptedCommit`.
 */
export async function switchCommit(change: CommitSwitch): Promise<string> {
  const { repo, writer, lock, head, files, tracked, reason, signal } = change;
  const note = files.map(({ path, oid }) => ({ path, before: tracked.get(path)?.oid ?? null, after: oid }));
  const prepare = async (to: string): Promise<PreparedMove> => {
    const move = await writer.prepareMove(lock, { from: head, to, reason });
    await lock.plan({ commit: to, parent: head.oid, refLocks: move.locks, files: note });
    return move;
  };

  await lock.write(await writer.indexWith(lock, files));
  throwIfCancelled(signal);
  let to = typeof change.to === 'string' ? change.to : null;
  let move = to === null ? null : await prepare(to);
  if (to === null) await lock.plan({ commit: null, parent: head.oid, refLocks: [], files: note });
  const undo = await replaceFiles(repo.root, files);
  try {
    if (typeof change.to !== 'string') {
      to = await change.to();
      move = await prepare(to);
    }
    throwIfCancelled(signal);
    await move?.perform();
  } catch (error) {
    // It may have happened all the same: git was killed from outside after its rename.
    if (to === null || (await readHead(repo)).oid !== to) {
      await undo();
      throw error;
    }
  }
  await lock.commit().catch(() => renewIndex(change));
  return to ?? '';
}

/** Windows may refuse to rename over an index that somebody reads: try again from the start. HEAD has moved, so this may not fail us. */
async function renewIndex({ repo, writer, lock, files }: CommitSwitch): Promise<void> {
  await lock.release();
  const again = await lockIndex(repo, 5000).catch(() => null);
  if (!again) return;
  try {
    await again.write(await writer.indexWith(again, files));
    await again.commit();
  } catch {
    await again.release();
  }
}
