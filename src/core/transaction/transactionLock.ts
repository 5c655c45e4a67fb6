import { randomUUID } from 'node:crypto';
import { link, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { isAlive, isThisProcess, type ProcessMark, processMark } from '../repo/processMark';
import type { Repository } from '../repo/repository';
import { diskFull, isDiskFull } from '../store/fileErrors';
import { draftOf, readJson } from './durableJson';
import { holdHere, isHeldHere } from './heldHere';

/** Who holds the lock, as the lock file says it. */
interface Holder {
  readonly id: string;
  readonly owner: ProcessMark;
  /** Such as "publishes utopia.sqlite"; follows "process 4711, which". */
  readonly doing: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

export interface LockOptions extends Monitor {
  /** What the holder does, for those who wait: "publishes utopia.sqlite". */
  readonly doing: string;
  /** Milliseconds to wait for another process at most. Default 150 000: longer than a push may take. */
  readonly waitMs?: number | undefined;
}

const DEFAULT_WAIT_MS = 150_000;

/**
 * The one lock of a clone for the short, exclusive parts of a write: commit, push, rebuild, recovery. All its work trees share it.
 *
 * @example
 * watch(lockFile(repository));
 */
export function lockFile(repository: Repository): string {
  return join(repository.commonDir, 'datamanager', 'lock');
}

/**
 * Runs something while no other process of ours changes branches of this clone. Waiting is bounded, and reported as phase
 * `waiting` with words about the holder. The lock of a process that died is taken over.
 *
 * Throws REPOSITORY_BUSY naming the holder, OUTPUT_UNWRITABLE or DISK_FULL when the Git directory can't be written, CANCELLED.
 *
 * @example
 * await withTransactionLock(repository, { doing: 'publishes utopia.sqlite', signal }, () => commitAndPush());
 */
export async function withTransactionLock<T>(
  repository: Repository,
  options: LockOptions,
  run: () => Promise<T>,
): Promise<T> {
  const release = await acquire(repository, options);
  try {
    return await run();
  } finally {
    await release();
  }
}

/**
 * True when the lock of the clone was left by a process that is over. Whoever takes the lock next clears it.
 *
 * @example
 * if (await isLockAbandoned(repository)) await withTransactionLock(repository, { doing: 'cleans up' }, recover);
 */
export async function isLockAbandoned(repository: Repository): Promise<boolean> {
  const holder = await readHolder(lockFile(repository));
  return holder !== null && !isHeld(holder);
}

async function acquire(repository: Repository, options: LockOptions): Promise<() => Promise<void>> {
  const { doing, waitMs = DEFAULT_WAIT_MS, signal, onProgress } = options;
  const file = lockFile(repository);
  const id = randomUUID();
  const ours: Holder = { id, owner: processMark(), doing, since: new Date().toISOString() };
  const letGo = holdHere(id);
  const deadline = Date.now() + waitMs;
  try {
    for (;;) {
      throwIfCancelled(signal);
      const holder = (await create(file, ours)) ? null : await readHolder(file);
      if (holder === null) {
        // Made by us, unless it was there and gone again when we looked.
        if ((await readHolder(file))?.id === id) break;
        continue;
      }
      if (!isHeld(holder)) {
        if (await takeOver(file, holder, ours)) break;
        continue;
      }
      if (Date.now() >= deadline) throw busy(repository, file, holder);
      onProgress?.({ phase: 'waiting', done: 0, total: null, detail: `for ${describe(holder)}` });
      // Rejects only when the signal is aborted, which the next round says.
      await sleep(15 + Math.random() * 50, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  } catch (error) {
    letGo();
    throw writable(error, repository);
  }
  return async () => {
    await rm(file, { force: true });
    letGo();
  };
}

/** Puts a whole file into place unless there is one: whoever reads the lock never sees half of it. */
async function create(file: string, holder: Holder): Promise<boolean> {
  // Looked at first, because waiting for a lock should not write to the disk twenty times a second.
  if ((await stat(file).catch(() => null)) !== null) return false;
  const draft = await draftOf(file, holder);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
    return await writeNew(file, holder); // a disk without hard links
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeNew(file: string, holder: Holder): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify(holder), { flag: 'wx', flush: true });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Takes over the lock of a dead process. Exactly one may do so: the one that creates the file named after the dead holder's id.
 * As long as that file is there nobody else removes or replaces that lock, so what is looked at is what is replaced. Should the
 * successor die too, its own id names the next file.
 */
async function takeOver(file: string, dead: Holder, ours: Holder): Promise<boolean> {
  const claims: string[] = [];
  for (let last = dead; ; ) {
    const claim = `${file}.after-${last.id}`;
    if (await create(claim, ours)) {
      claims.push(claim);
      break;
    }
    const other = await readHolder(claim);
    if (other === null || isHeld(other)) return false; // somebody is at it, or has done it
    claims.push(claim);
    last = other;
  }
  const current = await readHolder(file);
  const entitled = current !== null && claims.includes(`${file}.after-${current.id}`);
  if (entitled) await rename(await draftOf(file, ours), file);
  for (const claim of claims) await rm(claim, { force: true });
  return entitled;
}

function isHeld({ id, owner }: Holder): boolean {
  return isThisProcess(owner) ? isHeldHere(id) : isAlive(owner);
}

async function readHolder(file: string): Promise<Holder | null> {
  const holder = (await readJson(file)) as Holder | null;
  if (holder !== null) return holder;
  // On a disk without hard links the file appears before its content.
  const stats = await stat(file).catch(() => null);
  if (stats === null) return null;
  return {
    id: 'unknown',
    owner: { pid: 0, host: '', process: '', started: null, at: 0 },
    doing: 'is starting',
    since: stats.mtime.toISOString(),
  };
}

function describe({ owner, doing, since }: Holder): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000));
  return `process ${owner.pid}, which ${doing} since ${seconds} s`;
}

function busy(repository: Repository, file: string, holder: Holder): DataManagerError {
  const elsewhere = holder.owner.host;
  return new DataManagerError(
    'REPOSITORY_BUSY',
    `${repository.root} is in use by ${describe(holder)}${elsewhere ? ` (on ${elsewhere})` : ''}.`,
    {
      hint: `Try again when it is done. If that process does not exist any more, delete ${file}.`,
      data: { lock: file, pid: holder.owner.pid, host: elsewhere, doing: holder.doing, since: holder.since },
    },
  );
}

function writable(error: unknown, repository: Repository): unknown {
  if (DataManagerError.is(error)) return error;
  if (isDiskFull(error)) return diskFull(repository.commonDir, error);
  if (!['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '')) return error;
  return new DataManagerError('OUTPUT_UNWRITABLE', `The Git directory ${repository.commonDir} cannot be written.`, {
    hint: 'Check its owner and rights.',
    cause: error,
  });
}
