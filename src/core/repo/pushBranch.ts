import { DataManagerError } from '../errors';
import { commitDistance } from './commitDistance';
import type { GitRemote, RemoteFailure, Trouble } from './remote/gitRemote';
import { remoteAddress } from './remote/gitSettings';
import { addUpstream } from './remote/lockedFiles';
import { openRemote } from './remote/openRemote';
import { plainAddress } from './remote/serverText';
import { type NoRemote, type RemoteBranch, type RemoteOptions, remoteBranchOf } from './remoteBranch';
import type { Repository } from './repository';
import { runGit } from './runGit';

export type RejectReason = 'non-fast-forward' | 'hook' | 'protected' | 'other';

/** Why and where a push failed: what `describePush` makes its sentence of. */
interface FailedPush {
  readonly trouble: Trouble;
  /** What the server said, or what broke, fit to be shown. */
  readonly text: string;
  readonly remote: string;
  /** The remote's address, without a password. */
  readonly address: string;
  /** Where the repository is now, when the server said so. */
  readonly movedTo?: string;
}

/** How a push ended. `text` is what the server said, for a person. */
export type PushOutcome =
  | {
      readonly kind: 'ok';
      readonly remote: string;
      readonly branch: string;
      readonly text: string;
      readonly movedTo?: string;
    }
  | NoRemote
  | ({ readonly kind: 'rejected'; readonly reason: RejectReason } & FailedPush)
  /** Certainly not pushed: refused before anything was sent, or never reached. */
  | ({ readonly kind: 'auth' | 'offline' } & FailedPush)
  /** The server didn't have the commit when asked, or couldn't be asked; it may still take it. */
  | ({ readonly kind: 'timeout' | 'unknown' } & FailedPush);

export interface PushOptions extends RemoteOptions {
  /** Commit to push, full id; what is checked out when absent. */
  readonly commit?: string | undefined;
  /** Branch there, without `refs/heads/`; the upstream when absent. Another one does not become the upstream. */
  readonly branch?: string | undefined;
}

const CONFIRM_MS = 15_000;

/**
 * Pushes the commit that is checked out (or `commit`) to the upstream (see `remoteBranchOf`), and makes that the upstream when there
 * was none. Never forces, pushes no tags, runs the user's pre-push hook. When the connection breaks, the time is up, or the signal is
 * aborted halfway, the remote is asked whether it has the commit. Without a git on this machine it works over HTTPS, and runs no hook.
 *
 * Throws CANCELLED only before anything was sent; GIT_MISSING when the remote needs git (SSH), COMMIT_NOT_FOUND on a branch without
 * a commit.
 *
 * @example
 * const outcome = await pushBranch({ repo, git, signal });
 * if (outcome.kind === 'rejected' && outcome.reason === 'non-fast-forward') await fetchUpstream({ repo, git, signal });
 */
export async function pushBranch(options: PushOptions): Promise<PushOutcome> {
  const { repo, signal, timeoutMs = 120_000 } = options;
  const found = await remoteBranchOf(options);
  if (found.kind === 'no-remote') return found;
  const { head, target, settings } = found;
  const commit = options.commit ?? head.oid;
  if (commit === null) {
    throw new DataManagerError('COMMIT_NOT_FOUND', `The branch ${head.branch} has no commit yet.`, {
      hint: 'Publish first.',
    });
  }
  const { remote } = target;
  const branch = options.branch ?? target.branch;
  const way = await openRemote(options, remote, settings);
  const answer = await way.push(commit, branch, { signal, timeoutMs });
  const unclear = answer.kind === 'unclear' || answer.kind === 'timeout';
  if (
    answer.kind === 'ok' ||
    (unclear && (await hasCommit(repo, way, commit, branch, Math.min(CONFIRM_MS, timeoutMs))))
  ) {
    if (!target.configured && options.branch === undefined) await setUpstream(options, head.branch ?? '', target, way);
    const { movedTo } = answer;
    const text = answer.kind === 'ok' ? answer.text : ''; // how the answer got lost is nobody's trouble now
    return { kind: 'ok', remote, branch, text, ...(movedTo === undefined ? {} : { movedTo }) };
  }
  const address = answer.movedTo ?? plainAddress(remoteAddress(settings, remote, 'push'));
  const failed = { ...answer, remote, address };
  switch (answer.kind) {
    case 'rejected':
      return { ...failed, kind: 'rejected', reason: coarse(answer) };
    case 'unclear':
      return { ...failed, kind: 'unknown' };
    default:
      return { ...failed, kind: answer.kind };
  }
}

function coarse({ trouble }: RemoteFailure): RejectReason {
  if (trouble === 'local-hook') return 'hook';
  return trouble === 'non-fast-forward' || trouble === 'hook' || trouble === 'protected' ? trouble : 'other';
}

/** Asks the remote whether it has the commit, without the caller's signal: the answer decides what may be undone. */
async function hasCommit(
  repo: Repository,
  way: GitRemote,
  commit: string,
  branch: string,
  timeoutMs: number,
): Promise<boolean> {
  const within = { timeoutMs };
  const tip = await way.tip(branch, within);
  if (tip.kind !== 'ok' || tip.oid === null) return false;
  // Somebody may have built on it already. And without a fetch, the remote-tracking branch would go on to say that it waits.
  const fetched = await way.fetch(branch, within);
  if (tip.oid === commit) return true;
  if (fetched.kind !== 'ok') return false;
  const distance = await commitDistance(repo, commit, tip.oid).catch((error: unknown) => {
    if (DataManagerError.is(error, 'COMMIT_NOT_FOUND')) return null; // it moved back in between
    throw error;
  });
  return distance?.ahead === 0;
}

/** Best effort: the push is done, and without an upstream the next one goes to the same place anyway. */
async function setUpstream(
  { repo, git }: RemoteOptions,
  local: string,
  { remote, branch }: RemoteBranch,
  way: GitRemote,
): Promise<void> {
  if (way.kind === 'https') {
    await addUpstream(repo, local, remote, branch);
    return;
  }
  const run = { cwd: repo.root };
  await runGit(git, ['config', `branch.${local}.remote`, remote], run)
    .then(() => runGit(git, ['config', `branch.${local}.merge`, `refs/heads/${branch}`], run))
    .catch(() => {});
}
