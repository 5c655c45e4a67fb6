import type { GitProgram, Repository } from '../core/repo/repository';

/**
 * How many commits of ours on the current branch the remote does not have, as far as this clone knows: nothing is asked of
 * the remote. 0 without a remote.
 */
export async function countPendingCommits(repo: Repository, git: GitProgram): Promise<number> {
  // Git is loaded here, after activation.
  const [{ remoteBranchOf }, { listRefs }, { aheadCommits }] = await Promise.all([
    import('../core/repo/remoteBranch'),
    import('../core/repo/readRefs'),
    import('../core/repo/aheadCommits'),
  ]);
  const found = await remoteBranchOf({ repo, git });
  if (found.kind === 'no-remote' || found.head.oid === null) return 0;
  const { remote, branch } = found.target;
  const tracking = (await listRefs(repo)).remoteBranches.find(({ name }) => name === `${remote}/${branch}`);
  const ahead = await aheadCommits({ repo, git, upstream: tracking?.oid ?? null });
  return ahead.filter(({ ours }) => ours).length;
}
