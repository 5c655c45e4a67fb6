import type { ResolvedVersion } from '../catalog/reference';
import type { Monitor } from '../progress';
import { checkAvailable } from './checkAvailable';
import type { OperationContext } from './context';
import { fetchVersion } from './fetchVersion';

export interface ObtainedVersion {
  readonly path: string;
  /** Path of the block index of these bytes, if there is one. */
  readonly blockIndex: string;
}

/**
 * A file that holds a version's bytes, for reading only: from the cache, or fetched into it.
 *
 * Throws VERSION_NOT_AVAILABLE, OBJECT_MISSING, HASH_MISMATCH, DISK_FULL, CANCELLED, and the store's errors.
 *
 * @example
 * const { path } = await obtainVersion({ ...context, dataset, entry, signal });
 */
export async function obtainVersion({
  openStore,
  cache,
  dataset,
  entry,
  signal,
  onProgress,
}: Pick<OperationContext, 'openStore' | 'cache'> & ResolvedVersion & Monitor): Promise<ObtainedVersion> {
  checkAvailable({ dataset, entry });
  const { path } = await fetchVersion({ openStore, cache }, { dataset, entry }, null, { signal, onProgress });
  return { path, blockIndex: cache.indexPath(entry.sha256) };
}
