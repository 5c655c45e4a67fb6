import { open } from 'node:fs/promises';
import { DataManagerError } from '../errors';
import { readError } from '../store/fileErrors';
import { type FileStamp, sameStamp, stampFile } from '../store/hashFile';
import { type InputFile, inspectInputFile } from '../store/inputFile';

/** A file that is about to be published, as it was at the beginning. */
export interface WatchedInput extends InputFile {
  /** Of a SQLite database: what every transaction that writes to it changes. */
  readonly changeCounter: number | null;
}

/**
 * Looks at a file that is about to be published; see `inspectInputFile` for what is refused.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE or FILE_HAS_JOURNAL.
 *
 * @example
 * const input = await watchInput('utopia.sqlite');
 */
export async function watchInput(path: string): Promise<WatchedInput> {
  const input = await inspectInputFile(path);
  return { ...input, changeCounter: input.isSqlite ? await readChangeCounter(path) : null };
}

/**
 * Makes sure that a file is still what it was when its publish began: a version that differs from the file by the time it is
 * announced would surprise whoever goes on working with it.
 *
 * Throws FILE_CHANGED, FILE_NOT_FOUND, FILE_UNREADABLE.
 *
 * @example
 * await requireUnchanged(input);
 */
export async function requireUnchanged({ path, stamp, changeCounter }: WatchedInput): Promise<void> {
  const now: FileStamp = await stampFile(path);
  const counter = changeCounter === null ? null : await readChangeCounter(path);
  if (sameStamp(stamp, now) && counter === changeCounter) return;
  throw new DataManagerError('FILE_CHANGED', `${path} changed while it was being published; nothing was committed.`, {
    hint: 'Wait until nothing writes to it, or work on a copy, and try again.',
    data: { path },
  });
}

/** https://www.sqlite.org/fileformat2.html section 1.3.7: bytes 24 to 27, big endian. */
async function readChangeCounter(path: string): Promise<number | null> {
  const handle = await open(path, 'r').catch((error) => {
    throw readError(error, path);
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 24);
    return bytesRead === 4 ? buffer.readUInt32BE(0) : null;
  } finally {
    await handle.close();
  }
}
