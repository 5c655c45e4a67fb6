import { chmod } from 'node:fs/promises';
import type { Monitor } from '../progress';
import { BlockIndexBuilder, writeBlockIndex } from './blockIndex';
import type { ObjectCache } from './cache';
import { type DownloadResult, downloadObject, isWorthParallel } from './download';
import { type FetchObjectOptions, fetchObject } from './fetchObject';
import type { ObjectStore } from './objectStore';

/**
 * Sees to it that the cache holds these bytes, fetched from the store if need be. The file is for reading only.
 *
 * Throws OUTPUT_UNWRITABLE when the cache can't be written, and what downloadObject throws.
 *
 * @example
 * const { path } = await downloadToCache({ openStore, key: entry.key, sha256: entry.sha256, size: entry.size, cache });
 */
export async function downloadToCache({
  openStore,
  key,
  sha256,
  size,
  cache,
  seed,
  leaves,
  follow,
  ...monitor
}: Monitor & {
  readonly openStore: () => Promise<ObjectStore>;
  readonly key: string;
  readonly sha256: string;
  /** Bytes; null when they are not known. */
  readonly size: number | null;
  readonly cache: ObjectCache;
  readonly seed?: FetchObjectOptions['seed'];
  readonly leaves?: FetchObjectOptions['leaves'];
  readonly follow?: FetchObjectOptions['follow'];
}): Promise<DownloadResult> {
  const cached = await cache.find(sha256, size ?? undefined);
  if (cached !== null) {
    return { path: cached, bytesReceived: 0, bytesResumed: 0, bytesSeeded: 0, requests: 0, from: 'cache' };
  }
  const store = await openStore();
  const target = cache.path(sha256);
  if (size !== null && (await isWorthParallel(store, { key, size, signal: monitor.signal }))) {
    const fetched = await fetchObject({ store, key, sha256, size, cache, seed, leaves, follow, ...monitor });
    if (fetched) {
      await fetched.commit();
      const { commit: _, ...figures } = fetched;
      return { ...figures, path: target, from: figures.bytesSeeded > 0 ? 'ranges' : 'full' };
    }
  }
  const index = new BlockIndexBuilder();
  const onPiece = (piece: Uint8Array): void => index.add(piece);
  const known = size ?? undefined;
  const got = await downloadObject({
    openStore: async () => store,
    key,
    sha256,
    size: known,
    target,
    onPiece,
    ...monitor,
  });
  await chmod(target, 0o444).catch(() => undefined);
  await writeBlockIndex(cache.indexPath(sha256), index.finish(sha256));
  return { ...got, path: target };
}
