import { DataManagerError } from '../errors';
import { aheadCommits } from '../repo/aheadCommits';
import { fetchUpstream } from '../repo/fetchUpstream';
import { mergeBase } from '../repo/ownCommits';
import { pushBranch } from '../repo/pushBranch';
import { listRefs, readHead } from '../repo/readRefs';
import { runGit } from '../repo/runGit';
import { withTransactionLock } from '../transaction/transactionLock';
import type { OperationContext } from './context';
import { describeVersions } from './describeVersions';
import { moveOnto } from './moveOnto';
import { type BranchOptions, type PushResult, prepareBranch, pushCommits } from './publishBranch';
import { describePush } from './pushMessages';
import { recoverTransactions } from './recoverTransactions';
import { retryWhenMoved } from './retryWhenMoved';

/**
 * How to go on when versions that wait here meet newer ones of the same dataset: ours on top, with a new number; theirs, and ours are
 * given up (their objects stay in the store, files on this machine as they are); or all that waits goes to a branch of its own.
 */
export type Resolution =
  | { readonly kind: 'on-top'; readonly name: string }
  | { readonly kind: 'theirs'; readonly name: string }
  | { readonly kind: 'branch'; readonly branch: string };

/**
 * Settles a DATASET_CONFLICT of versions that wait to be pushed (its `data.pending` is true), and pushes.
 *
 * Throws DATASET_CONFLICT for another dataset that is in the same position, PUSH_REJECTED, BRANCH_DIVERGED, CONFIRMATION_NEEDED,
 * REPOSITORY_BUSY, PATH_DIRTY, CANCELLED; COMMIT_NOT_FOUND for a branch when nothing waits, NAME_INVALID or REPOSITORY_EXISTS for a name
 * that can't be used.
 *
 * @example
 * await resolveConflict(context, { kind: 'on-top', name: 'utopia.sqlite' }, { signal });
 */
export async function resolveConflict(
  context: OperationContext,
  resolution: Resolution,
  options: BranchOptions,
): Promise<PushResult> {
  const { repository, lockWaitMs } = context;
  const { signal, onProgress } = options;
  await recoverTransactions(context, options);
  const doing = 'settles a conflict';
  const push = await withTransactionLock(repository, { doing, waitMs: lockWaitMs, signal, onProgress }, async () => {
    if (resolution.kind === 'branch') return moveToBranch(context, resolution.branch, options);
    const { name, kind } = resolution;
    const others = options.onConflict ?? 'stop';
    const settled = { ...options, settle: (dataset: string) => (dataset === name ? kind : others) };
    const { ahead } = await retryWhenMoved(() => prepareBranch(context, settled), signal);
    return ahead === 0 ? NOTHING_LEFT : pushCommits(context, null, settled);
  });
  await describeVersions(context, push.settled, { signal });
  return push;
}

const NOTHING_LEFT: PushResult = { pushed: true, note: null, inFlight: null, settled: [] };

/** What waits here goes to a new branch, there and here; the current one becomes what the remote has. */
async function moveToBranch(context: OperationContext, branch: string, options: BranchOptions): Promise<PushResult> {
  const { repository, git, gitCredentials: credentials, interactive } = context;
  const { signal } = options;
  const remote = { repo: repository, git, credentials, interactive, signal };
  const head = (await readHead(repository)).oid;
  const upstream = await fetchUpstream(remote);
  if (upstream.kind !== 'ok' || head === null || upstream.remoteOid === null || upstream.ahead === 0) {
    throw new DataManagerError('COMMIT_NOT_FOUND', 'There is nothing here that could go to another branch.', {
      hint:
        upstream.kind === 'ok' ? 'See what waits with: datamanager list' : 'Try again once the remote can be reached.',
    });
  }
  const { remoteOid } = upstream;
  const foreign = (await aheadCommits({ ...remote, upstream: remoteOid })).filter(({ ours }) => !ours);
  if (foreign.length > 0 && !options.yes) {
    const message = `${foreign.length} commits of your own would go to ${branch} too.`;
    throw new DataManagerError('CONFIRMATION_NEEDED', message, {
      hint: 'Agree with --yes.',
      data: { commits: foreign },
    });
  }
  await createBranch(context, branch, head);
  const outcome = await pushBranch({ ...remote, branch, commit: head });
  const { sentence, hint, code } = describePush(outcome, { what: 'What waits here' });
  if (outcome.kind !== 'ok') {
    await runGit(git, ['update-ref', '-d', `refs/heads/${branch}`, head], { cwd: repository.root });
    throw new DataManagerError(code ?? 'PUSH_REJECTED', sentence, hint === null ? {} : { hint });
  }
  const base = await mergeBase({ repo: repository, git, signal }, head, remoteOid);
  await moveOnto(context, { from: head, base: base ?? remoteOid, to: remoteOid, commits: [] });
  return { pushed: true, note: `Your versions are on the branch ${branch}.`, inFlight: null, settled: [] };
}

async function createBranch({ repository, git }: OperationContext, branch: string, oid: string): Promise<void> {
  const run = { cwd: repository.root };
  const valid =
    (await runGit(git, ['check-ref-format', '--branch', branch], { ...run, okCodes: [0, 1, 128] })).code === 0;
  const taken = (await listRefs(repository)).branches.some(({ name }) => name === branch);
  if (!valid || taken) {
    const why = valid ? `There is a branch called ${branch} already.` : `"${branch}" can't be the name of a branch.`;
    throw new DataManagerError(valid ? 'REPOSITORY_EXISTS' : 'NAME_INVALID', why, { hint: 'Choose another name.' });
  }
  await runGit(git, ['update-ref', '-m', 'datamanager: branch', `refs/heads/${branch}`, oid, '0'.repeat(40)], run);
}
