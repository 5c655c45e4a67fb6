import { posix } from 'node:path';
import { DataManagerError, throwIfCancelled } from '../errors';
import { changedPaths } from './changedPaths';
import { commitsApart } from './commitDistance';
import { type Commit, readCommit } from './readObjects';
import { readHead } from './readRefs';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

export interface AheadCommit {
  readonly oid: string;
  readonly subject: string;
  /** True when it touches nothing but Data Manager's files (see `isOwnPath`). A merge never counts as ours. */
  readonly ours: boolean;
}

export interface AheadCommitsOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  /** Commit that is published; null when nothing is. */
  readonly upstream: string | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * True for the files that Data Manager writes: the manifest, and beside it `.datamanager.json`, `diffs/` and `ranges/`.
 *
 * @example
 * isOwnPath(repo, 'diffs/utopia/diff-v1-to-v2.diff'); // true
 */
export function isOwnPath(repo: Repository, path: string): boolean {
  const beside = posix.dirname(repo.manifestPath);
  const inside = beside === '.' ? path : path.startsWith(`${beside}/`) ? path.slice(beside.length + 1) : null;
  if (path === repo.manifestPath) return true;
  return inside !== null && (inside === '.datamanager.json' || /^(diffs|ranges)\//.test(inside));
}

/**
 * The commits of HEAD that are not published yet, newest first: what a push would send. Without a git on this machine they are read
 * by ourselves, which takes some 5 ms a commit instead of 50 us.
 *
 * Throws COMMIT_NOT_FOUND, GIT_FAILED, CANCELLED.
 *
 * @example
 * const foreign = (await aheadCommits({ repo, git, upstream })).filter((commit) => !commit.ours);
 */
export async function aheadCommits(options: AheadCommitsOptions): Promise<readonly AheadCommit[]> {
  try {
    return await listByGit(options);
  } catch (error) {
    if (!DataManagerError.is(error, 'GIT_MISSING')) throw error;
    return listByOurselves(options);
  }
}

async function listByGit({ repo, git, upstream, signal }: AheadCommitsOptions): Promise<readonly AheadCommit[]> {
  // One NUL-separated stream; \x01 opens a commit, since no path or subject can be told from a header otherwise.
  const format = ['-z', '--name-only', '--no-renames', '--format=%x01%H %P%x00%s'];
  const range = upstream === null ? ['HEAD'] : ['HEAD', `^${upstream}`];
  const { stdout } = await runGit(git, ['-c', 'log.showSignature=false', 'log', ...format, ...range, '--'], {
    cwd: repo.root,
    signal,
  });
  const commits: AheadCommit[] = [];
  for (const record of stdout.toString('utf8').split('\x01').slice(1)) {
    const [ids = '', subject = '', ...rest] = record.split('\0');
    const [oid = '', ...parents] = ids.trim().split(' ');
    const paths = rest.map((path) => path.replace(/^\n/, '')).filter((path) => path !== '');
    const ours = parents.length < 2 && paths.length > 0 && paths.every((path) => isOwnPath(repo, path));
    commits.push({ oid, subject, ours });
  }
  return commits;
}

async function listByOurselves({ repo, upstream, signal }: AheadCommitsOptions): Promise<readonly AheadCommit[]> {
  const { ahead } = await commitsApart(repo, (await readHead(repo)).oid, upstream, signal);
  const commits: AheadCommit[] = [];
  for (const commit of ahead) {
    throwIfCancelled(signal);
    commits.push({ oid: commit.oid, subject: commit.subject, ours: await isOurs(repo, commit) });
  }
  return commits;
}

async function isOurs(repo: Repository, { tree, parents }: Commit): Promise<boolean> {
  const [parent, ...more] = parents;
  if (more.length > 0) return false;
  const before = parent === undefined ? null : (await readCommit(repo, parent)).tree;
  let changes = false;
  for await (const path of changedPaths(repo, before, tree)) {
    if (!isOwnPath(repo, path)) return false;
    changes = true;
  }
  return changes;
}
