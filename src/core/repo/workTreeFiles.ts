import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataManagerError, systemCode } from '../errors';

export interface FileReplacement {
  /** From the top of the work tree. */
  readonly path: string;
  /** Absolute. */
  readonly file: string;
  /** Bytes that must be there now; null: no file. */
  readonly before: Buffer | null;
  /** Bytes to put there; null: no file. */
  readonly after: Buffer | null;
}

/** Bytes of a file, null when there is none. */
export async function bytesOf(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw error;
  }
}

export function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/** On Windows a virus scanner or an editor may hold the target for a moment. */
export async function renameWithPatience(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (attempt >= 5 || !['EPERM', 'EACCES', 'EBUSY'].includes(systemCode(error) ?? '')) throw error;
      await new Promise((done) => setTimeout(done, 40 * (attempt + 1)));
    }
  }
}

async function removeEmptyFolders(from: string, top: string): Promise<void> {
  for (let dir = from; dir !== top && dir.startsWith(top); dir = dirname(dir)) {
    try {
      await rmdir(dir);
    } catch {
      return; // not empty
    }
  }
}

/** True for the name of a file that `replaceFiles` has not finished writing. */
export function isDraftName(name: string): boolean {
  return /^\.datamanager-[0-9a-f]{12}\.tmp$/.test(name);
}

async function put(file: string, bytes: Buffer | null, root: string): Promise<void> {
  if (bytes === null) {
    await rm(file, { force: true });
    return removeEmptyFolders(dirname(file), root);
  }
  await mkdir(dirname(file), { recursive: true });
  const mode = (await stat(file).catch(() => null))?.mode;
  const draft = join(dirname(file), `.datamanager-${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(draft, 'wx', 0o666);
    try {
      await handle.writeFile(bytes);
      if (mode !== undefined) await handle.chmod(mode & 0o777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await renameWithPatience(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return undefined;
}

/**
 * Replaces files of a work tree, each by temporary file, fsync and rename. Returns what undoes it. If one can't be replaced, those
 * before it are put back and the error is thrown: PATH_DIRTY when a file isn't what it should be, OUTPUT_UNWRITABLE, DISK_FULL.
 * Undoing leaves a file alone that somebody else has changed since.
 */
export async function replaceFiles(root: string, files: readonly FileReplacement[]): Promise<() => Promise<void>> {
  const done: FileReplacement[] = [];
  const undo = async (): Promise<void> => {
    for (const { file, before, after } of done.reverse()) {
      if (sameBytes(await bytesOf(file), after)) await put(file, before, root);
    }
  };
  for (const replacement of files) {
    const { path, file, before, after } = replacement;
    try {
      if (!sameBytes(await bytesOf(file), before)) {
        throw new DataManagerError('PATH_DIRTY', `${path} was changed a moment ago.`, {
          hint: 'Commit or undo that change, then try again.',
          data: { path },
        });
      }
      await put(file, after, root);
      done.push(replacement);
    } catch (error) {
      await undo();
      if (DataManagerError.is(error)) throw error;
      const full = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
      throw new DataManagerError(full ? 'DISK_FULL' : 'OUTPUT_UNWRITABLE', `${path} could not be written.`, {
        hint: full ? 'Make room on the disk, then try again.' : 'Check that you may write there.',
        data: { path },
        cause: error,
      });
    }
  }
  return undo;
}
