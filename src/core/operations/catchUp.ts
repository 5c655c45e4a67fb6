import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { type AheadCommit, aheadCommits } from '../repo/aheadCommits';
import { fastForward } from '../repo/fastForward';
import { type FetchOutcome, fetchUpstream } from '../repo/fetchUpstream';
import { commitsToRebuild, isAncestor, mergeBase } from '../repo/ownCommits';
import { readHead } from '../repo/readRefs';
import type { OperationContext } from './context';
import { datasetConflict } from './datasetConflict';
import type { PublishedDiff } from './diffForPublish';
import { moveOnto } from './moveOnto';
import { type RebuildConflict, type RebuiltBranch, rebuildCommits, type Settlement } from './rebuildCommits';

/** What to do where somebody else published a version of the same dataset: stop and tell, or put ours on top. */
export type OnConflict = 'stop' | 'on-top';

/** The commit that the running operation has just made, as it is now. */
export interface InFlight {
  readonly commit: string;
  readonly name: string;
  readonly version: string;
  /** File that was published, for messages; null for a change of the catalog alone. */
  readonly file: string | null;
  /** Set when the version was renumbered and compared anew. */
  readonly diff?: PublishedDiff | null;
  /** Set when somebody else published the same bytes meanwhile: nothing of ours was left to commit. */
  readonly already?: boolean;
}

export interface CatchUpOptions extends Monitor {
  readonly onConflict?: OnConflict | undefined;
  /** Decides by dataset, before `onConflict`. */
  readonly settle?: ((dataset: string) => Settlement) | undefined;
  readonly inFlight?: InFlight | null | undefined;
}

export type CaughtUp =
  | {
      /** The branch holds the remote tip now. */
      readonly kind: 'current';
      /** Null when the branch does not exist there yet. */
      readonly remoteOid: string | null;
      readonly ahead: number;
      readonly inFlight: InFlight | null;
    }
  | { readonly kind: 'away'; readonly outcome: Exclude<FetchOutcome, { readonly kind: 'ok' }> };

/**
 * Fetches, and brings the branch to where it holds the remote tip: behind, it is fast-forwarded; diverged by our own commits
 * alone, these are rebuilt on the tip, renumbered where somebody else was first (DESIGN §8). The branch and files stay as they are
 * when it throws, except that a conflict of the commit in flight takes that one back.
 *
 * Call it under the lock of the clone.
 *
 * Throws BRANCH_DIVERGED when commits of the user's are in the way, DATASET_CONFLICT, and what moveOnto throws.
 *
 * @example
 * const state = await catchUp(context, { onConflict: 'stop', signal });
 */
export async function catchUp(context: OperationContext, options: CatchUpOptions): Promise<CaughtUp> {
  const { repository, git, gitCredentials, interactive, onStep } = context;
  const { inFlight = null, signal, onProgress } = options;
  onProgress?.({ phase: 'push', done: 0, total: null });
  const upstream = await fetchUpstream({ repo: repository, git, credentials: gitCredentials, interactive, signal });
  if (upstream.kind !== 'ok') return { kind: 'away', outcome: upstream };
  const { remoteOid, ahead, behind } = upstream;
  if (remoteOid === null || behind === 0) return { kind: 'current', remoteOid, ahead, inFlight };
  if (ahead === 0) {
    await fastForward({ repo: repository, git, to: remoteOid, signal });
    onStep?.('FAST_FORWARDED');
    return { kind: 'current', remoteOid, ahead, inFlight };
  }
  const unpushed = await aheadCommits({ repo: repository, git, upstream: remoteOid, signal });
  const foreign = unpushed.filter(({ ours }) => !ours);
  if (foreign.length > 0) throw diverged(unpushed.length, behind, foreign);
  const rebased = await rebuildOnto(context, { tip: remoteOid, unpushed }, options);
  return { kind: 'current', remoteOid, ...rebased };
}

interface Divergence {
  readonly tip: string;
  /** Newest first. */
  readonly unpushed: readonly AheadCommit[];
}

async function rebuildOnto(
  context: OperationContext,
  { tip, unpushed }: Divergence,
  options: CatchUpOptions,
): Promise<{ readonly ahead: number; readonly inFlight: InFlight | null }> {
  const { repository, git } = context;
  const { inFlight = null, onConflict = 'stop', settle = () => onConflict, signal, onProgress } = options;
  const repo = { repo: repository, git, signal };
  const from = unpushed[0]?.oid ?? (await readHead(repository)).oid ?? tip;
  const base = await mergeBase(repo, from, tip);
  if (base === null) throw unrelated();
  const commits = await commitsToRebuild(repo, unpushed.map(({ oid }) => oid).reverse());
  const rebuild = { commits, onto: tip, settle, signal, onProgress };
  const built = await rebuildCommits(context, rebuild);
  if (built.kind === 'conflict') {
    if (built.commit.oid !== inFlight?.commit)
      throw await datasetConflict(context, built, { tip, file: null, pending: true });
    const others = commits.filter(({ oid }) => oid !== inFlight.commit);
    await takeBack(context, built, { from, base, tip }, await rebuildCommits(context, { ...rebuild, commits: others }));
    throw await datasetConflict(context, built, { tip, file: inFlight.file, pending: false });
  }
  await moveOnto(context, { from, base, to: built.to, commits: built.commits });
  const left = built.commits.filter(({ now }) => now !== null).length;
  return { ahead: left, inFlight: inFlight && afterRebuild(inFlight, built) };
}

/** Takes the commit in flight off again; where the user's changes are in the way of that, it stays and waits. */
async function takeBack(
  context: OperationContext,
  conflict: RebuildConflict,
  place: { readonly from: string; readonly base: string; readonly tip: string },
  others: RebuiltBranch | RebuildConflict,
): Promise<void> {
  const { from, base, tip } = place;
  try {
    if (others.kind === 'conflict') throw await datasetConflict(context, others, { tip, file: null, pending: true });
    await moveOnto(context, { from, base, to: others.to, commits: others.commits });
  } catch (error) {
    if (!DataManagerError.is(error)) throw error;
    throw await datasetConflict(context, conflict, { tip, file: null, pending: true });
  }
}

function afterRebuild(inFlight: InFlight, { commits, renumbered, already, diffs }: RebuiltBranch): InFlight {
  const { commit, name, version } = inFlight;
  const now = commits.find(({ was }) => was === commit)?.now ?? null;
  if (now === null) {
    const same = already.findLast((other) => other.name === name);
    return { ...inFlight, version: same?.version ?? version, already: true };
  }
  const to = renumbered.find((moved) => moved.name === name && moved.from === version)?.to;
  if (to === undefined) return { ...inFlight, commit: now };
  return { ...inFlight, commit: now, version: to, diff: diffs.get(`${name}@${to}`) ?? null };
}

/** True when the remote has the commit, as far as the last fetch knows. */
export async function isPublished(
  context: OperationContext,
  commit: string,
  remoteOid: string | null,
): Promise<boolean> {
  return remoteOid !== null && isAncestor({ repo: context.repository, git: context.git }, commit, remoteOid);
}

function diverged(ahead: number, behind: number, foreign: readonly AheadCommit[]): DataManagerError {
  return new DataManagerError(
    'BRANCH_DIVERGED',
    `This branch and its remote have diverged: ${ahead} commits are only here, ${behind} only there.`,
    {
      hint: 'Bring them together with: git pull --rebase',
      data: { ahead, behind, commits: foreign.map(({ oid, subject }) => ({ oid, subject })) },
    },
  );
}

function unrelated(): DataManagerError {
  return new DataManagerError('BRANCH_DIVERGED', 'This branch and its remote have no commit in common.', {
    hint: 'Check that the remote is the right one: git remote -v',
  });
}
