import type { ResolvedVersion } from '../catalog/reference';
import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { aheadCommits } from '../repo/aheadCommits';
import type { FetchOutcome } from '../repo/fetchUpstream';
import { ensureMergeDriver } from '../repo/mergeDriverConfig';
import { type PushOutcome, pushBranch } from '../repo/pushBranch';
import type { Trouble } from '../repo/remote/gitRemote';
import { pause } from '../store/retry';
import { type CaughtUp, catchUp, type InFlight, isPublished, type OnConflict } from './catchUp';
import type { OperationContext } from './context';
import { pushedUpTo } from './pendingCommits';
import { describeFetch, describePush } from './pushMessages';
import type { Settlement } from './rebuildCommits';
import { settledVersions, versionsInWaiting } from './settledVersions';

export interface BranchOptions extends Monitor {
  /** False leaves the remote alone. */
  readonly push?: boolean | undefined;
  /** Agrees to push the user's own unpushed commits along. */
  readonly yes?: boolean | undefined;
  /** What to do where somebody else published a version of the same dataset; `stop` unless given. */
  readonly onConflict?: OnConflict | undefined;
  /** Decides by dataset, before `onConflict`. */
  readonly settle?: ((dataset: string) => Settlement) | undefined;
  /** Set when the remote gave no answer to `prepareBranch`: it is not made to wait for as long once more. */
  readonly silent?: SilentRemote | null | undefined;
}

type SilentRemote = Extract<FetchOutcome, { readonly trouble: Trouble }>;

/** How the branch stands to the remote before a publish. */
export interface PreparedBranch {
  /** Commits that wait to be pushed. */
  readonly ahead: number;
  readonly silent: SilentRemote | null;
}

export interface PushResult {
  readonly pushed: boolean;
  /** What became of the push, in a sentence; null when there was nothing to say. */
  readonly note: string | null;
  /** The commit that was in flight, as it is now: it may have been rebuilt and its version renumbered. */
  readonly inFlight: InFlight | null;
  /** The versions whose numbers are final now: `describeVersions` is to write them down, not under the lock. */
  readonly settled: readonly ResolvedVersion[];
}

/** Each lost round is somebody else's version that went through. */
const MAX_ROUNDS = 24;
const BACK_OFF = { attempts: MAX_ROUNDS, baseMs: 100, capMs: 3000 };
/** A push whose answer was lost, and that the remote says it hasn't got. */
const MAX_UNCLEAR = 3;

/**
 * Brings the branch to where a publish may commit on it: see `catchUp`; ahead by the user's own commits, which a push would take
 * along, needs `yes` (DESIGN §8). Without a remote, offline, or with `push: false` the branch is taken as it is. Call it under the
 * lock of the clone. Says how many commits wait to be pushed.
 *
 * Throws CONFIRMATION_NEEDED, PUSH_REJECTED when the remote does not accept the credentials, and what catchUp throws.
 *
 * @example
 * await prepareBranch(context, { yes: true });
 */
export async function prepareBranch(context: OperationContext, options: BranchOptions): Promise<PreparedBranch> {
  const { push = true, yes = false, signal } = options;
  if (context.mergeDriver) await ensureMergeDriver(context.repository, context.git, context.mergeDriver);
  if (!push) return { ahead: 0, silent: null };
  const state = await catchUp(context, options);
  if (state.kind === 'away') {
    const { outcome } = state;
    if (outcome.kind !== 'auth') return { ahead: 0, silent: outcome.kind === 'timeout' ? outcome : null };
    // Said before the upload: the push behind it would fail in the same way.
    const { sentence, hint } = describeFetch(outcome);
    throw new DataManagerError('PUSH_REJECTED', sentence, {
      hint: `${hint} Or publish here only with --no-push.`,
      data: { answer: outcome.text, trouble: outcome.trouble },
    });
  }
  const { remoteOid, ahead } = state;
  // A remote without this branch: nothing there says what the user meant to publish, so all of it goes.
  if (ahead === 0 || remoteOid === null || yes) return { ahead, silent: null };
  const foreign = await foreignCommits(context, remoteOid, signal);
  if (foreign.length === 0) return { ahead, silent: null };
  throw new DataManagerError(
    'CONFIRMATION_NEEDED',
    `${foreign.length} commits of yours are not pushed yet and would be pushed along: ${quoted(foreign)}.`,
    { hint: 'Push them first, agree with --yes, or commit here only with --no-push.', data: { commits: foreign } },
  );
}

/**
 * Pushes what is committed here. When the remote has moved, our commits are rebuilt on its tip and pushed again, after a pause of
 * random length, a bounded number of times. Offline, or without a remote, the commits stay here, to be pushed later; that is a
 * result, not an error. Call it under the lock of the clone.
 *
 * Throws PUSH_REJECTED when the remote said no, with its own words, BRANCH_DIVERGED, DATASET_CONFLICT: the commits stay here then
 * too, but for the one in flight when it is that one that conflicts.
 *
 * @example
 * const { pushed, note, inFlight } = await pushCommits(context, { commit, name, version, file }, { push: true });
 */
export async function pushCommits(
  context: OperationContext,
  first: InFlight | null,
  options: BranchOptions,
): Promise<PushResult> {
  // What is asked beside the push must not fail it.
  const waiting = await versionsInWaiting(context, first?.file === null ? null : first).catch(() => []);
  const push = await pushInRounds(context, first, options);
  return { ...push, settled: await settledVersions(context, waiting).catch(() => []) };
}

type PushOfCommits = Omit<PushResult, 'settled'>;

async function pushInRounds(
  context: OperationContext,
  first: InFlight | null,
  options: BranchOptions,
): Promise<PushOfCommits> {
  const { repository, git, gitCredentials, interactive, onStep } = context;
  const { push = true, silent, signal, onProgress } = options;
  let inFlight = first;
  if (!push) return { pushed: false, note: 'Committed here, not pushed.', inFlight };
  if (silent) return resultOf({ ...silent, kind: 'offline' }, inFlight);
  let unclear = 0;
  for (let round = 1; ; round++) {
    onProgress?.({ phase: 'push', done: 0, total: null });
    const { commit, unasked } = await pushTarget(context, inFlight, options);
    if (unasked !== null) return { pushed: false, note: `${pendingWords(inFlight)}: ${unasked}`, inFlight };
    if (signal?.aborted) {
      return { pushed: false, note: `${pendingWords(inFlight)}: it was cancelled before. ${PUSH_LATER}`, inFlight };
    }
    const outcome = await pushBranch({
      repo: repository,
      git,
      commit,
      credentials: gitCredentials,
      interactive,
      signal,
    });
    if (outcome.kind === 'ok') onStep?.('PUSHED');
    const lost = outcome.kind === 'unknown' && ++unclear <= MAX_UNCLEAR;
    const moved = outcome.kind === 'rejected' && outcome.reason === 'non-fast-forward';
    if ((!lost && !moved) || round === MAX_ROUNDS) return resultOf(outcome, inFlight);
    await pause(round, BACK_OFF);
    const state = await catchUpAfterCommit(context, { ...options, inFlight });
    if (state.kind === 'away') return resultOf(outcome, inFlight);
    inFlight = state.inFlight;
    // The answer was lost and not the push, or others did what was left of it.
    const done =
      state.ahead === 0 ||
      (inFlight && !inFlight.already && (await isPublished(context, inFlight.commit, state.remoteOid)));
    if (done) return { pushed: true, note: null, inFlight };
  }
}

/** As catchUp, but the user may commit at any moment, and what we have committed must not be tried again as a whole. */
async function catchUpAfterCommit(
  context: OperationContext,
  options: BranchOptions & { readonly inFlight: InFlight | null },
): Promise<CaughtUp> {
  // A rebuild that has begun is brought to its end: a cancel counts before the next push.
  const { signal: _, ...rest } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await catchUp(context, rest);
    } catch (error) {
      const passing = DataManagerError.is(error, 'REF_MOVED') || DataManagerError.is(error, 'REPOSITORY_BUSY');
      if (passing && attempt < 5) {
        await pause(attempt, BACK_OFF);
        continue;
      }
      throw stillPending(error, options.inFlight);
    }
  }
}

function stillPending(error: unknown, inFlight: InFlight | null): unknown {
  if (!DataManagerError.is(error) || error.code === 'DATASET_CONFLICT') return error;
  const code = error.code === 'REF_MOVED' || error.code === 'REPOSITORY_BUSY' ? 'PUSH_REJECTED' : error.code;
  return new DataManagerError(code, `${pendingWords(inFlight)}: ${error.message}`, {
    hint: `${error.hint ?? 'Mend that first.'} Then push with: datamanager recover`,
    data: { ...error.data, pending: true },
    cause: error,
  });
}

/**
 * The commit to push: the one in flight, else the newest of ours. With it would go what the user has committed below it since they
 * were asked; `unasked` has words about that.
 */
async function pushTarget(
  context: OperationContext,
  inFlight: InFlight | null,
  { yes = false }: BranchOptions,
): Promise<{ readonly commit: string | undefined; readonly unasked: string | null }> {
  const { repository, git } = context;
  const own = inFlight && !inFlight.already ? inFlight.commit : undefined;
  if (yes) return { commit: own, unasked: null };
  const upstream = await pushedUpTo(context);
  if (upstream === null) return { commit: own, unasked: null };
  const unpushed = await aheadCommits({ repo: repository, git, upstream });
  const at = own === undefined ? unpushed.findIndex(({ ours }) => ours) : unpushed.findIndex(({ oid }) => oid === own);
  const below = unpushed.slice(Math.max(at, 0)).filter(({ ours }) => !ours);
  const commit = unpushed[at]?.oid ?? own;
  if (below.length === 0) return { commit, unasked: null };
  return {
    commit,
    unasked: `it would push commits of yours along: ${quoted(below)}. Agree with: datamanager recover --yes`,
  };
}

async function foreignCommits(
  { repository, git }: OperationContext,
  upstream: string,
  signal: AbortSignal | undefined,
) {
  const unpushed = await aheadCommits({ repo: repository, git, upstream, signal });
  return unpushed.filter(({ ours }) => !ours);
}

function quoted(commits: readonly { readonly subject: string }[]): string {
  return commits.map(({ subject }) => `"${subject}"`).join(', ');
}

function pendingWords(inFlight: InFlight | null): string {
  return `${whatOf(inFlight)} is uploaded and committed here, nothing is lost; the push is pending`;
}

function whatOf(inFlight: InFlight | null): string {
  return inFlight ? `${inFlight.name}@${inFlight.version}` : 'What waits here';
}

function resultOf(outcome: PushOutcome, inFlight: InFlight | null): PushOfCommits {
  const { sentence, hint, code } = describePush(outcome, { what: whatOf(inFlight) });
  if (outcome.kind === 'ok') {
    return { pushed: true, note: [outcome.text.trim(), hint].filter(Boolean).join('\n') || null, inFlight };
  }
  if (outcome.kind === 'no-remote') return { pushed: false, note: hint && `${sentence} ${hint}`, inFlight };
  const toDo = `${hint ?? ''} ${PUSH_LATER}`.trim();
  if (code === null) return { pushed: false, note: `${sentence} ${toDo}`, inFlight };
  const { trouble, text: answer } = outcome;
  const reason = outcome.kind === 'rejected' ? { reason: outcome.reason } : {};
  const about = inFlight ? { commit: inFlight.commit, name: inFlight.name, version: inFlight.version } : {};
  throw new DataManagerError(code, sentence, {
    hint: toDo,
    data: { ...about, ...reason, trouble, answer, pending: true },
  });
}

const PUSH_LATER = '(To push what waits: datamanager recover)';
