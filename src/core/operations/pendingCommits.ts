import type { Monitor } from '../progress';
import { aheadCommits } from '../repo/aheadCommits';
import { blobOidAt, readCommit } from '../repo/readObjects';
import { listRefs } from '../repo/readRefs';
import { remoteBranchOf } from '../repo/remoteBranch';
import { commitChanges } from './commitChanges';
import type { OperationContext } from './context';

/** A commit of ours that the remote does not have yet. */
export interface PendingCommit {
  readonly oid: string;
  readonly subject: string;
  /** The versions in it. */
  readonly versions: readonly { readonly name: string; readonly version: string }[];
}

type Clone = Pick<OperationContext, 'repository' | 'git'>;

/**
 * The commits of ours on the current branch that wait to be pushed, oldest first, as far as this clone knows: nothing is asked of
 * the remote. None without a remote.
 *
 * Throws GIT_FAILED, GIT_MISSING, CANCELLED.
 *
 * @example
 * const waiting = await pendingCommits(context); // ... `${waiting.length} commits wait to be pushed`
 */
export async function pendingCommits(
  context: Clone,
  { signal }: Pick<Monitor, 'signal'> = {},
): Promise<readonly PendingCommit[]> {
  const { repository, git } = context;
  const found = await remoteBranchOf({ repo: repository, git, signal });
  if (found.kind === 'no-remote' || found.head.oid === null) return [];
  const upstream = await trackedCommit(context, found.target);
  if (upstream === found.head.oid) return [];
  const ahead = await aheadCommits({ repo: repository, git, upstream, signal });
  const changesOf = commitChanges(repository);
  const pending: PendingCommit[] = [];
  for (const { oid, subject } of ahead.filter(({ ours }) => ours).reverse()) {
    const [parent] = (await readCommit(repository, oid)).parents;
    const manifestAt = (commit: string) => blobOidAt(repository, commit, repository.manifestPath);
    const before = parent === undefined ? null : await manifestAt(parent);
    const { changes } = await changesOf({ before, after: await manifestAt(oid) });
    const versions = changes.flatMap(({ name, added }) => added.map(({ version }) => ({ name, version })));
    pending.push({ oid, subject, versions });
  }
  return pending;
}

/**
 * The commit that the remote had when this clone last heard of it; null when it has not or there is no remote.
 *
 * Throws GIT_FAILED, GIT_MISSING.
 *
 * @example
 * const upstream = await pushedUpTo(context);
 */
export async function pushedUpTo(context: Clone): Promise<string | null> {
  const found = await remoteBranchOf({ repo: context.repository, git: context.git });
  return found.kind === 'no-remote' ? null : trackedCommit(context, found.target);
}

async function trackedCommit(
  { repository }: Clone,
  { remote, branch }: { readonly remote: string; readonly branch: string },
): Promise<string | null> {
  const { remoteBranches } = await listRefs(repository);
  return remoteBranches.find(({ name }) => name === `${remote}/${branch}`)?.oid ?? null;
}
