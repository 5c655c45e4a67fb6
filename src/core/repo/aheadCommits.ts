import { posix } from 'node:path';
import { throwIfCancelled } from '../errors';
import { changedPaths } from './changedPaths';
import { commitsApart } from './commitDistance';
import { type Commit, readCommit } from './readObjects';
import { readHead } from './readRefs';
import type { Repository } from './repository';

export interface AheadCommit {
  readonly oid: string;
  readonly subject: string;
  /** True when it touches nothing but Data Manager's files (see `isOwnPath`). A merge never counts as ours. */
  readonly ours: boolean;
}

export interface AheadCommitsOptions {
  readonly repo: Repository;
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
 * The commits of HEAD that are not published yet, newest first: what a push would send. Needs no git program.
 *
 * Throws COMMIT_NOT_FOUND, CANCELLED.
 *
 * @example
 * const foreign = (await aheadCommits({ repo, upstream })).filter((commit) => !commit.ours);
 */
export async function aheadCommits({ repo, upstream, signal }: AheadCommitsOptions): Promise<readonly AheadCommit[]> {
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
