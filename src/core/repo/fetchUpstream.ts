import { commitDistance } from './commitDistance';
import type { Trouble } from './remote/gitRemote';
import { remoteAddress } from './remote/gitSettings';
import { openRemote } from './remote/openRemote';
import { plainAddress } from './remote/serverText';
import { type NoRemote, type RemoteOptions, remoteBranchOf } from './remoteBranch';
import { runGit } from './runGit';

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
      /** Where the repository is now, when it was found by a redirect. */
      readonly movedTo?: string;
    }
  | NoRemote
  | {
      readonly kind: 'auth' | 'offline' | 'timeout' | 'failed';
      readonly trouble: Trouble;
      readonly text: string;
      readonly remote: string;
      /** The remote's address, without a password. */
      readonly address: string;
      readonly movedTo?: string;
    };

/**
 * Fetches the branch that the current one is published to (see `remoteBranchOf`), and counts how far apart they are. Touches no
 * branch, tag or file of the user's; only the remote-tracking branch moves. Without a git on this machine it works over HTTPS.
 *
 * Throws GIT_MISSING when the remote needs git (SSH), CANCELLED.
 *
 * @example
 * const upstream = await fetchUpstream({ repo, git, signal });
 * if (upstream.kind === 'ok' && upstream.behind > 0) await fastForward({ repo, git, to: upstream.remoteOid });
 */
export async function fetchUpstream(options: RemoteOptions): Promise<FetchOutcome> {
  const { repo, signal, timeoutMs = 120_000 } = options;
  const found = await remoteBranchOf(options);
  if (found.kind === 'no-remote') return found;
  const { remote, branch } = found.target;
  const way = await openRemote(options, remote, found.settings);
  const fetched = await way.fetch(branch, { signal, timeoutMs });
  if (fetched.kind !== 'ok') {
    const kind = fetched.kind === 'unclear' || fetched.kind === 'rejected' ? 'failed' : fetched.kind;
    const address = fetched.movedTo ?? plainAddress(remoteAddress(found.settings, remote, 'fetch'));
    return { ...fetched, kind, remote, address };
  }
  const { oid: remoteOid, ...more } = fetched;
  const distance = way.kind === 'https' ? commitDistance : distanceByGit(options);
  return { ...more, remote, branch, remoteOid, ...(await distance(repo, found.head.oid, remoteOid, signal)) };
}

/** Of a long history that the remote lacks altogether, git counts a million commits in the time in which we read 10 000. */
function distanceByGit({ git }: RemoteOptions): typeof commitDistance {
  return async (repo, ours, theirs, signal) => {
    const count = async (wanted: string | null, without: string | null): Promise<number> => {
      if (wanted === null) return 0;
      const args = ['rev-list', '--count', wanted, ...(without === null ? [] : [`^${without}`]), '--'];
      return Number((await runGit(git, args, { cwd: repo.root, signal })).stdout.toString('utf8'));
    };
    return { ahead: await count(ours, theirs), behind: await count(theirs, ours) };
  };
}
