import type { OperationContext } from './context';
import { pendingCommits } from './pendingCommits';
import type { BranchOptions } from './publishBranch';
import { pushPending } from './pushPending';
import { type Recovered, recoverTransactions } from './recoverTransactions';

export interface RecoverResult {
  /** What was found: interrupted publishes, then commits that waited to be pushed. Empty when there was nothing to do. */
  readonly recovered: readonly Recovered[];
  /** Why something still waits, in a sentence; null when nothing does. */
  readonly note: string | null;
}

/**
 * Finishes or undoes interrupted publishes (see `recoverTransactions`), then pushes what waits to be pushed, as the next publish
 * would; with `push: false` it stays pending.
 *
 * Throws PUSH_REJECTED, CONFIRMATION_NEEDED (commits of the user's would go along), BRANCH_DIVERGED, DATASET_CONFLICT (settle it with
 * `resolveConflict`), and the errors of recoverTransactions.
 *
 * @example
 * const { recovered } = await recover(context, { signal });
 */
export async function recover(context: OperationContext, options: BranchOptions): Promise<RecoverResult> {
  const mended = await recoverTransactions(context, options);
  const waiting = await pendingCommits(context, options);
  if (waiting.length === 0) return { recovered: mended, note: null };
  const push = options.push === false ? null : await pushPending(context, options);
  const stillWaiting = await pendingCommits(context);
  const mentioned = new Set(mended.flatMap(({ name, version }) => (name === null ? [] : [`${name}@${version}`])));
  const pushed = push?.pushed === true && stillWaiting.length === 0;
  const action = pushed ? 'finished' : 'pending';
  const settled = mended.map((entry): Recovered => {
    if (!pushed || entry.action !== 'pending') return entry;
    return { ...entry, action, sentence: `${entry.name}@${entry.version} is pushed.` };
  });
  const commits = waiting.flatMap(({ oid, subject, versions }): readonly Recovered[] => {
    const said = pushed ? 'pushed' : 'committed here and waits to be pushed';
    const about = { id: oid, found: 'COMMIT_BUILT', action } as const;
    if (versions.length === 0) return [{ ...about, name: null, version: null, sentence: `"${subject}" is ${said}.` }];
    return versions
      .filter(({ name, version }) => !mentioned.has(`${name}@${version}`))
      .map(({ name, version }) => ({ ...about, name, version, sentence: `${name}@${version} is ${said}.` }));
  });
  return { recovered: [...settled, ...commits], note: pushed ? null : (push?.note ?? null) };
}
