import { DataManagerError } from '../errors';
import { type NoRemote, type RemoteOptions, remoteBranchOf } from './remoteBranch';
import { classifyRemoteFailure, remoteText } from './remoteFailure';
import { gitStderr, runGit } from './runGit';

export type FetchOutcome =
  | {
      readonly kind: 'ok';
      readonly remote: string;
      readonly branch: string;
      /** Tip of the branch there; null when it doesn't exist there yet. */
      readonly remoteOid: string | null;
      /** Commits that we have and the remote has not. */
      readonly ahead: number;
      /** Commits that the remote has and we have not. */
      readonly behind: number;
    }
  | NoRemote
  | { readonly kind: 'auth' | 'offline' | 'timeout' | 'failed'; readonly text: string };

/**
 * Fetches the branch that the current one is published to (see `remoteBranchOf`), and counts how far apart they are. Touches no
 * branch, tag or file of the user's; only the remote-tracking branch moves.
 *
 * Throws GIT_MISSING, CANCELLED.
 *
 * @example
 * const upstream = await fetchUpstream({ repo, git, signal });
 * if (upstream.kind === 'ok' && upstream.behind > 0) await fastForward({ repo, git, to: upstream.remoteOid });
 */
export async function fetchUpstream(options: RemoteOptions): Promise<FetchOutcome> {
  const { repo, git, signal, timeoutMs = 120_000 } = options;
  const found = await remoteBranchOf(options);
  if (found.kind === 'no-remote') return found;
  const { remote, branch } = found.target;
  const tracking = `refs/remotes/${remote}/${branch}`;
  const quiet = ['-q', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];
  const count = async (wanted: string | null, without: string | null): Promise<number> => {
    if (wanted === null) return 0;
    const args = ['rev-list', '--count', wanted, ...(without === null ? [] : [`^${without}`]), '--'];
    return Number((await runGit(git, args, { cwd: repo.root, signal })).stdout.toString('utf8'));
  };
  const head = found.head.oid;
  try {
    const args = ['fetch', ...quiet, remote, `+refs/heads/${branch}:${tracking}`];
    await runGit(git, args, { cwd: repo.root, signal, timeoutMs });
  } catch (error) {
    if (!DataManagerError.is(error, 'GIT_FAILED')) throw error;
    const stderr = gitStderr(error);
    if (/couldn't find remote ref/i.test(stderr)) {
      return { kind: 'ok', remote, branch, remoteOid: null, ahead: await count(head, null), behind: 0 };
    }
    const text = remoteText(stderr) || error.message;
    if (error.data.timedOut === true) return { kind: 'timeout', text };
    const failure = classifyRemoteFailure(stderr);
    return { kind: failure === 'unclear' ? 'failed' : failure, text };
  }
  const parsed = await runGit(git, ['rev-parse', '--verify', `${tracking}^{commit}`], { cwd: repo.root, signal });
  const remoteOid = parsed.stdout.toString('utf8').trim();
  return {
    kind: 'ok',
    remote,
    branch,
    remoteOid,
    ahead: await count(head, remoteOid),
    behind: await count(remoteOid, head),
  };
}
