import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import { diskFull, isDiskFull } from '../store/fileErrors';
import {
  claimDeadNote,
  draftNote,
  fileIdentity,
  holderPath,
  lockPath,
  noteFolder,
  noteHolder,
  type PlannedCommit,
  readHolder,
} from './lockNote';
import { isAlive } from './processMark';
import { readBlob } from './readObjects';
import { readHead } from './readRefs';
import type { Repository } from './repository';
import { bytesOf, isDraftName, renameWithPatience, replaceFiles } from './workTreeFiles';
import { workTreePath } from './workTreePath';

export interface IndexLock {
  /** A folder for drafts, empty at first and removed with the lock. */
  readonly draftDir: string;
  /** What will be the index after `commit()`. */
  write(index: Buffer): Promise<void>;
  /** Notes on disk what is about to happen. */
  plan(planned: PlannedCommit): Promise<void>;
  /** Makes what was written the index, and lets go. */
  commit(): Promise<void>;
  /** Lets go; the index stays as it was. */
  release(): Promise<void>;
}

const draftPath = (repo: Repository): string => join(noteFolder(repo), 'draft');

/**
 * Takes the lock; null when somebody has it. The file and the note about its holder are made beforehand and put into their places
 * by two calls in a row, so that a process killed in between is all but impossible: nobody could tell whose that lock is.
 */
async function takeLock(repo: Repository): Promise<{ readonly handle: FileHandle; readonly lock: string } | null> {
  const draft = join(noteFolder(repo), `lock.${randomBytes(6).toString('hex')}`);
  await mkdir(dirname(draft), { recursive: true });
  const handle = await open(draft, 'wx', 0o666);
  let note: string | null = null;
  try {
    const lock = (await fileIdentity(draft)) ?? '';
    note = await draftNote(repo, lock, null);
    await link(draft, lockPath(repo));
    await rename(note, holderPath(repo)).catch(async (error) => {
      await rm(lockPath(repo), { force: true });
      throw error;
    });
    return { handle, lock };
  } catch (error) {
    await handle.close();
    if (note) await rm(note, { force: true });
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return null;
    // A disk without hard links.
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) return takeLockWithoutLink(repo);
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function takeLockWithoutLink(
  repo: Repository,
): Promise<{ readonly handle: FileHandle; readonly lock: string } | null> {
  const handle = await open(lockPath(repo), 'wx', 0o666).catch((error) => {
    // EPERM: Windows, while the lock before is still being deleted.
    if (['EEXIST', 'EPERM'].includes(systemCode(error) ?? '')) return null;
    throw error;
  });
  if (!handle) return null;
  const lock = (await fileIdentity(lockPath(repo))) ?? '';
  await noteHolder(repo, lock, null);
  return { handle, lock };
}

/**
 * Takes git's own lock on the index of this work tree, so that no other git writes it meanwhile. Waits up to `waitMs` for another
 * holder. A lock left by a dead process of ours is cleared first (see `recoverInterruptedCommit`).
 *
 * Throws REPOSITORY_BUSY, CANCELLED, OUTPUT_UNWRITABLE when the Git directory can't be written.
 */
export async function lockIndex(repo: Repository, waitMs: number, signal?: AbortSignal): Promise<IndexLock> {
  const deadline = Date.now() + waitMs;
  await recoverInterruptedCommit(repo);
  for (;;) {
    throwIfCancelled(signal);
    const taken = await takeLock(repo).catch((error) => {
      throw unwritable(repo, error);
    });
    if (taken) {
      const { handle, lock } = taken;
      try {
        const mode = (await stat(join(repo.gitDir, 'index')).catch(() => null))?.mode;
        if (mode !== undefined) await handle.chmod(mode & 0o777); // core.sharedRepository
        await rm(draftPath(repo), { recursive: true, force: true }); // of a holder that died
        await mkdir(draftPath(repo));
        return heldLock(repo, handle, lock);
      } catch (error) {
        await handle.close();
        await rm(holderPath(repo), { force: true });
        await rm(lockPath(repo), { force: true });
        throw unwritable(repo, error);
      }
    }
    if (Date.now() >= deadline) {
      throw await busy(repo);
    }
    await new Promise((done) => setTimeout(done, 20 + Math.random() * 60));
  }
}

async function busy(repo: Repository): Promise<DataManagerError> {
  const lock = lockPath(repo);
  const holder = await readHolder(repo);
  if (holder && isAlive(holder) && holder.lock === (await fileIdentity(lock))) {
    const { pid, host } = holder;
    return new DataManagerError(
      'REPOSITORY_BUSY',
      `Another Data Manager (process ${pid} on ${host}) is changing ${repo.root}.`,
      { hint: 'Try again in a moment.', data: { lock, pid, host } },
    );
  }
  return new DataManagerError('REPOSITORY_BUSY', `Another program is changing ${repo.root} (${lock} exists).`, {
    hint: 'Try again in a moment. If no git is running, delete that file.',
    data: { lock },
  });
}

/** Words for a failure to write in the Git directory: DISK_FULL or OUTPUT_UNWRITABLE. Any other error passes unchanged. */
export function unwritable(repo: Repository, cause: unknown): unknown {
  if (isDiskFull(cause)) return diskFull(repo.gitDir, cause);
  if (!/^E[A-Z0-9]+$/.test(systemCode(cause) ?? '')) return cause;
  return new DataManagerError('OUTPUT_UNWRITABLE', `The Git directory ${repo.gitDir} cannot be written.`, {
    hint: 'Check its owner and rights.',
    cause,
  });
}

function heldLock(repo: Repository, handle: FileHandle, lock: string): IndexLock {
  const forgetHolder = (): Promise<void> => rm(holderPath(repo), { force: true });
  const dropDrafts = (): Promise<void> => rm(draftPath(repo), { recursive: true, force: true });
  return {
    draftDir: draftPath(repo),
    async write(index) {
      try {
        await handle.truncate(0);
        await handle.write(index, 0, index.length, 0);
        await handle.sync();
      } catch (error) {
        throw unwritable(repo, error);
      }
    },
    plan: (planned) =>
      noteHolder(repo, lock, planned).catch((error) => {
        throw unwritable(repo, error);
      }),
    async commit() {
      await handle.close();
      await dropDrafts();
      await renameWithPatience(lockPath(repo), join(repo.gitDir, 'index'));
      await forgetHolder();
    },
    async release() {
      await handle.close().catch(() => {});
      await dropDrafts();
      // The holder's note goes first: were it left alone, it would speak about somebody else's lock.
      await forgetHolder();
      await rm(lockPath(repo), { force: true });
    },
  };
}

/** Git's id for these bytes as a blob. */
function blobId(bytes: Buffer | null): string | null {
  return bytes && createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

/**
 * Cleans up after a process of ours that died inside `commitPaths`: if its commit became HEAD, the index is brought up to it;
 * otherwise its files are put back. Does nothing while that process lives, or when there is nothing to do; removes no lock but ours.
 *
 * @example
 * await recoverInterruptedCommit(repo); // `commitPaths` does it by itself
 */
export async function recoverInterruptedCommit(repo: Repository): Promise<void> {
  const claim = await claimDeadNote(repo);
  if (!claim) return;
  const { holder } = claim;
  for (const { path, identity } of holder.planned?.refLocks ?? []) {
    if ((await fileIdentity(path)) === identity) await rm(path, { force: true });
  }
  const ours = (await fileIdentity(lockPath(repo))) === holder.lock;
  const head = await readHead(repo);
  // What it left half written; as long as its lock is there, nobody else writes such files.
  if (ours) await dropLeftovers(repo, holder.planned);
  if (holder.planned && holder.planned.commit !== null && head.oid === holder.planned.commit) {
    if (ours) await renameWithPatience(lockPath(repo), join(repo.gitDir, 'index'));
  } else {
    if (holder.planned && head.oid === holder.planned.parent) await putBack(repo, holder.planned);
    if (ours) await rm(lockPath(repo), { force: true });
  }
  await rm(claim.path, { force: true });
}

/**
 * True while a living process of ours commits: files and index may be ahead of HEAD then.
 *
 * @example
 * if (await isCommitInFlight(repo)) await new Promise((done) => setTimeout(done, 50));
 */
export async function isCommitInFlight(repo: Repository): Promise<boolean> {
  const holder = await readHolder(repo);
  return holder !== null && isAlive(holder) && (await fileIdentity(lockPath(repo))) === holder.lock;
}

async function dropLeftovers(repo: Repository, planned: PlannedCommit | null): Promise<void> {
  await rm(draftPath(repo), { recursive: true, force: true });
  for (const folder of new Set(planned?.files.map(({ path }) => dirname(join(repo.root, path))))) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (isDraftName(name)) await rm(join(folder, name), { force: true });
    }
  }
}

async function putBack(repo: Repository, planned: PlannedCommit): Promise<void> {
  for (const { path, before, after } of planned.files) {
    const file = await workTreePath(repo, path);
    const now = await bytesOf(file);
    if (blobId(now) !== after) continue; // not written yet, or changed since
    const bytes = before === null ? null : Buffer.from(await readBlob(repo, before));
    await replaceFiles(repo.root, [{ path, file, before: now, after: bytes }]);
  }
}
