import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { aheadCommits } from '../repo/aheadCommits';
import { fastForward } from '../repo/fastForward';
import { fetchUpstream } from '../repo/fetchUpstream';
import { ensureMergeDriver } from '../repo/mergeDriverConfig';
import { pushBranch } from '../repo/pushBranch';
import type { OperationContext } from './context';

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
  { repository, git, mergeDriver }: OperationContext,
  { push = true, yes = false, signal, onProgress }: BranchOptions,
): Promise<void> {
  if (mergeDriver) await ensureMergeDriver(repository, git, mergeDriver);
  if (!push) return;
  onProgress?.({ phase: 'push', done: 0, total: null });
  const upstream = await fetchUpstream({ repo: repository, git, signal });
  if (upstream.kind === 'auth') {
    // Said before the upload: the push behind it would fail in the same way.
    throw new DataManagerError('PUSH_REJECTED', 'The remote did not accept your credentials; nothing was published.', {
      hint: 'Sign in so that "git fetch" works in a terminal, or publish here only with --no-push.',
      data: { answer: upstream.text },
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
  { repository, git }: OperationContext,
  { commit, name, version }: { readonly commit: string; readonly name: string; readonly version: string },
  { push = true, signal, onProgress }: BranchOptions,
): Promise<PushResult> {
  if (!push) return { pushed: false, note: 'Committed here, not pushed.' };
  onProgress?.({ phase: 'push', done: 0, total: null });
  const outcome = signal?.aborted ? CANCELLED : await pushBranch({ repo: repository, git, signal });
  const pending = `${name}@${version} is uploaded and committed here; the push is pending`;
  switch (outcome.kind) {
    case 'ok':
      return { pushed: true, note: outcome.text.trim() || null };
    case 'no-remote':
      return { pushed: false, note: null };
    case 'offline':
      return { pushed: false, note: `${pending}: the remote can't be reached. Push later with: git push` };
    case 'timeout':
      return { pushed: false, note: `${pending}: the remote did not answer in time. Push later with: git push` };
    case 'cancelled':
      return { pushed: false, note: `${pending}: it was cancelled before. Push later with: git push` };
    case 'unknown':
      return { pushed: false, note: `${pending}: it is not known whether the remote has it. Ask it with: git fetch` };
    case 'auth':
      throw new DataManagerError('PUSH_REJECTED', `${pending}: the remote did not accept your credentials.`, {
        hint: 'Sign in so that "git push" works in a terminal, then run: git push',
        data: { commit, name, version, answer: outcome.text },
      });
    case 'rejected':
      throw new DataManagerError(
        'PUSH_REJECTED',
        `${pending}: the remote rejected it. It said: ${oneLine(outcome.text)}`,
        {
          hint:
            outcome.reason === 'non-fast-forward'
              ? 'Somebody pushed in between. Bring both together with: git pull --rebase, then: git push'
              : 'Ask who looks after the remote, or publish on another branch; nothing is lost.',
          data: { commit, name, version, reason: outcome.reason, answer: outcome.text },
        },
      );
  }
}

const CANCELLED = { kind: 'cancelled' } as const;

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' / ');
}
