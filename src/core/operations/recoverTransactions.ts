import { existsSync } from 'node:fs';
import { parseManifest } from '../catalog/parseManifest';
import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { fastForward } from '../repo/fastForward';
import { recoverInterruptedCommit } from '../repo/indexLock';
import { readLocalCopies, recordLocalCopy } from '../repo/localCopies';
import { openRepository } from '../repo/openRepository';
import { isAncestor } from '../repo/ownCommits';
import { readFileAt } from '../repo/readObjects';
import { listRefs, readHead } from '../repo/readRefs';
import type { Repository } from '../repo/repository';
import { runGit } from '../repo/runGit';
import { sameStamp, stampFile } from '../store/hashFile';
import {
  abandonedJournals,
  dropJournal,
  type JournalRecord,
  type PublishRecord,
  type RebuildRecord,
  sweepJournals,
} from '../transaction/journal';
import type { PublishState } from '../transaction/steps';
import { isLockAbandoned, withTransactionLock } from '../transaction/transactionLock';
import type { OperationContext } from './context';
import { putBack } from './moveOnto';
import { pushedUpTo } from './pendingCommits';

/** What recovery found, and what became of it. */
export interface Recovered {
  /** Id of the journal, or of the commit that waits. */
  readonly id: string;
  readonly name: string | null;
  readonly version: string | null;
  /** How far it had come. */
  readonly found: PublishState | 'REBUILD';
  /** `pending`: committed here, waits to be pushed. */
  readonly action: 'finished' | 'undone' | 'pending';
  readonly sentence: string;
}

/**
 * Cleans up after publishes of this clone whose process died, in any of its work trees: a commit that became visible is kept, as
 * pending when the remote has not got it; anything before that is undone. Objects stay, for nothing is certain after a crash. Asks
 * neither the remote nor a person, and can be interrupted and repeated itself. Every write begins with it.
 *
 * Throws REPOSITORY_BUSY, CANCELLED, GIT_MISSING, GIT_FAILED, and PATH_DIRTY or another error of moveOnto when the user's changes
 * are in the way of commits that were just being moved; nothing is lost then, and the next call tries again.
 *
 * @example
 * for (const { sentence } of await recoverTransactions(context, { signal })) log(sentence);
 */
export async function recoverTransactions(context: OperationContext, monitor: Monitor): Promise<readonly Recovered[]> {
  const { repository, lockWaitMs, onStep } = context;
  const { signal, onProgress } = monitor;
  if ((await abandonedJournals(repository)).length === 0 && !(await isLockAbandoned(repository))) {
    await recoverInterruptedCommit(repository);
    await sweepJournals(repository);
    return [];
  }
  const doing = 'cleans up after an interrupted publish';
  return withTransactionLock(repository, { doing, waitMs: lockWaitMs, signal, onProgress }, async () => {
    onStep?.('RECOVERY_BEGUN');
    const recovered: Recovered[] = [];
    // Looked at again, because another process may have done it while we waited. Moves first: publishes are then judged by what
    // their branch really holds.
    const records = await abandonedJournals(repository);
    for (const record of [...records].sort((a, b) => b.kind.localeCompare(a.kind))) {
      const place = await placeOf(context, record);
      await recoverInterruptedCommit(place.repository);
      const outcome =
        record.kind === 'rebuild' ? await recoverRebuild(place, record) : await recoverPublish(place, record);
      if (outcome) recovered.push(outcome);
      await dropJournal(repository, record.id);
      onStep?.('RECOVERED');
    }
    await recoverInterruptedCommit(repository);
    await sweepJournals(repository);
    return recovered;
  });
}

/** The work tree that a journal is about; the one we are in when that is gone. */
async function placeOf(context: OperationContext, { root, manifestPath }: JournalRecord): Promise<OperationContext> {
  if (root === context.repository.root) return context;
  if (!existsSync(root)) return context;
  const repository = await openRepository(root, manifestPath).catch((error: unknown) => {
    if (DataManagerError.is(error)) return null;
    throw error;
  });
  if (repository === null || repository.commonDir !== context.repository.commonDir) return context;
  return { ...context, repository };
}

async function recoverPublish(context: OperationContext, record: PublishRecord): Promise<Recovered> {
  const { id, name, state: found } = record;
  const place = await entryOf(context, record);
  if (place === null) {
    const sentence = `The publish of ${name} had not been committed: undone. Run it again.`;
    return { id, name, version: null, found, action: 'undone', sentence };
  }
  const { version, tip } = place;
  await recordCopy(context.repository, record, version);
  const upstream = await pushedUpTo(context);
  const label = `${name}@${version}`;
  const repo = { repo: context.repository, git: context.git };
  const commit = record.commit ?? tip;
  if (upstream !== null && (await isAncestor(repo, commit, upstream))) {
    return { id, name, version, found, action: 'finished', sentence: `${label} is published.` };
  }
  const remote = upstream !== null || (await hasRemote(context));
  const sentence = remote ? `${label} is committed here and waits to be pushed.` : `${label} is committed here.`;
  return { id, name, version, found, action: remote ? 'pending' : 'finished', sentence };
}

/** The number of a publish's version in the branch that it was made on (or in HEAD); null when no commit holds it. */
async function entryOf(
  { repository }: OperationContext,
  { name, sha256, timestamp, branch }: PublishRecord,
): Promise<{ readonly version: string; readonly tip: string } | null> {
  // Until its timestamp is decided there is no commit, even where the same bytes were published before.
  if (sha256 === undefined || timestamp === undefined) return null;
  const branches = await listRefs(repository);
  const tips = [branches.branches.find((ref) => ref.name === branch)?.oid, (await readHead(repository)).oid];
  for (const tip of new Set(tips)) {
    if (!tip) continue;
    const bytes = await readFileAt(repository, tip, repository.manifestPath);
    if (bytes === null) continue;
    const { datasets } = parseManifest(Buffer.from(bytes).toString('utf8'), repository.manifestPath);
    const history = datasets.find((dataset) => dataset.name === name)?.history ?? [];
    // By its time and not its number: that may have changed on the way.
    const entry = history.find((other) => other.sha256 === sha256 && other.timestamp === timestamp);
    if (entry) return { version: entry.version, tip };
  }
  return null;
}

async function hasRemote({ repository, git }: OperationContext): Promise<boolean> {
  return (await runGit(git, ['remote'], { cwd: repository.root })).stdout.toString('utf8').trim() !== '';
}

async function recordCopy(repository: Repository, { file, name, sha256, stamp }: PublishRecord, version: string) {
  const now = await stampFile(file).catch(() => null);
  if (sha256 === undefined || now === null || !sameStamp(now, stamp)) return;
  const known = (await readLocalCopies(repository)).some((copy) => copy.path === file && copy.sha256 === sha256);
  if (!known) await recordLocalCopy(repository, { path: file, name, version, sha256 });
}

/** Null when there was nothing to mend. */
async function recoverRebuild(context: OperationContext, record: RebuildRecord): Promise<Recovered | null> {
  const { repository, git } = context;
  const { id, branch, from, to } = record;
  const repo = { repo: repository, git };
  const about = { id, name: null, version: null, found: 'REBUILD' } as const;
  const head = await readHead(repository);
  if (head.branch === branch && head.oid !== null && (branch !== null || repository.root === record.root)) {
    const safe = (await isAncestor(repo, from, head.oid)) || (await isAncestor(repo, to, head.oid));
    if (safe) return null;
    // The end that it was made for is tried first; where the user's changes are in its way, our commits go back as they were.
    const moved = await fastForward({ ...repo, to }).then(
      () => true,
      (error: unknown) => {
        if (DataManagerError.is(error, 'BRANCH_DIVERGED') || DataManagerError.is(error, 'PATH_DIRTY')) return false;
        throw error;
      },
    );
    if (!moved) await putBack(context, record);
    return { ...about, action: 'finished', sentence: 'Your unpublished versions are on top of what others published.' };
  }
  return recoverElsewhere(context, record);
}

/** The branch is not checked out here any more: it gets its commits back as they were, or another branch keeps them. */
async function recoverElsewhere(
  context: OperationContext,
  { id, branch, from, base, to }: RebuildRecord,
): Promise<Recovered | null> {
  const { repository, git } = context;
  const repo = { repo: repository, git };
  const { branches } = await listRefs(repository);
  const tip = branches.find(({ name }) => name === branch)?.oid;
  const holders = tip === undefined ? branches.map(({ oid }) => oid) : [tip];
  for (const oid of holders) {
    if ((await isAncestor(repo, from, oid)) || (await isAncestor(repo, to, oid))) return null;
  }
  const about = { id, name: null, version: null, found: 'REBUILD', action: 'finished' } as const;
  const cwd = repository.root;
  if (tip === base && branch !== null && !(await isCheckedOut(context, branch))) {
    await runGit(git, ['update-ref', '-m', 'datamanager: recover', `refs/heads/${branch}`, from, base], { cwd });
    return { ...about, sentence: `Your unpublished versions are back on ${branch}.` };
  }
  const kept = `datamanager/recovered-${id.slice(0, 8)}`;
  await runGit(git, ['update-ref', '-m', 'datamanager: recover', `refs/heads/${kept}`, from], { cwd });
  return {
    ...about,
    sentence: `Your unpublished versions are kept on the branch ${kept}: merge it where you want them.`,
  };
}

async function isCheckedOut({ repository, git }: OperationContext, branch: string): Promise<boolean> {
  const { stdout } = await runGit(git, ['worktree', 'list', '--porcelain'], { cwd: repository.root });
  return stdout.toString('utf8').split('\n').includes(`branch refs/heads/${branch}`);
}
