import { DataManagerError } from '../errors';
import { chooseWriter } from './chooseWriter';
import type { TrackedFile } from './cleanPaths';
import { compareTrees, type TreeDifference } from './compareTrees';
import { lockIndex } from './indexLock';
import { refuseDuringGitOperation } from './operationInProgress';
import { readBlob, readCommit } from './readObjects';
import { readHead } from './readRefs';
import type { GitProgram, Repository } from './repository';
import { type PlannedFile, switchCommit } from './switchCommit';
import { bytesOf } from './workTreeFiles';
import { workTreePath } from './workTreePath';

export interface MoveBranchOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  /** Commit to go to, full id: an ancestor, a descendant or any other. */
  readonly to: string;
  /** Full id that HEAD must have; without it, whatever it has. */
  readonly expected?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for another program's lock. Default 5000. */
  readonly lockTimeoutMs?: number | undefined;
  /** For tests: this writer, whatever `chooseWriter` finds. */
  readonly writer?: 'locked' | 'git' | undefined;
}

export interface MovedBranch {
  readonly from: string;
  readonly to: string;
}

/**
 * Moves the current branch (or a detached HEAD), index and work tree to another commit that is here already: how our own unpublished
 * commits are taken off and put back. The files that differ must be untouched by the user, who keeps everything else as it is: staged,
 * changed, untracked. If it throws, nothing has changed; a process that dies in between is cleaned up after by
 * `recoverInterruptedCommit`.
 *
 * Throws REF_MOVED (HEAD is not `expected`, or moved meanwhile), PATH_DIRTY, FILE_NOT_REGULAR, REPOSITORY_UNSUPPORTED (a difference
 * is not just the content of a regular file), COMMIT_NOT_FOUND, GIT_OPERATION_IN_PROGRESS, REPOSITORY_BUSY, GIT_IDENTITY_MISSING,
 * OUTPUT_UNWRITABLE, DISK_FULL, GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const { from } = await moveBranchTo({ repo, git, to: base, expected: ours });
 */
export async function moveBranchTo(options: MoveBranchOptions): Promise<MovedBranch> {
  const { repo, git, to, expected, signal, lockTimeoutMs = 5000 } = options;
  await refuseDuringGitOperation(repo);
  const target = await readCommit(repo, to);
  const lock = await lockIndex(repo, lockTimeoutMs, signal);
  let moved = false;
  try {
    const head = await readHead(repo);
    if (head.oid === null || (expected !== undefined && head.oid !== expected)) throw headMoved(expected, head.oid);
    if (head.oid === to) return { from: to, to };
    const differences = await compareTrees(repo, (await readCommit(repo, head.oid)).tree, target.tree);
    refuseFoldersForFiles(differences);
    const files: PlannedFile[] = [];
    for (const difference of differences) files.push(await plannedFile(repo, difference));
    const paths = files.map(({ path }) => path);
    const { writer } = await chooseWriter({ repo, git, paths, signal, force: options.writer });
    const tracked = await writer.requireCleanPaths(head, files);
    const reason = `datamanager: move to ${to}`;
    await switchCommit({ repo, writer, lock, head, to, files, tracked, reason, signal });
    moved = true;
    return { from: head.oid, to };
  } finally {
    if (!moved) await lock.release();
  }
}

function headMoved(expected: string | undefined, actual: string | null): DataManagerError {
  return new DataManagerError('REF_MOVED', 'The branch is not where it was a moment ago.', {
    hint: 'Try again.',
    data: { expected: expected ?? null, actual },
  });
}

function unsupported(path: string, why: string): DataManagerError {
  return new DataManagerError('REPOSITORY_UNSUPPORTED', `${path} ${why} between the two commits.`, {
    hint: 'Use git itself to go from one to the other.',
    data: { path },
  });
}

async function plannedFile(repo: Repository, { rawPath, from, to }: TreeDifference): Promise<PlannedFile> {
  const bytes = Buffer.from(rawPath, 'latin1');
  const path = bytes.toString('utf8');
  if (!Buffer.from(path).equals(bytes)) throw unsupported(path, 'has a name that is not UTF-8 and differs');
  for (const entry of [from, to]) {
    if (entry && !isRegular(entry)) {
      throw new DataManagerError('FILE_NOT_REGULAR', `${path} is not a regular file in one of the two commits.`, {
        hint: 'Use git itself to go from one to the other.',
        data: { path },
      });
    }
  }
  const mode = from?.mode ?? '100644';
  // A file keeps the rights that it has; one that is made anew, now or when this is undone, gets those of any new file.
  if (mode !== (to?.mode ?? '100644')) throw unsupported(path, 'changes its executable bit');
  const file = await workTreePath(repo, path);
  const before = await bytesOf(file);
  const after = to && Buffer.from(await readBlob(repo, to.oid));
  return { path, file, before, after, mode, oid: to?.oid ?? null };
}

function isRegular({ mode }: TrackedFile): boolean {
  return mode === '100644' || mode === '100755';
}

/** Files are replaced one by one, and put back one by one: none may be in the way of another. */
function refuseFoldersForFiles(differences: readonly TreeDifference[]): void {
  const paths = new Set(differences.map(({ rawPath }) => rawPath));
  for (const path of paths) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      if (paths.has(folder)) throw unsupported(folder, 'is a file in one and a folder in the other');
    }
  }
}
