import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAlive, isThisProcess, type ProcessMark, processMark } from '../repo/processMark';
import type { Repository } from '../repo/repository';
import { syncFolder } from '../store/durableFile';
import type { FileStamp } from '../store/hashFile';
import { readJson, writeDurably } from './durableJson';
import { holdHere, isHeldHere } from './heldHere';
import type { OnStep, PublishState } from './steps';

/** What every journal says. */
interface JournalHead {
  readonly schemaVersion: 1;
  readonly id: string;
  readonly owner: ProcessMark;
  /** ISO 8601, UTC. */
  readonly started: string;
  /** Top of the work tree that it is about: linked work trees share the journals. */
  readonly root: string;
  readonly manifestPath: string;
  /** Null when HEAD was detached. */
  readonly branch: string | null;
}

/** A publish in flight. No secret is in it. */
export interface PublishRecord extends JournalHead {
  readonly kind: 'publish';
  readonly state: PublishState;
  readonly name: string;
  readonly target: 'new' | 'existing' | 'either';
  readonly file: string;
  readonly stamp: FileStamp;
  readonly message: string | null;
  /** HEAD at the beginning; null on a branch without a commit. */
  readonly base: string | null;
  /** From HASHED on. */
  readonly sha256?: string;
  /** From UPLOADING on. */
  readonly key?: string;
  /** From UPLOADED on: whether this publish wrote the object. */
  readonly created?: boolean;
  /** From COMMIT_BUILT on: the entry, and the commit that it goes on top of. */
  readonly version?: string;
  readonly timestamp?: string;
  readonly parent?: string | null;
  /** Once the branch has it. */
  readonly commit?: string;
}

/** One of our commits on its way to another parent. */
export interface RebuiltCommit {
  readonly was: string;
  /** Null when nothing of it was left to commit. */
  readonly now: string | null;
}

/** A branch on its way from our commits on an old base to the same commits on a newer one. All those commits exist already. */
export interface RebuildRecord extends JournalHead {
  readonly kind: 'rebuild';
  readonly from: string;
  /** What `from` and `to` have in common: the branch may be seen there in between. */
  readonly base: string;
  readonly to: string;
  readonly commits: readonly RebuiltCommit[];
}

export type JournalRecord = PublishRecord | RebuildRecord;

/** A journal that is being written. */
export interface Journal<R extends JournalRecord> {
  readonly record: R;
  /** Adds facts; they are on the disk when it resolves. */
  note(facts: Partial<R>): Promise<void>;
  /** Removes the journal: nothing is left to finish or undo. */
  close(): Promise<void>;
  /** Leaves it to the next recovery, because the work stopped halfway. */
  abandon(): void;
}

type Facts<R extends JournalRecord> = Omit<R, keyof JournalHead> & Pick<JournalHead, 'branch'>;

/**
 * The folder of all journals of a clone, shared by its work trees; each has a folder of its own there.
 *
 * @example
 * watch(journalFolder(repository));
 */
export function journalFolder(repository: Repository): string {
  return join(repository.commonDir, 'datamanager', 'txn');
}

/**
 * Begins a journal: it is on the disk when this resolves.
 *
 * @example
 * const journal = await openJournal<PublishRecord>(repository, { kind: 'publish', state: 'INTENT', ...intent }, onStep);
 */
export async function openJournal<R extends JournalRecord>(
  repository: Repository,
  facts: Facts<R>,
  onStep?: OnStep,
): Promise<Journal<R>> {
  const id = randomUUID();
  const head: JournalHead = {
    schemaVersion: 1,
    id,
    owner: processMark(),
    started: new Date().toISOString(),
    root: repository.root,
    manifestPath: repository.manifestPath,
    branch: facts.branch,
  };
  // Whoever sees the record without the hold would take it for one of a process that died.
  const abandon = holdHere(id);
  try {
    return await written(fileOf(repository, id), { ...head, ...facts } as unknown as R, abandon, onStep);
  } catch (error) {
    abandon();
    throw error;
  }
}

async function written<R extends JournalRecord>(
  file: string,
  first: R,
  abandon: () => void,
  onStep: OnStep | undefined,
): Promise<Journal<R>> {
  let record = first;
  const write = async (): Promise<void> => {
    await writeDurably(file, record);
    onStep?.(record.kind === 'publish' ? record.state : 'REBUILD_PLANNED');
  };
  await write();
  return {
    get record() {
      return record;
    },
    async note(facts) {
      record = { ...record, ...facts };
      await write();
    },
    async close() {
      await removeJournal(file);
      abandon();
      onStep?.(record.kind === 'publish' ? 'DONE' : 'REBUILD_DONE');
    },
    abandon,
  };
}

/**
 * The journals whose process is over: what recovery has to look at, oldest first.
 *
 * @example
 * for (const record of await abandonedJournals(repository)) await recover(record);
 */
export async function abandonedJournals(repository: Repository): Promise<readonly JournalRecord[]> {
  const found: JournalRecord[] = [];
  for (const id of await readdir(journalFolder(repository)).catch(() => [])) {
    if (id.endsWith(GONE)) continue;
    const record = await readJson(fileOf(repository, id));
    if (!isRecord(record)) continue;
    const held = isThisProcess(record.owner) ? isHeldHere(id) : isAlive(record.owner);
    if (!held) found.push(record);
  }
  return found.sort((a, b) => (a.started < b.started ? -1 : a.started > b.started ? 1 : 0));
}

/** A journal of a later version of Data Manager is left to that. */
function isRecord(value: unknown): value is JournalRecord {
  const record = value as Partial<JournalRecord> | null;
  return record?.schemaVersion === 1 && ['publish', 'rebuild'].includes(record.kind ?? '') && Boolean(record.owner);
}

/**
 * Removes a journal that recovery has dealt with.
 *
 * @example
 * await dropJournal(repository, record.id);
 */
export function dropJournal(repository: Repository, id: string): Promise<void> {
  return removeJournal(fileOf(repository, id));
}

/**
 * Removes what processes left that died before their first record was there, or after their last, and old drafts. Best effort.
 *
 * @example
 * await sweepJournals(repository);
 */
export async function sweepJournals(repository: Repository): Promise<void> {
  const top = journalFolder(repository);
  for (const id of await readdir(top).catch(() => [])) {
    const folder = join(top, id);
    const recorded = !id.endsWith(GONE) && (isHeldHere(id) || (await readJson(fileOf(repository, id))) !== null);
    // One that is not old may be about to get its record.
    if (recorded || !(id.endsWith(GONE) || (await isOlder(folder, MINUTE_MS)))) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
  for (const name of await readdir(dirname(top)).catch(() => [])) {
    const draft = join(dirname(top), name);
    if (!DRAFT.test(name) || !(await isOlder(draft, DAY_MS))) continue;
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

function fileOf(repository: Repository, id: string): string {
  return join(journalFolder(repository), id, 'journal.json');
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Ends the name of a journal's folder that is done with. */
const GONE = '.gone';
const DRAFT = /^(lock\.[0-9a-f]{12}\.tmp|lock\.after-.*|build-[0-9a-f]{12})$/;

async function isOlder(path: string, ms: number): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  return stats !== null && Date.now() - stats.mtimeMs > ms;
}

/** By one rename, so that it is there whole or not at all. */
async function removeJournal(file: string): Promise<void> {
  const folder = dirname(file);
  await rename(folder, `${folder}${GONE}`);
  await syncFolder(dirname(folder));
  await rm(`${folder}${GONE}`, { recursive: true, force: true });
  await rmdir(dirname(folder)).catch(() => undefined); // unless there are others
}
