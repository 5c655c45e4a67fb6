import type { Commit } from './readObjects';
import { readCommit } from './readObjects';
import type { Repository } from './repository';
import { type CommitNode, walkCommits } from './walkCommits';

export interface LogOptions {
  /** Commit to begin with, full id. */
  readonly from: string;
  /** Most commits to return. */
  readonly limit: number;
  /** Last commit of the page before; this page begins behind it. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Commits never change, so what a walk needs of them is kept as long as the repository's object cache lives. */
const nodesOf = new WeakMap<object, Map<string, CommitNode>>();

/**
 * A page of the history, newest first, in the order of `git log`. Later pages walk from the start again, but over remembered
 * commits: milliseconds for ten thousand.
 *
 * Throws COMMIT_NOT_FOUND when `from` is not a commit of this clone, CANCELLED.
 *
 * @example
 * const page = await readLog(repo, { from: head, limit: 50 });
 * const next = await readLog(repo, { from: head, limit: 50, after: page.at(-1)?.oid });
 */
export async function readLog(repo: Repository, options: LogOptions): Promise<readonly Commit[]> {
  const { from, limit, after, signal } = options;
  const nodes = nodesOf.get(repo.objectCache) ?? new Map<string, CommitNode>();
  nodesOf.set(repo.objectCache, nodes);
  const read = async (oid: string): Promise<CommitNode> => {
    const known = nodes.get(oid);
    if (known) return known;
    const { parents, timestamp } = await readCommit(repo, oid);
    const node = { oid, parents, timestamp };
    nodes.set(oid, node);
    return node;
  };

  const page: Commit[] = [];
  if (limit <= 0) return page;
  let skipping = after !== undefined;
  for await (const { oid } of walkCommits(repo, from, read, signal)) {
    if (!skipping) page.push(await readCommit(repo, oid));
    if (page.length >= limit) break;
    if (oid === after) skipping = false;
  }
  return page;
}
