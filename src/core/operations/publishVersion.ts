import { readCatalog } from '../catalog/readCatalog';
import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { checkCommittable } from '../repo/checkCommittable';
import { recordLocalCopy } from '../repo/localCopies';
import { readHead } from '../repo/readRefs';
import type { DiffSummary } from '../sqldiff/model';
import { hashFile } from '../store/hashFile';
import { openJournal, type PublishRecord } from '../transaction/journal';
import { withTransactionLock } from '../transaction/transactionLock';
import type { OnConflict } from './catchUp';
import {
  type CommittedVersion,
  commitVersion,
  type PreparedVersion,
  prepareVersion,
  type SameVersion,
  type VersionToCommit,
} from './commitVersion';
import type { OperationContext } from './context';
import { describeVersions } from './describeVersions';
import { type BranchOptions, type PreparedBranch, type PushResult, prepareBranch, pushCommits } from './publishBranch';
import { checkTarget, type PublishTarget } from './publishTarget';
import { recoverTransactions } from './recoverTransactions';
import { retryWhenMoved } from './retryWhenMoved';
import { requireShown } from './shownConflict';
import { requireUnchanged, watchInput } from './unchangedInput';
import { nothingTransferred, type Transfer, uploadOnce } from './uploadVersion';

export interface PublishOptions extends Monitor {
  /** Path of the file whose bytes become the new version. */
  readonly file: string;
  /** Commit message; made up from name and version when absent. */
  readonly message?: string | undefined;
  /** What this version is, kept in the manifest; the message's first line when absent. */
  readonly description?: string | undefined;
  /** Where the data came from, an address. */
  readonly source?: string | undefined;
  /** References of the versions that this one was derived from. */
  readonly parents?: readonly string[] | undefined;
  /** False commits without pushing. */
  readonly push?: boolean | undefined;
  /** Agrees to push the user's own unpushed commits along. */
  readonly yes?: boolean | undefined;
  /** What to do when somebody else publishes a version of the same dataset at the same moment; `stop` unless given. */
  readonly onConflict?: OnConflict | undefined;
}

export interface PublishResult {
  readonly status: 'created' | 'updated' | 'unchanged';
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** The commit that holds the version; null when nothing was committed. */
  readonly commit: string | null;
  /** True when the remote has the version, or (unchanged) has got what waited to be pushed. */
  readonly pushed: boolean;
  /** What became of the push, in a sentence; null when there was nothing to say. */
  readonly note: string | null;
  readonly transfer: Transfer;
  /** Rows that differ from the previous version; null for a first version and for files that can't be compared. */
  readonly diff: DiffSummary | null;
}

/**
 * Publishes a file as a version: hash, upload, commit, push. Each state is journaled first (DESIGN §8), so that a process that dies
 * at any moment is cleaned up after by the next write or by `recover`.
 *
 * Before the commit a failure or a cancel leaves Git as it was and takes back only the object that this call created. After it
 * nothing is taken back: a push that did not go through leaves the commit here, to be pushed later. The exception is
 * DATASET_CONFLICT: somebody else published another version of the dataset in the same moment, and ours was not pushed.
 *
 * Last of all, what has a final number now is described beside its object (`describeVersions`).
 *
 * @example
 * await publishVersion(context, 'utopia.sqlite', 'existing', { file: 'new.sqlite', message: 'Revise cost curve' });
 */
export async function publishVersion(
  context: OperationContext,
  name: string,
  target: PublishTarget,
  options: PublishOptions,
): Promise<PublishResult> {
  const { repository, git } = context;
  const { signal } = options;
  // First of all: until then files and index may show a publish that died halfway.
  await recoverTransactions(context, options);
  checkTarget((await readCatalog(repository)).manifest, name, target);
  const input = await watchInput(options.file);
  const author = await checkCommittable({ repo: repository, git, paths: [repository.manifestPath], signal });
  const { branch, oid: base } = await readHead(repository);
  const intent = { name, target, file: input.path, stamp: input.stamp, message: options.message ?? null, branch, base };
  const journal = await openJournal<PublishRecord>(
    repository,
    { kind: 'publish', state: 'INTENT', ...intent },
    context.onStep,
  );
  try {
    return await publishJournaled(context, { name, target, input, author: author.name, journal }, options);
  } finally {
    // Whatever happened, this process knows it, and what waits to be pushed is to be seen in Git.
    await journal.close().catch(() => journal.abandon());
  }
}

async function publishJournaled(
  context: OperationContext,
  publish: Omit<VersionToCommit, 'sha256' | 'upload'>,
  options: PublishOptions,
): Promise<PublishResult> {
  const { name, input, journal } = publish;
  const { signal, onProgress } = options;
  const { sha256 } = await hashFile({ path: input.path, signal, onProgress });
  await requireUnchanged(input);
  await journal.note({ state: 'HASHED', sha256 });
  const locked = lockedBy(context, name, options);
  const prepare = (how: PublishOptions & BranchOptions): Promise<PreparedBranch> =>
    retryWhenMoved(() => locked(() => prepareBranch(context, how)), signal);
  const branch = await prepare(options).catch(async (error) => {
    await requireShown(context.repository, error, { name, sha256 });
    const { onConflict = 'stop' } = options;
    return prepare({ ...options, settle: (dataset) => (dataset === name ? 'on-top' : onConflict) });
  });
  const upload = uploadOnce(context, { name, file: input.path, sha256, size: input.size }, options, {
    onKey: (key) => journal.note({ state: 'UPLOADING', key }),
    onUploaded: ({ created }) => journal.note({ state: 'UPLOADED', created }),
  });
  const version = { ...publish, sha256, upload };
  const attempt = async (hold: Hold): Promise<Published> => {
    const prepared = await prepareVersion(context, version, options);
    return hold(() => commitAndPush(context, version, prepared, { ...options, ...branch }));
  };
  let published: Published;
  try {
    published = await retryWhenMoved((count) => {
      // Whoever is overtaken again and again prepares under the lock at last.
      return count < PATIENCE ? attempt(locked) : locked(() => attempt((run) => run()));
    }, signal);
    // The same bytes were published by somebody else while ours were on their way.
    if (published.outcome.kind === 'unchanged') await upload.takeBack();
  } catch (error) {
    await upload.takeBack();
    throw error;
  }
  const result = resultOf(version, published);
  const requests = await describeVersions(context, published.push.settled, { signal });
  return { ...result, transfer: { ...result.transfer, requests: result.transfer.requests + requests } };
}

const PATIENCE = 4;

type Hold = <T>(run: () => Promise<T>) => Promise<T>;

function lockedBy({ repository, lockWaitMs, onStep }: OperationContext, name: string, monitor: Monitor): Hold {
  const { signal, onProgress } = monitor;
  const options = { doing: `publishes ${name}`, waitMs: lockWaitMs, signal, onProgress };
  return async (run) => {
    const result = await withTransactionLock(repository, options, () => {
      onStep?.('LOCKED');
      return run();
    });
    onStep?.('UNLOCKED');
    return result;
  };
}

interface Published {
  readonly outcome: CommittedVersion | SameVersion;
  readonly push: PushResult;
}

async function commitAndPush(
  context: OperationContext,
  version: VersionToCommit,
  prepared: PreparedVersion | SameVersion,
  options: PublishOptions & PreparedBranch,
): Promise<Published> {
  const { name, input, sha256, journal } = version;
  const outcome = prepared.kind === 'unchanged' ? prepared : await commitVersion(context, version, prepared, options);
  const record = (number: string): Promise<void> =>
    recordLocalCopy(context.repository, { path: input.path, name, version: number, sha256 });
  if (outcome.kind === 'unchanged') {
    await record(outcome.version);
    // What was published while the remote was away goes with the next publish, also with one that has nothing to add.
    if (options.ahead === 0 || options.push === false) return { outcome, push: NOT_PUSHED };
    const push = await pushCommits(context, null, options);
    const now = await renumbered(context, version, outcome);
    if (now.version !== outcome.version) await record(now.version);
    return { outcome: now, push };
  }
  // Should the version be renumbered, it is compared again.
  await context.cache.addFile(input.path, sha256).catch(() => null);
  await journal.note({ state: 'PUSHING', commit: outcome.commit });
  const { commit, version: number } = outcome;
  try {
    const push = await pushCommits(context, { commit, name, version: number, file: input.path }, options);
    await record(push.inFlight?.version ?? number);
    return { outcome, push };
  } catch (error) {
    const takenBack = DataManagerError.is(error, 'DATASET_CONFLICT') && error.data.pending === false;
    if (!takenBack) await record(number);
    throw error;
  }
}

/** The version that waited, as it is after the push: somebody else may have taken its number in between. */
async function renumbered(
  { repository }: OperationContext,
  { name, sha256 }: VersionToCommit,
  was: SameVersion,
): Promise<SameVersion> {
  const { manifest } = await readCatalog(repository);
  const same = manifest.datasets
    .find((dataset) => dataset.name === name)
    ?.history.filter((entry) => entry.sha256 === sha256);
  const entry = same?.find(({ version }) => version === was.version) ?? same?.[0];
  return entry ? { kind: 'unchanged', version: entry.version, entry } : was;
}

const NOT_PUSHED: PushResult = { pushed: false, note: null, inFlight: null, settled: [] };

function resultOf({ name, sha256, input }: VersionToCommit, { outcome, push }: Published): PublishResult {
  const { pushed, note, inFlight } = push;
  const about = { name, sha256, size: input.size };
  if (outcome.kind === 'unchanged') {
    const { version, entry } = outcome;
    const said = pushed ? 'What waited here was pushed.' : note;
    return { ...about, status: 'unchanged', version, key: entry.key, ...nothingDone, pushed, note: said };
  }
  const { key, transfer } = outcome;
  const version = inFlight?.version ?? outcome.version;
  if (inFlight?.already) {
    return { ...about, status: 'unchanged', version, key, ...nothingDone, transfer, pushed, note };
  }
  const commit = inFlight?.commit ?? outcome.commit;
  const diff = inFlight?.diff === undefined ? outcome.diff : inFlight.diff;
  // A new dataset that somebody else made too, and that went on top of theirs, is an update after all.
  const status = version === 'v1' ? outcome.kind : 'updated';
  return { ...about, status, version, key, commit, pushed, note, transfer, diff: diff?.summary ?? null };
}

const nothingDone = { commit: null, transfer: nothingTransferred, diff: null } as const;
