import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { BlockIndexBuilder, readBlockIndex } from '../store/blockIndex';
import type { ObjectCache } from '../store/cache';
import { makeFolders, randomName } from '../store/durableFile';
import { TEMP_NAME_PREFIX } from '../store/objectKey';
import type { ObjectStore } from '../store/objectStore';
import { applyDelta } from './applyDelta';
import { deltaKey } from './companions';
import { chooseDownload, maxDeltaShare, maxHops } from './rangePlan';
import { readSmallObject } from './readSmallObject';
import type { StoredVersion } from './sendObject';

export interface ReceiveByDeltaOptions extends Monitor {
  readonly store: ObjectStore;
  readonly cache: ObjectCache;
  /** The version to get, then the one before it, and so on back. */
  readonly versions: readonly StoredVersion[];
  /** True when there is no other way to get it: then whatever it costs. */
  readonly atAnyCost?: boolean | undefined;
}

export interface ReceivedByDelta {
  readonly bytesReceived: number;
  readonly requests: number;
}

/** Bytes of deltas that are kept in memory; a chain that is longer is not worth it against ranges. */
const MAX_DELTA_BYTES = 256 << 20;

/**
 * Puts a version into the cache out of an older one that is there, by the deltas that lie beside the objects: one for each version in
 * between, at most 8. Null when that is not possible, or not cheaper than fetching the version: nothing is changed then.
 *
 * The SHA-256 of the result decides; a delta or a cache entry that is wrong makes this null. Throws CANCELLED and DISK_FULL.
 *
 * @example
 * const received = await receiveByDelta({ store, cache, versions: [wanted, before], signal });
 */
export async function receiveByDelta(options: ReceiveByDeltaOptions): Promise<ReceivedByDelta | null> {
  const { cache, versions, signal } = options;
  const [wanted] = versions;
  if (!wanted) return null;
  let hops = 1;
  let basePath: string | null = null;
  for (; hops <= maxHops && hops < versions.length && basePath === null; hops++) {
    const base = versions[hops];
    if (base) basePath = await cache.find(base.sha256, base.size);
  }
  if (basePath === null) return null;
  // Oldest first, from the version at hand to the one that is wanted.
  const chain = versions.slice(0, hops).reverse();
  const temps: string[] = [];
  try {
    const limit = options.atAnyCost ? MAX_DELTA_BYTES : Math.min(MAX_DELTA_BYTES, wanted.size * maxDeltaShare);
    const deltas = await fetchDeltas(options, chain, limit);
    if (!deltas) return null;
    const sizes = deltas.map(({ length }) => length);
    const choice = chooseDownload({ size: wanted.size, local: false, deltas: sizes, ranges: null });
    if (choice.kind !== 'delta' && !options.atAnyCost) return null;
    let path = basePath;
    for (const [i, bytes] of deltas.entries()) {
      const [base, target] = [chain[i], chain[i + 1]] as [StoredVersion, StoredVersion];
      const outputPath = join(dirname(cache.path(wanted.sha256)), `${TEMP_NAME_PREFIX}${randomName()}`);
      temps.push(outputPath);
      await makeFolders(dirname(outputPath));
      const index = target === wanted ? new BlockIndexBuilder() : null;
      // What the new version has unchanged need not be hashed block by block again.
      const leaves = index && path === basePath ? await readBlockIndex(cache.indexPath(base.sha256), base) : null;
      await applyDelta({
        ...{ base: { ...base, path }, target, delta: { bytes }, outputPath, signal, onProgress: options.onProgress },
        onPiece: index ? (piece) => index.add(piece) : undefined,
        onCopy: leaves ? (copy) => index?.takeOver(leaves, copy) : undefined,
      });
      path = outputPath;
      if (index && !(await cache.adopt(outputPath, wanted.sha256, index.finish(wanted.sha256)))) return null;
    }
    return { bytesReceived: sizes.reduce((sum, size) => sum + size, 0), requests: deltas.length };
  } catch (error) {
    throwIfCancelled(signal);
    if (DataManagerError.is(error, 'DISK_FULL')) throw error;
    return null;
  } finally {
    for (const temp of temps) await rm(temp, { force: true }).catch(() => {});
  }
}

/** Null when one is missing or all of them are too large. */
async function fetchDeltas(
  { store, signal }: ReceiveByDeltaOptions,
  chain: readonly StoredVersion[],
  limit: number,
): Promise<readonly Buffer[] | null> {
  const deltas: Buffer[] = [];
  let left = limit;
  // From the newest one back: that is the one whose absence is most likely, being the youngest.
  for (let i = chain.length - 1; i > 0; i--) {
    const [base, target] = [chain[i - 1], chain[i]] as [StoredVersion, StoredVersion];
    const delta = await readSmallObject(store, deltaKey(target.key, base.sha256), left, signal);
    if (!delta) return null;
    left -= delta.length;
    deltas.unshift(delta);
  }
  return deltas;
}
