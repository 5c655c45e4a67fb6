import { DataManagerError, type ErrorCode } from '../errors';
import type { OnProgress } from '../progress';
import { contentHash } from './contentHash';
import { PageFile } from './pages/pageFile';

export interface HashHooks {
  readonly isCancelled: () => boolean;
  readonly onProgress: OnProgress;
}

/** What a file is that has no content hash. */
const unreadable: ReadonlySet<ErrorCode> = new Set(['NOT_SQLITE', 'SQLITE_DAMAGED', 'DIFF_UNSUPPORTED']);

/**
 * The content hash of a file, on the calling thread, which it blocks; null for a file that is no SQLite database or can't be read
 * as one (damaged, or a schema beyond us). Reads every page with rows once: some 0.3 s for 100 MB.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL, FILE_CHANGED, CANCELLED.
 *
 * @example
 * const hash = hashContent('utopia.sqlite', { isCancelled: () => false, onProgress: () => undefined });
 */
export function hashContent(path: string, hooks: HashHooks): string | null {
  try {
    return contentHashOf(path, hooks);
  } catch (error) {
    if (DataManagerError.is(error) && unreadable.has(error.code)) return null;
    throw error;
  }
}

/**
 * As `hashContent`, but a file that can't be read is an error: throws NOT_SQLITE, SQLITE_DAMAGED and DIFF_UNSUPPORTED too.
 *
 * @example
 * const actual = contentHashOf('patched.sqlite', hooks);
 */
export function contentHashOf(path: string, hooks: HashHooks): string {
  let done = 0;
  let total = 0;
  const file = PageFile.open(path, (bytes) => {
    if (hooks.isCancelled()) throw new DataManagerError('CANCELLED', 'Cancelled.');
    done += bytes;
    hooks.onProgress({ phase: 'hash', done: Math.min(done, total), total });
  });
  if (file === null) throw new DataManagerError('FILE_EMPTY', `${path} is empty.`, { data: { path } });
  try {
    total = file.bytes;
    const hash = contentHash(file);
    file.assertUnchanged();
    hooks.onProgress({ phase: 'hash', done: total, total });
    return hash;
  } finally {
    file.close();
  }
}
