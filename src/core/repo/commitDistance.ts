import { throwIfCancelled } from '../errors';
import { type Commit, readCommit } from './readObjects';
import type { Repository } from './repository';
import { NewestFirst, shallowBoundary } from './walkCommits';

const OURS = 1;
const THEIRS = 2;
const BOTH = OURS | THEIRS;

export interface CommitsApart {
  /** Commits reachable from `ours` only, newest first. */
  readonly ahead: readonly Commit[];
  /** Commits reachable from `theirs` only, newest first. */
  readonly behind: readonly Commit[];
}

/**
 * The commits that two of them have each for themselves. Reads little more than those: both histories are walked together, newest
 * first, until all that waits belongs to both, as git's merge-base does (commit-reach.c, paint_down_to_common). Null is no commit.
 *
 * Throws COMMIT_NOT_FOUND, CANCELLED.
 *
 * @example
 * const { ahead } = await commitsApart(repo, head, remoteTip);
 */
export async function commitsApart(
  repo: Repository,
  ours: string | null,
  theirs: string | null,
  signal?: AbortSignal,
): Promise<CommitsApart> {
  if (ours === theirs) return { ahead: [], behind: [] };
  const cut = await shallowBoundary(repo);
  const commits = new Map<string, Commit>();
  const sides = new Map<string, number>();
  const waiting = new NewestFirst<Commit>();
  const paint = async (oid: string, side: number): Promise<void> => {
    const before = sides.get(oid) ?? 0;
    if ((before | side) === before) return;
    sides.set(oid, before | side);
    const commit = commits.get(oid) ?? (await readCommit(repo, oid));
    commits.set(oid, commit);
    // Painted anew after it was walked, it is walked again: commits of one second come in any order.
    waiting.push(commit);
  };
  const undecided = ({ oid, parents }: Commit): boolean =>
    sides.get(oid) !== BOTH || parents.some((parent) => (sides.get(parent) ?? BOTH) !== BOTH);

  if (ours !== null) await paint(ours, OURS);
  if (theirs !== null) await paint(theirs, THEIRS);
  while (waiting.some(undecided)) {
    throwIfCancelled(signal);
    const commit = waiting.pop();
    if (!commit || cut.has(commit.oid)) continue;
    for (const parent of commit.parents) await paint(parent, sides.get(commit.oid) ?? 0);
  }
  const only = (side: number): readonly Commit[] =>
    [...commits.values()].filter(({ oid }) => sides.get(oid) === side).sort((a, b) => b.timestamp - a.timestamp); // stable: of one second, as they were found, children first
  return { ahead: only(OURS), behind: only(THEIRS) };
}

export interface CommitDistance {
  /** Commits reachable from `ours` only. */
  readonly ahead: number;
  /** Commits reachable from `theirs` only. */
  readonly behind: number;
}

/**
 * How many commits two of them have each for themselves: see `commitsApart`.
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
  const { ahead, behind } = await commitsApart(repo, ours, theirs, signal);
  return { ahead: ahead.length, behind: behind.length };
}
