import { chmod } from 'node:fs/promises';
import type { Monitor } from '../progress';
import { BlockIndexBuilder, writeBlockIndex } from './blockIndex';
import type { ObjectCache } from './cache';
import { downloadObject, isWorthParallel } from './download';
import { fetchObject } from './fetchObject';
import type { ObjectStore } from './objectStore';

/**
 * The path of a cached file with these bytes, fetched from the store if the cache does not have it. For reading only.
 *
 * Throws OUTPUT_UNWRITABLE when the cache can't be written, and what downloadObject throws.
 *
 * @example
 * const path = await downloadToCache({ openStore, key: entry.key, sha256: entry.sha256, size: entry.size, cache });
 */
export async function downloadToCache({
  openStore,
  key,
  sha256,
  size,
  cache,
  ...monitor
}: Monitor & {
  readonly openStore: () => Promise<ObjectStore>;
  readonly key: string;
  readonly sha256: string;
  /** Bytes; null when they are not known. */
  readonly size: number | null;
  readonly cache: ObjectCache;
}): Promise<string> {
  const cached = await cache.find(sha256, size ?? undefined);
  if (cached !== null) return cached;
  const store = await openStore();
  const target = cache.path(sha256);
  if (size !== null && isWorthParallel(store, size)) {
    const fetched = await fetchObject({ store, key, sha256, size, cache, ...monitor });
    await fetched?.commit();
    if (fetched) return (await cache.find(sha256)) ?? target;
  }
  const index = new BlockIndexBuilder();
  const onPiece = (piece: Uint8Array): void => index.add(piece);
  const known = size ?? undefined;
  await downloadObject({ openStore: async () => store, key, sha256, size: known, target, onPiece, ...monitor });
  await chmod(target, 0o444).catch(() => undefined);
  await writeBlockIndex(cache.indexPath(sha256), index.finish(sha256));
  return (await cache.find(sha256)) ?? target;
}
