import { open } from 'node:fs/promises';
import { throwIfCancelled } from '../errors';
import { readBlockIndex } from '../store/blockIndex';
import type { ObjectCache } from '../store/cache';
import type { ByteRange } from '../store/objectStore';
import type { PartialFile } from '../store/partialFile';
import { matchesOfIndexes } from './indexMatches';
import type { Match } from './match';
import { chooseDownload, planRanges } from './rangePlan';
import type { StoredVersion } from './sendObject';

export interface SeedOptions {
  readonly cache: ObjectCache;
  readonly wanted: StoredVersion;
  /** What the store's block index says of the wanted version. */
  readonly leaves: Uint8Array;
  /** Other versions of the dataset, those first that are likely to have most in common. */
  readonly others: readonly StoredVersion[];
  readonly signal?: AbortSignal | undefined;
}

const PIECE_BYTES = 1 << 20;

/**
 * Finds what a cached version has of the one that is wanted, by the block indexes of both, and gives the function that copies it into
 * the partial file (`fetchObject`'s `seed`). Null when no other version is at hand, or little is shared.
 *
 * A wrong index only costs time: the SHA-256 of the whole decides. Throws CANCELLED.
 *
 * @example
 * const seed = await seedFromCache({ cache, wanted, leaves, others, signal });
 * await downloadObject({ ...options, seed: seed ?? undefined });
 */
export async function seedFromCache(
  options: SeedOptions,
): Promise<((partial: PartialFile) => Promise<readonly ByteRange[]>) | null> {
  const { cache, wanted, leaves, signal } = options;
  try {
    const local = await indexedVersion(options);
    if (!local) return null;
    const matches = matchesOfIndexes(local, { size: wanted.size, leaves });
    const plan = planRanges(wanted.size, matches);
    const choice = chooseDownload({ size: wanted.size, local: false, deltas: null, ranges: plan });
    if (choice.kind !== 'ranges') return null;
    return (partial) => copyMatches(cache.path(local.sha256), partial, plan.copy, signal);
  } catch {
    throwIfCancelled(signal);
    return null;
  }
}

async function indexedVersion({ cache, others, signal }: SeedOptions) {
  for (const { sha256, size } of others) {
    if ((await cache.find(sha256, size)) === null) continue;
    const there = await readBlockIndex(cache.indexPath(sha256), { sha256, size });
    // What came in a hurry has none; making it takes less time than fetching what it saves.
    if (!there && !(await cache.check(sha256, { signal }))) continue;
    const leaves = there ?? (await readBlockIndex(cache.indexPath(sha256), { sha256, size }));
    if (leaves) return { sha256, size, leaves };
  }
  return null;
}

async function copyMatches(
  basePath: string,
  partial: PartialFile,
  matches: readonly Match[],
  signal: AbortSignal | undefined,
): Promise<readonly ByteRange[]> {
  const base = await open(basePath, 'r').catch(() => null);
  if (!base) return []; // another process has made room in the cache
  const copied: ByteRange[] = [];
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  try {
    for (const { baseOffset, targetOffset, length } of matches) {
      for (let done = 0; done < length; ) {
        throwIfCancelled(signal);
        const wanted = Math.min(buffer.length, length - done);
        const { bytesRead } = await base.read(buffer, 0, wanted, baseOffset + done);
        if (bytesRead === 0) return copied; // shorter than its index says: the rest is fetched
        await partial.write(buffer.subarray(0, bytesRead), targetOffset + done);
        done += bytesRead;
      }
      copied.push({ first: targetOffset, last: targetOffset + length - 1 });
    }
    return copied;
  } finally {
    await base.close();
  }
}
