import type { Dataset, VersionEntry } from '../catalog/manifest';
import type { ResolvedVersion } from '../catalog/reference';
import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { type DownloadOptions, type DownloadResult, downloadObject, isWorthParallel } from '../store/download';
import { downloadToCache } from '../store/downloadToCache';
import type { ObjectStore } from '../store/objectStore';
import { deltaKey } from '../transfer/companions';
import { readStoredIndex } from '../transfer/readStoredIndex';
import { receiveByDelta } from '../transfer/receiveByDelta';
import { seedFromCache } from '../transfer/seedFromCache';
import type { StoredVersion } from '../transfer/sendObject';
import type { OperationContext } from './context';

/** How many other versions are looked for in the cache. */
const NEIGHBOURS = 16;

export interface FetchedVersion extends Omit<DownloadResult, 'from'> {
  readonly from: 'cache' | 'delta' | 'ranges' | 'full';
}

/**
 * Brings a version's bytes into a file, or into the cache when `target` is null, with as few bytes as can be: from the cache; by the
 * deltas from an older version that is there; by the blocks that no version at hand has; whole.
 *
 * Throws what downloadObject throws.
 *
 * @example
 * const { path, bytesReceived, from } = await fetchVersion(context, version, 'utopia.sqlite', { signal });
 */
export async function fetchVersion(
  context: Pick<OperationContext, 'cache' | 'openStore' | 'follow'>,
  { dataset, entry }: ResolvedVersion,
  target: string | null,
  { signal, onProgress }: Monitor,
): Promise<FetchedVersion> {
  const { cache, follow } = context;
  const openStore = (): Promise<ObjectStore> => context.openStore('read');
  const { key, sha256 } = entry;
  const size = entry.size ?? undefined;
  const finish = async (how: Pick<DownloadOptions, 'seed' | 'leaves' | 'justCached'> = {}): Promise<FetchedVersion> => {
    const { justCached, ...helped } = how;
    const options = { openStore, key, sha256, cache, ...helped, follow, signal, onProgress };
    return target === null
      ? downloadToCache({ ...options, size: entry.size })
      : downloadObject({ ...options, size, target, justCached });
  };
  if (size === undefined || (await cache.find(sha256, size)) !== null) return finish();
  const wanted: StoredVersion = { key, sha256, size };
  const store = await openStore();
  const versions = [wanted, ...olderThan(dataset, entry)];
  const received = await receiveByDelta({ store, cache, versions, signal, onProgress });
  if (received) return { ...(await finish({ justCached: true })), ...received, from: 'delta' };
  try {
    if (!(await isWorthParallel(store, { key, size, signal }))) return await finish();
    const leaves = await readStoredIndex(store, wanted, signal);
    const seed = leaves && (await seedFromCache({ cache, wanted, leaves, others: around(dataset, entry), signal }));
    const fetched = await finish({ leaves, seed: seed ?? undefined });
    return { ...fetched, requests: fetched.requests + 1 };
  } catch (error) {
    // Published delta first, and not made whole yet: then it is the version before, and the delta.
    const before = DataManagerError.is(error, 'OBJECT_MISSING') ? entryBefore(dataset, entry) : null;
    if (!before || (await store.head(deltaKey(key, before.sha256), { signal })) === null) throw error;
    const base = await fetchVersion(context, { dataset, entry: before }, null, { signal, onProgress });
    const made = await receiveByDelta({ store, cache, versions, atAnyCost: true, signal, onProgress });
    if (!made) throw error;
    const moved = {
      bytesReceived: base.bytesReceived + made.bytesReceived,
      bytesResumed: base.bytesResumed,
      bytesSeeded: base.bytesSeeded,
      requests: base.requests + made.requests,
    };
    return { ...(await finish({ justCached: true })), ...moved, from: 'delta' };
  }
}

/** What its delta starts from. */
function entryBefore({ history }: Dataset, entry: VersionEntry): VersionEntry | null {
  return history.slice(history.indexOf(entry) + 1).find((older) => stored(older).length > 0) ?? null;
}

function olderThan({ history }: Dataset, entry: VersionEntry): readonly StoredVersion[] {
  return history.slice(history.indexOf(entry) + 1).flatMap(stored);
}

/** The versions next to it first, older ones before newer ones. */
function around({ history }: Dataset, entry: VersionEntry): readonly StoredVersion[] {
  const at = history.indexOf(entry);
  const near: VersionEntry[] = [];
  for (let step = 1; near.length < NEIGHBOURS && step < history.length; step++) {
    near.push(...[history[at + step], history[at - step]].filter((other) => other !== undefined));
  }
  return near.flatMap(stored);
}

function stored({ key, sha256, size, status }: VersionEntry): readonly StoredVersion[] {
  return size === null || status !== 'published' ? [] : [{ key, sha256, size }];
}
