import { copyFile, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import { requireCleanPaths, type TrackedFile } from './cleanPaths';
import { requireIdentity } from './identity';
import { type IndexLock, lockIndex } from './indexLock';
import { refuseDuringGitOperation } from './operationInProgress';
import { readCommit } from './readObjects';
import { type Head, readHead } from './readRefs';
import type { GitProgram, Repository } from './repository';
import { gitStderr, runGit } from './runGit';
import { bytesOf, type FileReplacement, replaceFiles } from './workTreeFiles';
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

interface Planned extends FileReplacement {
  /** Blob id of the new bytes; null for a deletion. */
  readonly blob: string | null;
}

const NO_OID = '0'.repeat(40);
/** Objects and refs reach the disk before we say "committed" (git-config(1), core.fsync; ignored by git before 2.36). */
const DURABLE = ['-c', 'core.fsync=added', '-c', 'core.fsyncMethod=fsync'] as const;
/** Drafts of an index are nobody's business: no hook, no shared index; and no path that another system takes for `.git`. */
const DRAFT = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.splitIndex=false'],
  ...['-c', 'core.protectNTFS=true', '-c', 'core.protectHFS=true'],
] as const;

/**
 * Commits exactly these files on top of HEAD, in one step: bytes given as an argument, not what is staged. What the user has staged,
 * changed or left untracked elsewhere stays as it is, to the byte. Works on an unborn branch, a detached HEAD, in linked worktrees;
 * `commit.gpgSign` is honoured. If it throws, HEAD, index and files are as they were.
 *
 * The order is git's own: lock the index, build everything aside, write the files, move HEAD by compare-and-swap (the point of no
 * return), rename the lock over the index. The index is prepared before HEAD moves, because an index that lags behind HEAD shows
 * our commit as a staged revert, which the user's next `git commit` would carry out. A process that dies in between is cleaned up
 * after by the next call.
 *
 * Throws NAME_INVALID, FILE_NOT_REGULAR, PATH_DIRTY (a path has changes of the user's), GIT_IDENTITY_MISSING,
 * GIT_OPERATION_IN_PROGRESS, REPOSITORY_BUSY (somebody holds a lock), REF_MOVED (HEAD or the `base` of a file moved meanwhile: call again),
 * REPOSITORY_UNSUPPORTED (an LFS or other filter would rewrite a path), OUTPUT_UNWRITABLE, DISK_FULL, GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const { commit } = await commitPaths({ repo, git, changes: [{ path: 'manifest.json', content }], message: 'Add utopia v2' });
 */
export async function commitPaths(options: CommitPathsOptions): Promise<CommittedPaths> {
  const { repo, git, changes, signal, lockTimeoutMs = 5000 } = options;
  const files = new Map<string, string>();
  for (const { path } of changes) {
    if (files.has(path)) throw new DataManagerError('NAME_INVALID', `"${path}" is given twice.`, { data: { path } });
    files.set(path, await workTreePath(repo, path));
  }
  await refuseDuringGitOperation(repo);
  await requireIdentity(repo, git, signal);
  await refuseFilters(options);

  const planned: Planned[] = [];
  for (const { path, content } of changes) {
    const after = content === null ? null : Buffer.from(content);
    const blob = after && (await line(options, [...DURABLE, 'hash-object', '-w', '--stdin'], after));
    planned.push({ path, file: files.get(path) ?? '', before: null, after, blob });
  }
  const lock = await lockIndex(repo, lockTimeoutMs, signal);
  let committed = false;
  try {
    // Read before the check, compared again before each write: an edit at any moment in between is noticed.
    const current: Planned[] = [];
    for (const file of planned) current.push({ ...file, before: await bytesOf(file.file) });
    requireBases(changes, current);
    const head = await readHead(repo);
    const tracked = await requireCleanPaths({ repo, git, head, files: current, signal });
    const entries = indexInfo(current, tracked);
    const tree = await treeWith(options, join(lock.draftDir, 'tree'), head, entries);
    if (head.oid !== null && tree === (await readCommit(repo, head.oid)).tree) {
      return { commit: head.oid, parent: head.oid, branch: head.branch, created: false };
    }
    const commit = await commitObject(options, tree, head.oid);
    await lock.write(await indexWith(options, join(lock.draftDir, 'index'), entries));
    await publish({ ...options, lock, head, commit, files: current, tracked });
    committed = true;
    await lock.commit().catch(() => renewIndex(options, lock, entries));
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

async function line(
  options: CommitPathsOptions,
  args: readonly string[],
  input?: Uint8Array | string,
): Promise<string> {
  const { git, repo, signal } = options;
  return (await runGit(git, args, { cwd: repo.root, input, signal })).stdout.toString('utf8').trim();
}

/** A blob is stored as given; with a filter such as LFS on its path, git would show the file as changed for ever. */
async function refuseFilters({ repo, git, changes, signal }: CommitPathsOptions): Promise<void> {
  const args = ['check-attr', '--stdin', '-z', 'filter', 'working-tree-encoding'];
  const input = changes.map(({ path }) => `${path}\0`).join('');
  const fields = (await runGit(git, args, { cwd: repo.root, input, signal })).stdout.toString('utf8').split('\0');
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path, attribute, value = ''] = fields.slice(i, i + 3);
    if (['unspecified', 'unset', ''].includes(value)) continue;
    throw new DataManagerError('REPOSITORY_UNSUPPORTED', `.gitattributes sets ${attribute}=${value} on ${path}.`, {
      hint: `Take it off for this file: add "${path} -${attribute}" to .gitattributes.`,
      data: { path, attribute, value },
    });
  }
}

/** Input of `git update-index -z --index-info`: paths travel on stdin, so no name can be taken for an option. */
function indexInfo(files: readonly Planned[], tracked: ReadonlyMap<string, TrackedFile>): string {
  const entries = files.map(({ path, blob }) =>
    blob === null ? `0 ${NO_OID}\t${path}\0` : `${tracked.get(path)?.mode ?? '100644'} ${blob}\t${path}\0`,
  );
  return entries.join('');
}

/** Tree of HEAD with our entries, through an index that nobody else sees. */
async function treeWith(options: CommitPathsOptions, index: string, head: Head, entries: string): Promise<string> {
  const { git, repo, signal } = options;
  const run = { cwd: repo.root, signal, env: { GIT_INDEX_FILE: index } };
  await runGit(git, [...DRAFT, 'read-tree', head.oid ?? '--empty'], run);
  await runGit(git, [...DRAFT, 'update-index', '-z', '--index-info'], { ...run, input: entries });
  return (await runGit(git, [...DRAFT, ...DURABLE, 'write-tree'], run)).stdout.toString('utf8').trim();
}

/** The user's index with our entries, and everything else in it as it is. */
async function indexWith(options: CommitPathsOptions, copy: string, entries: string): Promise<Buffer> {
  const { git, repo, signal } = options;
  const index = join(repo.gitDir, 'index');
  try {
    const { mtimeMs } = await stat(index);
    await copyFile(index, copy);
    // Git takes an entry that is not older than its index for possibly stale ("racy git", Documentation/technical/racy-git).
    // A copy with a newer time would lose that, and hide a change of the user's; an older time only costs a comparison.
    const seconds = Math.floor(mtimeMs / 1000);
    await utimes(copy, seconds, seconds);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error; // none yet: a new repository
  }
  const env = { GIT_INDEX_FILE: copy };
  const args = ['-c', 'core.hooksPath=/dev/null', 'update-index', '-z', '--index-info'];
  await runGit(git, args, { cwd: repo.root, signal, env, input: entries });
  return readFile(copy);
}

/** Windows may refuse to rename over an index that somebody reads: then git writes it. HEAD has moved, so this may not fail us. */
async function renewIndex({ git, repo }: CommitPathsOptions, lock: IndexLock, entries: string): Promise<void> {
  await lock.release();
  await runGit(git, ['update-index', '-z', '--index-info'], { cwd: repo.root, input: entries }).catch(() => {});
}

async function commitObject(options: CommitPathsOptions, tree: string, parent: string | null): Promise<string> {
  const { git, repo, message, signal } = options;
  const cwd = repo.root;
  const sign = await runGit(git, ['config', '--type=bool', '--get', 'commit.gpgSign'], {
    cwd,
    signal,
    okCodes: [0, 1],
  });
  const args = ['-c', 'user.useConfigOnly=true', '-c', 'i18n.commitEncoding=UTF-8', ...DURABLE, 'commit-tree', tree];
  if (parent !== null) args.push('-p', parent);
  if (sign.stdout.toString('utf8').trim() === 'true') args.push('-S');
  const input = message.endsWith('\n') ? message : `${message}\n`;
  // Two minutes: a signature may ask for a passphrase.
  return (await runGit(git, args, { cwd, signal, input, timeoutMs: 120_000 })).stdout.toString('utf8').trim();
}

interface Publication extends CommitPathsOptions {
  readonly lock: IndexLock;
  readonly head: Head;
  readonly commit: string;
  readonly files: readonly Planned[];
  readonly tracked: ReadonlyMap<string, TrackedFile>;
}

/** Writes the files and moves HEAD; puts the files back unless HEAD moved. */
async function publish({ repo, git, message, signal, lock, head, commit, files, tracked }: Publication): Promise<void> {
  throwIfCancelled(signal);
  await lock.plan({
    commit,
    parent: head.oid,
    files: files.map(({ path, blob }) => ({ path, before: tracked.get(path)?.oid ?? null, after: blob })),
  });
  const undo = await replaceFiles(repo.root, files);
  try {
    throwIfCancelled(signal);
    const subject = message.split('\n', 1)[0] ?? '';
    const args = [...DURABLE, 'update-ref', '-m', `datamanager: ${subject}`, 'HEAD', commit, head.oid ?? NO_OID];
    // No signal: a kill here would leave open whether it happened. git itself waits for a lock on the ref.
    await runGit(git, ['-c', 'core.filesRefLockTimeout=2000', ...args], { cwd: repo.root, timeoutMs: 30_000 });
  } catch (error) {
    if ((await readHead(repo)).oid === commit) return; // it happened all the same (killed from outside after the rename)
    await undo();
    throw refError(error, repo);
  }
}

function refError(error: unknown, repo: Repository): unknown {
  const stderr = gitStderr(error);
  if (/is at [0-9a-f]+ but expected|reference already exists|unable to resolve reference/.test(stderr)) {
    return new DataManagerError('REF_MOVED', 'Somebody else committed at the same moment.', {
      hint: 'Try again.',
      cause: error,
    });
  }
  if (/Unable to create .*\.lock/.test(stderr)) {
    return new DataManagerError('REPOSITORY_BUSY', `Another program is changing a branch of ${repo.root}.`, {
      hint: 'Try again in a moment.',
      cause: error,
    });
  }
  return error;
}
