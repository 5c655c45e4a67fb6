import type { Monitor } from '../progress';
import { commitsTouchingManifest } from '../repo/commitsTouchingManifest';
import type { Commit } from '../repo/readObjects';
import { readHead, resolveCommit } from '../repo/readRefs';
import { type CommitChanges, commitChanges } from './commitChanges';
import type { OperationContext } from './context';

/** A commit that changed the catalog, and what it did to datasets and versions. */
export interface CatalogCommit extends CommitChanges {
  readonly commit: Commit;
}

export interface LogPage {
  readonly commits: readonly CatalogCommit[];
  /** True when there are older ones; ask for a higher limit. */
  readonly more: boolean;
}

/**
 * The commits that changed the catalog, newest first, of one branch, tag or commit (default: what is checked out).
 *
 * Throws COMMIT_NOT_FOUND, REPOSITORY_UNSUPPORTED, CANCELLED.
 *
 * @example
 * const { commits } = await commitLog({ repository }, { from: 'main', limit: 50 });
 */
export async function commitLog(
  { repository, signal }: Pick<OperationContext, 'repository'> & Monitor,
  { from, limit }: { readonly from?: string | undefined; readonly limit: number },
): Promise<LogPage> {
  const start = from === undefined ? (await readHead(repository)).oid : await resolveCommit(repository, from);
  if (start === null) return { commits: [], more: false };
  const changesOf = commitChanges(repository);
  const commits: CatalogCommit[] = [];
  for await (const touching of commitsTouchingManifest(repository, { from: start, signal })) {
    if (commits.length === limit) return { commits, more: true };
    commits.push({ commit: touching.commit, ...(await changesOf(touching)) });
  }
  return { commits, more: false };
}
