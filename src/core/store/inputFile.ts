import { open, realpath, stat } from 'node:fs/promises';
import { DataManagerError, systemCode } from '../errors';
import { readError } from './fileErrors';
import { type FileStamp, openRegularFile, stampFile } from './hashFile';

export interface InputFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly stamp: FileStamp;
  /** True when the file begins as an SQLite database does. */
  readonly isSqlite: boolean;
}

/** https://www.sqlite.org/fileformat2.html section 1.3. */
const SQLITE_MAGIC = Buffer.from('SQLite format 3\0', 'latin1');

/**
 * Checks, without reading it all, that a file can be published.
 *
 * An SQLite database with a live `-wal` or `-journal` beside it is refused: part of its content is in that second file,
 * so a copy of the first alone would be torn.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE or FILE_HAS_JOURNAL.
 *
 * @example
 * const { isSqlite } = await inspectInputFile('utopia.sqlite');
 */
export async function inspectInputFile(path: string): Promise<InputFile> {
  const handle = await openRegularFile(path);
  let isSqlite: boolean;
  try {
    const start = Buffer.alloc(SQLITE_MAGIC.length);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    if (bytesRead === 0) {
      throw new DataManagerError('FILE_EMPTY', `${path} is empty (0 bytes).`, {
        hint: 'There is nothing to version yet: write some data first.',
        data: { path },
      });
    }
    isSqlite = start.equals(SQLITE_MAGIC);
  } catch (error) {
    throw readError(error, path);
  } finally {
    await handle.close();
  }
  if (isSqlite) await refuseLiveJournal(path);
  const stamp = await stampFile(path);
  return { path, size: stamp.size, stamp, isSqlite };
}

/**
 * Throws FILE_HAS_JOURNAL when SQLite would read a `-wal` or `-journal` beside `path` into that database.
 *
 * @example
 * await refuseLiveJournal('utopia.sqlite');
 */
export async function refuseLiveJournal(path: string): Promise<void> {
  // SQLite follows a link before it looks for the journal: https://www.sqlite.org/howtocorrupt.html section 2.5.
  const database = await realpath(path).catch(() => path);
  for (const suffix of ['-wal', '-journal']) {
    const journal = `${database}${suffix}`;
    if (!(suffix === '-wal' ? await isFilled(journal) : await isHot(journal))) continue;
    throw new DataManagerError('FILE_HAS_JOURNAL', `${path} has unfinished changes in ${journal}.`, {
      hint: 'Close every program that uses the database (or run PRAGMA wal_checkpoint(TRUNCATE)), then try again.',
      data: { path, journal },
    });
  }
}

async function isFilled(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size > 0;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return false;
    throw readError(error, path);
  }
}

/** `PRAGMA journal_mode=PERSIST` keeps the file but zeroes its header; https://www.sqlite.org/fileformat2.html section 3. */
async function isHot(path: string): Promise<boolean> {
  if (!(await isFilled(path))) return false;
  const handle = await open(path, 'r').catch((error) => {
    throw readError(error, path);
  });
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, 0);
    return buffer[0] !== 0;
  } finally {
    await handle.close();
  }
}
