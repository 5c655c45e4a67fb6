import type { GitProgram, Repository } from '../core/repo/repository';

/**
 * How many commits of ours on the current branch the remote does not have, as far as this clone knows: nothing is asked of
 * the remote. 0 without a remote.
 */
export async function countPendingCommits(repo: Repository, git: GitProgram): Promise<number> {
  // Git is loaded here, after activation.
  const { pendingCommits } = await import('../core/operations/pendingCommits');
  return (await pendingCommits({ repository: repo, git })).length;
}
