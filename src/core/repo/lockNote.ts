import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors';
import { isAlive, type ProcessMark, processMark } from './processMark';
import type { Repository } from './repository';

/** A commit that is about to become visible; enough to finish or undo it after a crash. Blob ids, null for no file. */
export interface PlannedCommit {
  /** Null as long as hooks have a say in it. */
  readonly commit: string | null;
  readonly parent: string | null;
  /** Locks on refs that are about to be taken. */
  readonly refLocks: readonly RefLock[];
  readonly files: readonly { readonly path: string; readonly before: string | null; readonly after: string | null }[];
}

/** A lock file and which file it is: another program's lock at the same place is a different one. */
export interface RefLock {
  /** Absolute. */
  readonly path: string;
  readonly identity: string;
}

/** Who holds `index.lock`, kept beside it so that a lock of a dead process can be told from a living one's. */
export interface Holder extends ProcessMark {
  /** Which file the lock is: another program's lock at the same place is a different one. */
  readonly lock: string;
  readonly planned: PlannedCommit | null;
}

/** The name of a note that was taken over, and by whom. */
const CLAIM = /^commit\.json\.by-(\d+)-(\d+)-(\d+|none)-([0-9a-f-]{36})-[0-9a-f]{6}-(.*)$/;
/** A file on its way to its place. */
const DRAFT = /^(lock|commit\.json)\.[0-9a-f]{12}$/;
/** Milliseconds after which nobody works on a draft any more. */
const DRAFT_MS = 3_600_000;

export const lockPath = (repo: Repository): string => join(repo.gitDir, 'index.lock');
export const noteFolder = (repo: Repository): string => join(repo.gitDir, 'datamanager');
export const holderPath = (repo: Repository): string => join(noteFolder(repo), 'commit.json');

/** Which file it is: inodes are used again, so the moment of its birth belongs to it. */
export async function fileIdentity(path: string): Promise<string | null> {
  const stats = await stat(path, { bigint: true }).catch(() => null);
  return stats && `${stats.ino}:${stats.birthtimeNs}`;
}

/** A note on disk that waits to be put into its place. */
export async function draftNote(repo: Repository, lock: string, planned: PlannedCommit | null): Promise<string> {
  const holder: Holder = { ...processMark(), lock, planned };
  const draft = `${holderPath(repo)}.${randomBytes(6).toString('hex')}`;
  await mkdir(noteFolder(repo), { recursive: true });
  await writeFile(draft, JSON.stringify(holder), { flush: true });
  return draft;
}

export async function noteHolder(repo: Repository, lock: string, planned: PlannedCommit | null): Promise<void> {
  await rename(await draftNote(repo, lock, planned), holderPath(repo));
}

/** Who holds the lock according to the note; null when there is none. */
export async function readHolder(repo: Repository): Promise<Holder | null> {
  return parseHolder(holderPath(repo));
}

async function parseHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

export interface Claim {
  readonly holder: Holder;
  /** The note's place now. */
  readonly path: string;
}

/**
 * Takes over the note of a process that died, so that nobody else cleans up after it at the same time; null when there is none. Its
 * new name says who took it: should that process die over it, the next one takes it from there. Drafts that nobody waits for are
 * cleared away.
 */
export async function claimDeadNote(repo: Repository): Promise<Claim | null> {
  const names = (await readdir(noteFolder(repo)).catch(() => [])).sort();
  const claims = names.filter((name) => CLAIM.test(name));
  if (claims.some((name) => isAlive(claimant(name)))) return null;
  const lock = names.length === 0 ? null : await fileIdentity(lockPath(repo));
  for (const name of [...claims, ...names.filter((other) => other === 'commit.json' || DRAFT.test(other))]) {
    const path = join(noteFolder(repo), name);
    const holder = await parseHolder(path);
    if (!holder) {
      if (DRAFT.test(name)) await clearOldDraft(path);
      continue;
    }
    if (!CLAIM.test(name) && isAlive(holder)) continue;
    if (DRAFT.test(name) && holder.lock !== lock) {
      await rm(path, { force: true }); // it died before it had the lock, or left a newer note
      continue;
    }
    const mine = join(noteFolder(repo), claimName());
    try {
      await rename(path, mine);
      return { holder, path: mine };
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null; // somebody was faster
      throw error;
    }
  }
  return null;
}

function claimName(): string {
  const { pid, at, started, process, host } = processMark();
  return `commit.json.by-${pid}-${at}-${started ?? 'none'}-${process}-${randomBytes(3).toString('hex')}-${host}`;
}

function claimant(name: string): ProcessMark {
  const [, pid, at, started = 'none', process = '', host = ''] = CLAIM.exec(name) ?? [];
  return { pid: Number(pid), at: Number(at), started: started === 'none' ? null : started, process, host };
}

async function clearOldDraft(path: string): Promise<void> {
  const age = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? Number.POSITIVE_INFINITY);
  if (age > DRAFT_MS) await rm(path, { force: true });
}
