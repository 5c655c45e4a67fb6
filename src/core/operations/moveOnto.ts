import { DataManagerError } from '../errors';
import { isOwnPath } from '../repo/aheadCommits';
import { fastForward } from '../repo/fastForward';
import { moveBranchTo } from '../repo/moveBranch';
import { commitsToRebuild, isAncestor } from '../repo/ownCommits';
import { readHead } from '../repo/readRefs';
import { runGit } from '../repo/runGit';
import { openJournal, type RebuildRecord, type RebuiltCommit } from '../transaction/journal';
import type { OperationContext } from './context';
import { rebuildCommits } from './rebuildCommits';

export interface BranchMove {
  /** What HEAD is. */
  readonly from: string;
  /** What `from` and `to` have in common. */
  readonly base: string;
  readonly to: string;
  readonly commits: readonly RebuiltCommit[];
}

/**
 * Moves the current branch from our commits to the same commits rebuilt on what others published, with index and files. All of
 * them exist already, and a journal names them, so that a crash can lose none. The user's own changes stay; where they are in the
 * way, nothing has changed when this throws.
 *
 * Call it under the lock of the clone.
 *
 * Throws PATH_DIRTY, REF_MOVED (the user committed at the same moment), REPOSITORY_BUSY, GIT_OPERATION_IN_PROGRESS, DISK_FULL and
 * the other errors of moveBranchTo and fastForward.
 *
 * @example
 * await moveOnto(context, { from: head, base, to: built.to, commits: built.commits });
 */
export async function moveOnto(context: OperationContext, move: BranchMove): Promise<void> {
  const { repository, git, onStep } = context;
  const { from, base, to, commits } = move;
  if (from === to) return;
  const { branch } = await readHead(repository);
  const planned = { kind: 'rebuild', branch, from, base, to, commits } as const;
  const journal = await openJournal<RebuildRecord>(repository, planned, onStep);
  let restored = false;
  try {
    if (await onlyOwnFiles(context, from, to)) {
      await moveBranchTo({ repo: repository, git, to, expected: from });
    } else {
      // Files of others are git's to check out: line ends, links, filters, rights. For that our commits come off for a moment.
      await moveBranchTo({ repo: repository, git, to: base, expected: from });
      onStep?.('REBUILD_REWOUND');
      try {
        await fastForward({ repo: repository, git, to });
      } catch (error) {
        await putBack(context, move);
        restored = true;
        throw error;
      }
    }
    onStep?.('REBUILD_MOVED');
  } catch (error) {
    // Unless all is as it was, the next recovery has to look at it.
    if (restored || (await readHead(repository)).oid === from) await journal.close();
    else journal.abandon();
    throw error;
  }
  await journal.close();
}

/**
 * Sees to it that the current branch holds our commits again after a move that stopped halfway: rebuilt if possible, else as they
 * were. What the user committed in between stays below them.
 *
 * Throws as moveOnto does.
 *
 * @example
 * await putBack(context, record);
 */
export async function putBack(context: OperationContext, { from, to, commits }: BranchMove): Promise<void> {
  const { repository, git } = context;
  const repo = { repo: repository, git };
  const head = (await readHead(repository)).oid;
  if (head === null) throw new DataManagerError('COMMIT_NOT_FOUND', 'The branch has no commit any more.');
  if ((await isAncestor(repo, from, head)) || (await isAncestor(repo, to, head))) return;
  if (await isAncestor(repo, head, from)) {
    await fastForward({ ...repo, to: from });
    return;
  }
  const ours = await commitsToRebuild(
    repo,
    commits.map(({ was }) => was),
  );
  const rebuilt = await rebuildCommits(context, { commits: ours, onto: head, settle: () => 'on-top' });
  if (rebuilt.kind === 'conflict') {
    throw new DataManagerError('BRANCH_DIVERGED', `Our commits up to ${from} do not fit on the branch any more.`, {
      hint: `Bring them back with: git cherry-pick ${commits.map(({ was }) => was.slice(0, 10)).join(' ')}`,
      data: { commits: commits.map(({ was }) => was) },
    });
  }
  await fastForward({ ...repo, to: rebuilt.to });
}

async function onlyOwnFiles({ repository, git }: OperationContext, from: string, to: string): Promise<boolean> {
  const args = ['diff', '--name-only', '--no-renames', '-z', from, to, '--'];
  const { stdout } = await runGit(git, args, { cwd: repository.root });
  const paths = stdout.toString('utf8').split('\0').slice(0, -1);
  return paths.every((path) => isOwnPath(repository, path));
}
