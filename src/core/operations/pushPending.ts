import { withTransactionLock } from '../transaction/transactionLock';
import type { OperationContext } from './context';
import { describeVersions } from './describeVersions';
import { type BranchOptions, type PushResult, prepareBranch, pushCommits } from './publishBranch';
import { recoverTransactions } from './recoverTransactions';
import { retryWhenMoved } from './retryWhenMoved';

/**
 * Pushes what was published while the remote could not be reached, as the next publish would.
 *
 * Throws PUSH_REJECTED, CONFIRMATION_NEEDED (commits of the user's would go along), BRANCH_DIVERGED, DATASET_CONFLICT (settle it with
 * `resolveConflict`), REPOSITORY_BUSY, CANCELLED.
 *
 * @example
 * const { pushed, note } = await pushPending(context, { signal, onProgress });
 */
export async function pushPending(context: OperationContext, options: BranchOptions): Promise<PushResult> {
  const { repository, lockWaitMs } = context;
  const { signal, onProgress } = options;
  await recoverTransactions(context, options);
  const doing = 'pushes';
  const push = await withTransactionLock(repository, { doing, waitMs: lockWaitMs, signal, onProgress }, async () => {
    const branch = await retryWhenMoved(() => prepareBranch(context, options), signal);
    return pushCommits(context, null, { ...options, ...branch });
  });
  await describeVersions(context, push.settled, { signal });
  return push;
}
