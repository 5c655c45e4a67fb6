import { throwIfCancelled } from '../errors';
import { readCommit } from './readObjects';
import type { Repository } from './repository';
import { type CommitNode, NewestFirst, shallowBoundary } from './walkCommits';

const OURS = 1;
const THEIRS = 2;
const BOTH = OURS | THEIRS;

export interface CommitDistance {
  /** Commits reachable from `ours` only. */
  readonly ahead: number;
  /** Commits reachable from `theirs` only. */
  readonly behind: number;
}

/**
 * How many commits two of them have each for themselves. Reads little more than those: both histories are walked together, newest
 * first, until all that waits belongs to both, as git's merge-base does (commit-reach.c, paint_down_to_common). Null is no commit.
 *
 * Throws COMMIT_NOT_FOUND, CANCELLED.
 *
 * @example
 * const { ahead, behind } = await commitDistance(repo, head, remoteTip);
 */
export async function commitDistance(
  repo: Repository,
  ours: string | null,
  theirs: string | null,
  signal?: AbortSignal,
): Promise<CommitDistance> {
  if (ours === theirs) return { ahead: 0, behind: 0 };
  const cut = await shallowBoundary(repo);
  const sides = new Map<string, number>();
  const waiting = new NewestFirst<CommitNode>();
  const paint = async (oid: string, side: number): Promise<void> => {
    const before = sides.get(oid) ?? 0;
    if ((before | side) === before) return;
    sides.set(oid, before | side);
    // Painted anew after it was walked, it is walked again: commits of one second come in any order.
    waiting.push(await readCommit(repo, oid));
  };
  const undecided = ({ oid, parents }: CommitNode): boolean =>
    sides.get(oid) !== BOTH || parents.some((parent) => (sides.get(parent) ?? BOTH) !== BOTH);

  if (ours !== null) await paint(ours, OURS);
  if (theirs !== null) await paint(theirs, THEIRS);
  while (waiting.some(undecided)) {
    throwIfCancelled(signal);
    const commit = waiting.pop();
    if (!commit || cut.has(commit.oid)) continue;
    for (const parent of commit.parents) await paint(parent, sides.get(commit.oid) ?? 0);
  }
  const only = (side: number): number => [...sides.values()].filter((value) => value === side).length;
  return { ahead: only(OURS), behind: only(THEIRS) };
}
