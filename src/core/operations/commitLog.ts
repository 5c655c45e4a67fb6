import type { DatasetChange } from '../catalog/manifestChanges';
import type { Monitor } from '../progress';
import { type CommitOnManifest, commitsTouchingManifest } from '../repo/commitIndex';
import { readHead } from '../repo/readHead';
import type { Commit } from '../repo/readLog';
import { resolveCommit } from '../repo/resolveCommit';
import { changesOfCommit } from './changesOfCommit';
import type { OperationContext } from './context';

/** A commit that changed the catalog, and what it did to datasets and versions. */
export interface CatalogCommit {
  readonly commit: Commit;
  readonly changes: readonly DatasetChange[];
  /** Set when this commit's manifest can't be read; `changes` is empty then. */
  readonly problem: string | null;
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
  const found: CommitOnManifest[] = [];
  for await (const touching of commitsTouchingManifest(repository, { from: start, signal })) {
    if (found.length === limit) return { commits: await withChanges(repository, found), more: true };
    found.push(touching);
  }
  return { commits: await withChanges(repository, found), more: false };
}

async function withChanges(
  repository: OperationContext['repository'],
  found: readonly CommitOnManifest[],
): Promise<readonly CatalogCommit[]> {
  const commits: CatalogCommit[] = [];
  for (const touching of found)
    commits.push({ commit: touching.commit, ...(await changesOfCommit(repository, touching)) });
  return commits;
}
