import { DataManagerError } from '../errors';
import type { NoRemote, RemoteBranch, RemoteOptions } from './remoteBranch';
import { remoteBranchOf } from './remoteBranch';
import { classifyRemoteFailure, remoteText } from './remoteFailure';
import { gitStderr, runGit } from './runGit';

export type RejectReason = 'non-fast-forward' | 'hook' | 'protected' | 'other';

/** How a push ended. `text` is what the server said, for a person. */
export type PushOutcome =
  | { readonly kind: 'ok'; readonly remote: string; readonly branch: string; readonly text: string }
  | NoRemote
  | { readonly kind: 'rejected'; readonly reason: RejectReason; readonly text: string }
  /** Certainly not pushed: refused before anything was sent, or never reached. */
  | { readonly kind: 'auth' | 'offline'; readonly text: string }
  /** The server didn't have the commit when asked, or couldn't be asked; it may still take it. */
  | { readonly kind: 'timeout' | 'unknown'; readonly text: string };

const CONFIRM_MS = 15_000;

/**
 * Pushes the commit that is checked out to its upstream (see `remoteBranchOf`), and makes that the upstream when there was none.
 * Never forces, pushes no tags, runs the user's pre-push hook. When the connection breaks, the time is up, or the signal is aborted
 * halfway, the remote is asked whether it has the commit.
 *
 * Throws CANCELLED only before anything was sent; GIT_MISSING, COMMIT_NOT_FOUND on a branch without a commit.
 *
 * @example
 * const outcome = await pushBranch({ repo, git, signal });
 * if (outcome.kind === 'rejected' && outcome.reason === 'non-fast-forward') await fetchUpstream({ repo, git, signal });
 */
export async function pushBranch(options: RemoteOptions): Promise<PushOutcome> {
  const { repo, git, signal, timeoutMs = 120_000 } = options;
  const found = await remoteBranchOf(options);
  if (found.kind === 'no-remote') return found;
  const { head, target } = found;
  if (head.oid === null) {
    throw new DataManagerError('COMMIT_NOT_FOUND', `The branch ${head.branch} has no commit yet.`, {
      hint: 'Publish first.',
    });
  }
  const ok = async (text: string): Promise<PushOutcome> => {
    if (!target.configured) await setUpstream(options, head.branch ?? '', target);
    return { kind: 'ok', remote: target.remote, branch: target.branch, text };
  };
  // The commit itself, not the branch: what the user commits meanwhile is not ours to push.
  const refspec = `${head.oid}:refs/heads/${target.branch}`;
  const args = ['push', '--porcelain', '--no-follow-tags', '--recurse-submodules=no', target.remote, refspec];
  try {
    const { stdout, stderr, code } = await runGit(git, args, { cwd: repo.root, signal, timeoutMs, okCodes: [0, 1] });
    if (code === 0) return ok(remoteText(stderr.replace(/^To .*$/gm, '')));
    const rejected = parseRejection(stdout.toString('utf8'), stderr);
    if (rejected) return rejected;
    return confirm(options, target, head.oid, 'unknown', remoteText(stderr), ok);
  } catch (error) {
    if (DataManagerError.is(error, 'CANCELLED')) {
      return confirm(options, target, head.oid, 'unknown', 'The push was cancelled halfway.', ok);
    }
    if (!DataManagerError.is(error, 'GIT_FAILED')) throw error;
    const text = remoteText(gitStderr(error)) || error.message;
    if (error.data.timedOut === true) return confirm(options, target, head.oid, 'timeout', error.message, ok);
    const failure = classifyRemoteFailure(gitStderr(error));
    return failure === 'unclear' ? confirm(options, target, head.oid, 'unknown', text, ok) : { kind: failure, text };
  }
}

/** `!<TAB>from:to<TAB>[rejected] (reason)`: git-push(1), "OUTPUT". Null when the push failed before any ref was decided on. */
function parseRejection(stdout: string, stderr: string): PushOutcome | null {
  const answer = /^!\t[^\t]*\t\[([^\]]+)\](?: \((.*)\))?$/m.exec(stdout);
  if (!answer) {
    // Without a word about a ref or from the server, a pre-push hook on this machine has said no.
    const quiet = !/remote:|fatal:|RPC failed|hung up|unexpected disconnect|unable to access/i.test(stderr);
    return quiet && /failed to push some refs/.test(stderr)
      ? { kind: 'rejected', reason: 'hook', text: localText(stderr) }
      : null;
  }
  const [, kind = '', why = ''] = answer;
  if (kind === 'remote failure') return null; // it failed to report: anything may have happened
  const text = [remoteTextOnly(stderr), why].filter((part) => part !== '').join('\n') || kind;
  // The second line: the ref moved between the server's advertisement and our request. A fetch and another try will do.
  const moved =
    /non-fast-forward|fetch first|needs force|stale info|failed to update ref|cannot lock ref|incorrect old value/;
  if (moved.test(why)) return { kind: 'rejected', reason: 'non-fast-forward', text };
  if (/protected branch|GH006|GH013|rule violations|not allowed to push/i.test(text)) {
    return { kind: 'rejected', reason: 'protected', text };
  }
  return { kind: 'rejected', reason: /hook declined/.test(why) ? 'hook' : 'other', text };
}

function remoteTextOnly(stderr: string): string {
  return /^remote:/m.test(stderr) ? remoteText(stderr) : '';
}

function localText(stderr: string): string {
  return remoteText(stderr.replace(/^error: failed to push some refs.*$/gm, '')) || 'A pre-push hook refused.';
}

/** Asks the remote whether it has the commit, without the caller's signal: the answer decides what may be undone. */
async function confirm(
  { repo, git }: RemoteOptions,
  { remote, branch }: RemoteBranch,
  oid: string,
  otherwise: 'timeout' | 'unknown',
  text: string,
  ok: (text: string) => Promise<PushOutcome>,
): Promise<PushOutcome> {
  const run = { cwd: repo.root, timeoutMs: CONFIRM_MS };
  try {
    const { stdout } = await runGit(git, ['ls-remote', remote, `refs/heads/${branch}`], run);
    const tip = stdout.toString('utf8').slice(0, 40);
    if (tip === oid) return ok(text);
    if (tip === '') return { kind: otherwise, text };
    // Somebody may have built on it already.
    await runGit(git, ['fetch', '--no-tags', '--no-write-fetch-head', '-q', remote, `refs/heads/${branch}`], run);
    const ancestor = await runGit(git, ['merge-base', '--is-ancestor', oid, tip], { ...run, okCodes: [0, 1] });
    return ancestor.code === 0 ? ok(text) : { kind: otherwise, text };
  } catch (error) {
    if (!DataManagerError.is(error, 'GIT_FAILED')) throw error;
    return { kind: otherwise, text };
  }
}

/** Best effort: the push is done, and without an upstream the next one goes to the same place anyway. */
async function setUpstream({ repo, git }: RemoteOptions, branch: string, target: RemoteBranch): Promise<void> {
  const run = { cwd: repo.root };
  await runGit(git, ['config', `branch.${branch}.remote`, target.remote], run)
    .then(() => runGit(git, ['config', `branch.${branch}.merge`, `refs/heads/${target.branch}`], run))
    .catch(() => {});
}
