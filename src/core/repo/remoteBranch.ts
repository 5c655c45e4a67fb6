import { type Head, readHead } from './readRefs';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

/** Where a branch is published. */
export interface RemoteBranch {
  /** `origin`. */
  readonly remote: string;
  /** Branch there, without `refs/heads/`. */
  readonly branch: string;
  /** False when we chose it, because the branch has no upstream yet. */
  readonly configured: boolean;
}

export interface NoRemote {
  readonly kind: 'no-remote';
  /** Why there is nowhere to publish. */
  readonly text: string;
}

export interface RemoteOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole exchange. Default 120 000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Where the current branch is published: its upstream, else the same name on `origin`, else on the only remote there is.
 *
 * Throws GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const target = await remoteBranchOf({ repo, git });
 */
export async function remoteBranchOf(
  options: RemoteOptions,
): Promise<{ readonly kind: 'found'; readonly head: Head; readonly target: RemoteBranch } | NoRemote> {
  const { repo, git, signal } = options;
  const head = await readHead(repo);
  if (head.branch === null) return { kind: 'no-remote', text: 'No branch is checked out (HEAD is detached).' };
  const ask = async (args: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await runGit(git, args, { cwd: repo.root, signal, okCodes: [0, 1] });
    return stdout
      .toString('utf8')
      .split('\n')
      .filter((answer) => answer !== '');
  };
  const remotes = await ask(['remote']);
  const remote = (await ask(['config', '--get', `branch.${head.branch}.remote`]))[0];
  const merge = (await ask(['config', '--get', `branch.${head.branch}.merge`]))[0];
  if (remote !== undefined && remotes.includes(remote) && merge?.startsWith('refs/heads/')) {
    return { kind: 'found', head, target: { remote, branch: merge.slice('refs/heads/'.length), configured: true } };
  }
  const chosen = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0] : undefined;
  if (chosen !== undefined)
    return { kind: 'found', head, target: { remote: chosen, branch: head.branch, configured: false } };
  const text =
    remotes.length === 0 ? 'No remote is configured.' : `None of the remotes ${remotes.join(', ')} is the upstream.`;
  return { kind: 'no-remote', text };
}
