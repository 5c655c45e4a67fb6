import { CommitIndex } from './commitIndex';
import { type Commit, readCommit } from './readObjects';
import type { Repository } from './repository';
import { shallowBoundary, walkCommits } from './walkCommits';

export interface ManifestCommit {
  readonly commit: Commit;
  /** Blob id of the manifest before (in the first parent); null when there was none. */
  readonly before: string | null;
  /** Blob id of the manifest in this commit; null when the commit removed it. */
  readonly after: string | null;
}

export interface ManifestHistoryOptions {
  /** Commit to begin with, full id. */
  readonly from: string;
  /** Most commits to yield; all when absent. */
  readonly limit?: number | undefined;
  /** Last commit of the page before; this one begins behind it. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const indexes = new WeakMap<object, Map<string, Promise<CommitIndex>>>();

function indexOf(repo: Repository): Promise<CommitIndex> {
  const byPath = indexes.get(repo.objectCache) ?? new Map<string, Promise<CommitIndex>>();
  indexes.set(repo.objectCache, byPath);
  const index = byPath.get(repo.manifestPath) ?? CommitIndex.load(repo);
  byPath.set(repo.manifestPath, index);
  return index;
}

/**
 * The commits that changed the manifest, newest first. A merge counts only if its manifest differs from that of every parent: then
 * it holds something that no parent brought. The first walk reads all commits, later ones only new commits (see CommitIndex).
 *
 * Throws COMMIT_NOT_FOUND when `from` is not a commit of this clone, CANCELLED.
 *
 * @example
 * for await (const { commit, before, after } of commitsTouchingManifest(repo, { from: head })) report(commit.subject);
 */
export async function* commitsTouchingManifest(
  repo: Repository,
  options: ManifestHistoryOptions,
): AsyncGenerator<ManifestCommit> {
  const { from, limit = Number.POSITIVE_INFINITY, after, signal } = options;
  const index = await indexOf(repo);
  const cut = await shallowBoundary(repo);
  let skipping = after !== undefined;
  let yielded = 0;
  try {
    for await (const node of walkCommits(repo, from, (oid) => index.read(oid), signal)) {
      if (yielded >= limit) return;
      if (skipping) {
        skipping = node.oid !== after;
        continue;
      }
      const parents: (string | null)[] = [];
      if (!cut.has(node.oid)) for (const parent of node.parents) parents.push((await index.read(parent)).manifest);
      const before = parents[0] ?? null;
      const changed = parents.length === 0 ? node.manifest !== null : parents.every((blob) => blob !== node.manifest);
      if (!changed) continue;
      yielded++;
      yield { commit: await readCommit(repo, node.oid), before, after: node.manifest };
    }
  } finally {
    await index.save();
  }
}
