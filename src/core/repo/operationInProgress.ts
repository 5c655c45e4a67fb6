import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError } from '../errors';
import type { Repository } from './repository';

/** Files that git keeps in a work tree's Git directory while it waits for the user (wt-status.c, `wt_status_get_state`). */
const MARKERS = [
  ['MERGE_HEAD', 'merge'],
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_LOG', 'bisect'],
] as const;

/**
 * Throws GIT_OPERATION_IN_PROGRESS while a merge, rebase, cherry-pick, revert or bisect waits to be finished: a commit made now
 * would become part of it. `data.operation` names it.
 *
 * @example
 * await refuseDuringGitOperation(repo);
 */
export async function refuseDuringGitOperation(repo: Repository): Promise<void> {
  for (const [file, operation] of MARKERS) {
    const waiting = await access(join(repo.gitDir, file)).then(
      () => true,
      () => false,
    );
    if (!waiting) continue;
    const hint =
      operation === 'bisect'
        ? 'End it first: git bisect reset'
        : `Finish it first: git ${operation} --continue, or git ${operation} --abort`;
    throw new DataManagerError('GIT_OPERATION_IN_PROGRESS', `A ${operation} is in progress in ${repo.root}.`, {
      hint,
      data: { operation },
    });
  }
}
