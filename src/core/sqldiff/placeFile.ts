import { chmod, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder } from '../store/durableFile';
import { writeError } from '../store/fileErrors';
import { refuseLiveJournal } from '../store/inputFile';
import { removeAbandoned, unfinishedPath } from '../store/unfinishedFile';

/**
 * Has a file written under another name beside its target and moves it there once that has succeeded; whatever happens, the
 * unfinished one does not stay. A target that is a symbolic link is followed; its permissions are kept.
 *
 * Throws OUTPUT_UNWRITABLE, DISK_FULL, FILE_HAS_JOURNAL (SQLite would mix the new file with a journal beside it), and what
 * `write` throws.
 *
 * @example
 * await placeFile('utopia.sqlite', (temp) => writeFile(temp, bytes));
 */
export async function placeFile(path: string, write: (temp: string) => Promise<void>): Promise<void> {
  const target = await realpath(path).catch(() => resolve(path));
  await refuseLiveJournal(target);
  const previous = await stat(target).catch(() => null);
  await removeAbandoned(target);
  const temp = unfinishedPath(target);
  try {
    await write(temp);
    // A journal may have come meanwhile; the new file must not meet it.
    await refuseLiveJournal(target);
    try {
      if (previous) await chmod(temp, previous.mode & 0o777);
      await rename(temp, target);
      await syncFolder(dirname(target));
    } catch (error) {
      throw writeError(error, target);
    }
  } finally {
    await rm(temp, { force: true }).catch(() => undefined);
  }
}
