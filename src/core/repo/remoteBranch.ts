import { type Head, readHead } from './readRefs';
import type { Credentials } from './remote/credentials';
import { type GitSettings, readGitSettings, remoteNames } from './remote/gitSettings';
import type { GitProgram, Repository } from './repository';

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
  /** What to do about it, when the commit may get lost otherwise. */
  readonly hint?: string;
}

export interface RemoteOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole exchange. Default 120 000. */
  readonly timeoutMs?: number | undefined;
  /** True when a person is waiting for this: git's helpers and ssh may then ask in windows of their own. Default false: never. */
  readonly interactive?: boolean | undefined;
  /** What to sign in with where there is no git on this machine, or where git and its credential helpers have nothing. */
  readonly credentials?: Credentials | undefined;
}

/**
 * Where the current branch is published: its upstream, else the same name on `origin`, else on the only remote there is. Needs no
 * git program.
 *
 * Throws GIT_FAILED, CANCELLED.
 *
 * @example
 * const target = await remoteBranchOf({ repo, git });
 */
export async function remoteBranchOf(
  options: RemoteOptions,
): Promise<
  | { readonly kind: 'found'; readonly head: Head; readonly target: RemoteBranch; readonly settings: GitSettings }
  | NoRemote
> {
  const head = await readHead(options.repo);
  if (head.branch === null) {
    // Only HEAD leads to such a commit: the next checkout leaves it behind.
    const hint = 'Keep it on a branch of its own: git switch -c NAME.';
    return { kind: 'no-remote', text: 'No branch is checked out (HEAD is detached).', hint };
  }
  const settings = await readGitSettings(options);
  const remotes = remoteNames(settings);
  const remote = settings.values.get(`branch.${head.branch}.remote`)?.at(-1);
  const merge = settings.values.get(`branch.${head.branch}.merge`)?.at(-1);
  if (remote !== undefined && remotes.includes(remote) && merge?.startsWith('refs/heads/')) {
    const target = { remote, branch: merge.slice('refs/heads/'.length), configured: true };
    return { kind: 'found', head, target, settings };
  }
  const chosen = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0] : undefined;
  if (chosen !== undefined) {
    return { kind: 'found', head, target: { remote: chosen, branch: head.branch, configured: false }, settings };
  }
  const text =
    remotes.length === 0 ? 'No remote is configured.' : `None of the remotes ${remotes.join(', ')} is the upstream.`;
  return { kind: 'no-remote', text };
}
