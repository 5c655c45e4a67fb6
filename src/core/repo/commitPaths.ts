import { DataManagerError } from '../errors';
import { chooseWriter } from './chooseWriter';
import { commitHooks } from './commitHooks';
import { draftIndex } from './gitWriter';
import { hookedCommit } from './hookedCommit';
import { lockIndex } from './indexLock';
import { refuseDuringGitOperation } from './operationInProgress';
import { readCommit } from './readObjects';
import { readHead } from './readRefs';
import type { GitProgram, Repository } from './repository';
import { type PlannedFile, switchCommit } from './switchCommit';
import { bytesOf, type FileReplacement } from './workTreeFiles';
import { workTreePath } from './workTreePath';

export interface PathChange {
  /** From the top of the work tree, with `/`. */
  readonly path: string;
  /** Null deletes the file. */
  readonly content: Uint8Array | string | null;
  /** The text that `content` was made from (null: no file). If the file holds another by now, nothing is committed: REF_MOVED. */
  readonly base?: string | null | undefined;
}

export interface CommitPathsOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly changes: readonly PathChange[];
  readonly message: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for another program's lock. Default 5000. */
  readonly lockTimeoutMs?: number | undefined;
  /** For tests: this writer, whatever `chooseWriter` finds. */
  readonly writer?: 'locked' | 'git' | undefined;
}

export interface CommittedPaths {
  /** The new commit; the old one when `created` is false. */
  readonly commit: string;
  /** Null for the first commit of a branch. */
  readonly parent: string | null;
  /** Null when HEAD is detached. */
  readonly branch: string | null;
  /** False when the changes were there already: nothing was committed. */
  readonly created: boolean;
}

/**
 * Commits exactly these files on top of HEAD, in one step: bytes given as an argument, not what is staged. What the user has staged,
 * changed or left untracked elsewhere stays as it is, to the byte. Works on an unborn branch, a detached HEAD, in linked worktrees;
 * hooks run and `commit.gpgSign` is
 * honoured. If it throws, HEAD, index and files are as they were.
 *
 * A process that dies in between is cleaned up after by the next call.
 *
 * Throws NAME_INVALID, FILE_NOT_REGULAR, PATH_DIRTY (a path has changes of the user's), GIT_IDENTITY_MISSING,
 * GIT_OPERATION_IN_PROGRESS, REPOSITORY_BUSY (somebody holds a lock), REF_MOVED (HEAD or the `base` of a file moved meanwhile: call again),
 * REPOSITORY_UNSUPPORTED (an LFS or other filter would rewrite a path), HOOK_REFUSED (`data.hook`, `data.output`), OUTPUT_UNWRITABLE, DISK_FULL, GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const { commit } = await commitPaths({ repo, git, changes: [{ path: 'manifest.json', content }], message: 'Add utopia v2' });
 */
export async function commitPaths(options: CommitPathsOptions): Promise<CommittedPaths> {
  const { repo, git, changes, message, signal, lockTimeoutMs = 5000 } = options;
  const files = new Map<string, string>();
  for (const { path } of changes) {
    if (files.has(path)) throw new DataManagerError('NAME_INVALID', `"${path}" is given twice.`, { data: { path } });
    files.set(path, await workTreePath(repo, path));
  }
  await refuseDuringGitOperation(repo);
  const chosen = await chooseWriter({ repo, git, paths: [...files.keys()], signal, force: options.writer });
  const { writer, settings } = chosen;

  const contents: (FileReplacement & { readonly oid: string | null })[] = [];
  for (const { path, content } of changes) {
    const after = content === null ? null : Buffer.from(content);
    const oid = after && (await writer.writeBlob(after));
    contents.push({ path, file: files.get(path) ?? '', before: null, after, oid });
  }
  const lock = await lockIndex(repo, lockTimeoutMs, signal);
  let committed = false;
  try {
    // Read before the check, compared again before each write: an edit at any moment in between is noticed.
    const current: typeof contents = [];
    for (const file of contents) current.push({ ...file, before: await bytesOf(file.file) });
    requireBases(changes, current);
    const head = await readHead(repo);
    const tracked = await writer.requireCleanPaths(head, current);
    const planned: PlannedFile[] = current.map((file) => ({ ...file, mode: tracked.get(file.path)?.mode ?? '100644' }));
    const tree = await writer.treeWith(lock, head, planned);
    if (head.oid !== null && tree === (await readCommit(repo, head.oid)).tree) {
      return { commit: head.oid, parent: head.oid, branch: head.branch, created: false };
    }
    const index = draftIndex(lock.draftDir);
    const hooks = chosen.hooked ? commitHooks({ repo, git, settings, index, signal }) : null;
    const made = { tree, parent: head.oid, message };
    const to = hooks
      ? () => hookedCommit({ ...made, repo, git, writer, hooks, index, files: planned, signal })
      : await writer.writeCommit(made);
    const reason = `datamanager: ${message.split('\n', 1)[0] ?? ''}`;
    const commit = await switchCommit({ repo, writer, lock, head, to, files: planned, tracked, reason, signal });
    committed = true;
    await hooks?.postCommit();
    return { commit, parent: head.oid, branch: head.branch, created: true };
  } finally {
    if (!committed) await lock.release();
  }
}

/** Whoever read a file, changed it and writes it back would else undo what came in between. */
function requireBases(changes: readonly PathChange[], current: readonly FileReplacement[]): void {
  for (const [i, { path, base }] of changes.entries()) {
    const now = current[i]?.before?.toString('utf8') ?? null;
    if (base === undefined || base === now) continue;
    throw new DataManagerError('REF_MOVED', `Somebody else changed ${path} at the same moment.`, {
      hint: 'Try again.',
      data: { path },
    });
  }
}
