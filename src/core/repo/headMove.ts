import { appendFile, constants, copyFile, link, mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataManagerError, systemCode } from '../errors';
import { type GitSettings, isOn, setting } from './gitSettings';
import type { IndexLock } from './indexLock';
import { fileIdentity, type RefLock } from './lockNote';
import { listRefs, readHead } from './readRefs';
import type { Repository } from './repository';
import type { HeadMove, PreparedMove } from './repositoryWriter';
import { syncToDisk, writeNew } from './syncedFile';
import { renameWithPatience } from './workTreeFiles';

/** As long as the system's git waits for us. */
const WAIT_MS = 2000;
/** What a disk says that knows no hard links. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/**
 * Prepares a move of HEAD, or of the branch that it stands for, with git's own protocol (refs/files-backend.c): `HEAD.lock` and the
 * branch's lock are made exclusively, the values are compared under them, the reflogs are written, the lock becomes the ref. The
 * locks are drafted here, so that a note on disk can say which files they are before they are taken.
 *
 * `signature` is who and when, as in a commit. `perform` throws REF_MOVED, REPOSITORY_BUSY, GIT_FAILED.
 *
 * @example
 * const { locks, perform } = await prepareHeadMove(repo, lock, settings, signature, { from: head, to: commit, reason: 'commit' });
 */
export async function prepareHeadMove(
  repo: Repository,
  lock: IndexLock,
  settings: GitSettings,
  signature: string,
  { from, to, reason }: HeadMove,
): Promise<PreparedMove> {
  const head = join(repo.gitDir, 'HEAD');
  const branch = from.branch === null ? null : `refs/heads/${from.branch}`;
  const ref = branch === null ? head : join(repo.commonDir, branch);
  const refs = branch === null ? [head] : [head, ref];
  const drafted = await Promise.all(refs.map((path) => draftLock(lock, path, path === ref ? `${to}\n` : '')));

  const perform = async (): Promise<void> => {
    if (from.oid === null && from.branch !== null) await refuseNameClash(repo, from.branch);
    const taken = new Set<string>();
    try {
      for (const { draft, path } of drafted) {
        await takeLock(repo, draft, path);
        taken.add(path);
      }
      const now = await readHead(repo);
      if (now.oid !== from.oid || now.branch !== from.branch) {
        throw new DataManagerError('REF_MOVED', 'Somebody else committed at the same moment.', { hint: 'Try again.' });
      }
      const line = `${from.oid ?? '0'.repeat(40)} ${to} ${signature}\t${reason.replace(/\s+/g, ' ').trim()}\n`;
      if (branch !== null) await appendReflog(join(repo.commonDir, 'logs', branch), line, settings);
      await appendReflog(join(repo.gitDir, 'logs', 'HEAD'), line, settings);
      await renameOver(`${ref}.lock`, ref);
      taken.delete(`${ref}.lock`); // from here on, a file of that name is somebody else's
    } finally {
      for (const path of taken) await rm(path, { force: true });
    }
    await syncToDisk(dirname(ref)); // no lock is held meanwhile: others wait only a tenth of a second for one
  };
  return { locks: drafted, perform };
}

interface DraftedLock extends RefLock {
  readonly draft: string;
}

async function draftLock(lock: IndexLock, ref: string, content: string): Promise<DraftedLock> {
  const draft = join(lock.draftDir, content === '' ? 'HEAD.lock' : 'ref.lock');
  await writeNew(draft, Buffer.from(content), 0o666);
  return { draft, path: `${ref}.lock`, identity: (await fileIdentity(draft)) ?? '' };
}

/**
 * By link, which fails if the name is taken and keeps the draft's identity; on a disk without links by an exclusive copy, whose
 * lock a crash would leave behind.
 */
async function takeLock(repo: Repository, draft: string, path: string): Promise<void> {
  for (const deadline = Date.now() + WAIT_MS; ; ) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await link(draft, path).catch(async (error) => {
        if (!NO_LINKS.includes(systemCode(error) ?? '')) throw error;
        await copyFile(draft, path, constants.COPYFILE_EXCL);
        await syncToDisk(path);
      });
      return await rm(draft);
    } catch (error) {
      // ENOENT: git removes empty folders of refs at any time.
      if (!['EEXIST', 'ENOENT'].includes(systemCode(error) ?? '') || Date.now() > deadline)
        throw lockError(repo, path, error);
    }
    await new Promise((done) => setTimeout(done, 10 + Math.random() * 40));
  }
}

function lockError(repo: Repository, path: string, cause: unknown): unknown {
  if (systemCode(cause) !== 'EEXIST') return cause;
  return new DataManagerError(
    'REPOSITORY_BUSY',
    `Another program is changing a branch of ${repo.root} (${path} exists).`,
    {
      hint: 'Try again in a moment. If no git is running, delete that file.',
      data: { lock: path },
      cause,
    },
  );
}

/** A branch `a/b` can't be beside a branch `a`. */
async function refuseNameClash(repo: Repository, branch: string): Promise<void> {
  const { branches } = await listRefs(repo);
  const clash = branches.find(({ name }) => name.startsWith(`${branch}/`) || branch.startsWith(`${name}/`));
  if (!clash) return;
  throw new DataManagerError('GIT_FAILED', `The branch ${branch} can't be made: there is a branch ${clash.name}.`, {
    hint: 'Rename one of them: git branch -m OTHER',
    data: { branch, clash: clash.name },
  });
}

/** git-config(1), core.logAllRefUpdates: without it, only a log that exists is written. */
async function appendReflog(file: string, line: string, settings: GitSettings): Promise<void> {
  const always = setting(settings, 'core.logallrefupdates')?.toLowerCase() === 'always';
  const wanted = always || isOn(settings, 'core.logallrefupdates', true);
  if (!wanted && !(await stat(file).catch(() => null))) return;
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, line).catch(async (error) => {
    if (systemCode(error) !== 'EISDIR') throw error;
    await removeEmptyTree(file);
    await appendFile(file, line);
  });
}

/** Git leaves empty folders where branches with longer names have been. */
async function renameOver(from: string, to: string): Promise<void> {
  const blocked = await stat(to).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (blocked) await removeEmptyTree(to);
  await renameWithPatience(from, to);
}

async function removeEmptyTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeEmptyTree(join(folder, entry.name));
  }
  await rmdir(folder);
}
