import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { changedFile, type HashedFile, sameStamp, stampFile } from '../store/hashFile';
import type { OperationContext } from './context';

/**
 * The content hash to record with a version; undefined for files that aren't readable SQLite databases.
 *
 * Throws FILE_CHANGED when the file is not the one any more that was hashed, CANCELLED, and the other errors of reading it.
 *
 * @example
 * const contentHash = await contentHashForPublish(context, await hashFile({ path: file }), { signal });
 */
export async function contentHashForPublish(
  { diffEngine }: Pick<OperationContext, 'diffEngine'>,
  { path, stamp }: Pick<HashedFile, 'path' | 'stamp'>,
  { signal, onProgress }: Monitor,
): Promise<string | undefined> {
  const contentHash = await diffEngine.contentHash(path, { signal, onProgress }).catch((error: unknown) => {
    // The worker died of the file: better a version without the hash than none.
    if (DataManagerError.is(error, 'DIFF_UNSUPPORTED')) return null;
    throw error;
  });
  if (!sameStamp(stamp, await stampFile(path))) throw changedFile(path);
  return contentHash ?? undefined;
}
