import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { aheadCommits } from '../repo/aheadCommits';
import { fastForward } from '../repo/fastForward';
import { fetchUpstream } from '../repo/fetchUpstream';
import { pushBranch } from '../repo/pushBranch';
import type { OperationContext } from './context';
import { describeFetch, describePush } from './pushMessages';

interface BranchOptions extends Monitor {
  readonly push?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

export interface PushResult {
  readonly pushed: boolean;
  readonly note: string | null;
}

/**
 * Brings the branch to where a publish may commit on it: behind its upstream it is fast-forwarded; ahead by the user's own
 * commits, which a push would take along, needs `yes`; diverged stops (DESIGN §8). Without a remote, offline, or with
 * `push: false` the branch is taken as it is.
 *
 * Throws CONFIRMATION_NEEDED, BRANCH_DIVERGED, GIT_FAILED.
 *
 * @example
 * await prepareBranch(context, { yes: true });
 */
export async function prepareBranch(
  { repository, git, gitCredentials, interactive }: OperationContext,
  { push = true, yes = false, signal, onProgress }: BranchOptions,
): Promise<void> {
  if (!push) return;
  onProgress?.({ phase: 'push', done: 0, total: null });
  const upstream = await fetchUpstream({ repo: repository, git, credentials: gitCredentials, interactive, signal });
  if (upstream.kind === 'auth') {
    // Said before the upload: the push behind it would fail in the same way.
    const { sentence, hint } = describeFetch(upstream);
    throw new DataManagerError('PUSH_REJECTED', sentence, {
      hint: `${hint} Or publish here only with --no-push.`,
      data: { answer: upstream.text, trouble: upstream.trouble },
    });
  }
  if (upstream.kind !== 'ok') return;
  if (upstream.behind > 0 && upstream.ahead > 0) {
    throw new DataManagerError(
      'BRANCH_DIVERGED',
      `This branch and its remote have diverged: ${upstream.ahead} commits are only here, ${upstream.behind} only there.`,
      { hint: 'Bring them together with: git pull --rebase', data: { ahead: upstream.ahead, behind: upstream.behind } },
    );
  }
  const { remoteOid } = upstream;
  if (upstream.behind > 0 && remoteOid !== null) await fastForward({ repo: repository, git, to: remoteOid, signal });
  // A remote without this branch: nothing there says what the user meant to publish, so all of it goes.
  if (upstream.ahead === 0 || remoteOid === null || yes) return;
  const unpushed = await aheadCommits({ repo: repository, git, upstream: remoteOid, signal });
  const foreign = unpushed.filter(({ ours }) => !ours);
  if (foreign.length === 0) return;
  throw new DataManagerError(
    'CONFIRMATION_NEEDED',
    `${foreign.length} commits of yours are not pushed yet and would be pushed along: ${foreign.map(({ subject }) => `"${subject}"`).join(', ')}.`,
    { hint: 'Push them first, agree with --yes, or commit here only with --no-push.', data: { commits: foreign } },
  );
}

/**
 * Pushes the branch after a publish. Offline or without a remote the commit stays here, to be pushed later; that is a
 * result, not an error.
 *
 * Throws PUSH_REJECTED when the remote said no, with its own words; the commit stays here then too.
 *
 * @example
 * const { pushed, note } = await pushCommit(context, { commit, name, version }, { push: true });
 */
export async function pushCommit(
  { repository, git, gitCredentials, interactive }: OperationContext,
  { commit, name, version }: { readonly commit: string; readonly name: string; readonly version: string },
  { push = true, signal, onProgress }: BranchOptions,
): Promise<PushResult> {
  if (!push) return { pushed: false, note: 'Committed here, not pushed.' };
  onProgress?.({ phase: 'push', done: 0, total: null });
  const what = `${name}@${version}`;
  if (signal?.aborted) {
    const note = `${what} is uploaded and committed here; the push is pending: it was cancelled before. Push later with: git push`;
    return { pushed: false, note };
  }
  const outcome = await pushBranch({ repo: repository, git, credentials: gitCredentials, interactive, signal });
  const { sentence, hint, code } = describePush(outcome, { what });
  if (code !== null) {
    const reason = outcome.kind === 'rejected' ? { reason: outcome.reason } : {};
    const trouble = 'trouble' in outcome ? outcome.trouble : null;
    throw new DataManagerError(code, sentence, {
      ...(hint !== null && { hint }),
      data: { commit, name, version, ...reason, trouble, answer: 'text' in outcome ? outcome.text : '' },
    });
  }
  if (outcome.kind === 'no-remote') return { pushed: false, note: null };
  if (outcome.kind === 'ok') return { pushed: true, note: [outcome.text, hint].filter(Boolean).join('\n') || null };
  return { pushed: false, note: `${sentence} ${hint}` };
}
