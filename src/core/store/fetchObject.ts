import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { Arrivals } from './arrivals';
import type { ObjectCache } from './cache';
import { type CopyBehindOptions, copyBehind, copyRange } from './copyBehind';
import { type FetchRangesOptions, fetchRanges } from './fetchRanges';
import { type FollowedFile, type FollowHooks, followFile } from './followFile';
import type { FollowFile } from './followThread';
import { wrongHash } from './objectErrors';
import type { ByteRange, ObjectStore } from './objectStore';
import { openPartial, type PartialFile } from './partialFile';

/** A block that is wrong again after so many fetches is right, and the index is not: the SHA-256 of the whole decides. */
const REPAIRS = 2;

export interface FetchObjectOptions extends Monitor, Pick<FetchRangesOptions, 'pieceBytes'> {
  readonly store: ObjectStore;
  readonly key: string;
  /** Of the bytes, 64 hex digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly cache: ObjectCache;
  /** A file that is to hold the bytes too; written while later ones are still on their way. `shownAs` is its name in errors. */
  readonly copy?: CopyBehindOptions['to'] | undefined;
  /** What the store's block index says (`parseBlockIndex`): only the blocks that arrive otherwise are fetched again. */
  readonly leaves?: Uint8Array | null | undefined;
  /** Does the hashing; in this thread unless given. */
  readonly follow?: FollowFile | undefined;
  /**
   * Puts bytes into the file that this machine has in another one, and says where; they need not be fetched. Not called again when
   * the outcome was wrong.
   */
  readonly seed?: ((partial: PartialFile) => Promise<readonly ByteRange[]>) | undefined;
}

export interface FetchedObject {
  readonly bytesReceived: number;
  /** Bytes that an earlier, interrupted download had brought. */
  readonly bytesResumed: number;
  /** Bytes that `seed` gave. */
  readonly bytesSeeded: number;
  readonly requests: number;
  /** Makes it the cache entry. */
  commit(): Promise<void>;
}

/**
 * Fetches an object over several connections into a partial file of the cache and reads it behind them in order: what is hashed is
 * what the disk holds. What arrived before a failure stays for the next try, also of another process. Null when the cache can't be
 * written.
 *
 * Throws HASH_MISMATCH, DISK_FULL, CANCELLED, and what `ObjectStore.get` and `begin` throw.
 *
 * @example
 * const fetched = await fetchObject({ store, key, sha256, size, cache, signal });
 * await fetched?.commit();
 */
export async function fetchObject(options: FetchObjectOptions): Promise<FetchedObject | null> {
  const { key, sha256, cache } = options;
  for (let seed = options.seed; ; seed = undefined) {
    const partial = await openPartial(cache.path(sha256));
    if (!partial) return null;
    const filled = await fill({ ...options, seed }, partial).catch(async (error) => {
      if (isAbout(error, partial)) {
        // A full disk, which what is there already would only keep full.
        await partial.drop();
        return null;
      }
      await (DataManagerError.is(error, 'OBJECT_MISSING') ? partial.drop() : partial.keep());
      throw error;
    });
    if (!filled) return null;
    const { sha256: actual, index, ...fetched } = filled;
    if (actual === sha256) {
      return {
        ...fetched,
        commit: async () => void (await cache.adopt(await partial.release(), sha256, index)),
      };
    }
    await partial.drop();
    // Bytes from before a power cut may be wrong although they were noted, and so may another file of this machine be; only fresh
    // ones tell about the object.
    if (fetched.bytesResumed + fetched.bytesSeeded === 0) throw wrongHash(key, sha256, actual);
  }
}

/** True when it is the partial file that can't be written, and not the copy of it. */
function isAbout(error: unknown, { path }: PartialFile): boolean {
  return (
    (DataManagerError.is(error, 'DISK_FULL') || DataManagerError.is(error, 'OUTPUT_UNWRITABLE')) &&
    error.data.path === path
  );
}

async function fill(
  options: FetchObjectOptions,
  partial: PartialFile,
): Promise<Omit<FetchedObject, 'commit'> & FollowedFile> {
  const { store, key, sha256, size, pieceBytes, onProgress, follow = followFile } = options;
  const arrivals = new Arrivals(size, partial.there);
  const bytesResumed = arrivals.bytes;
  for (const range of bytesResumed === 0 ? ((await options.seed?.(partial)) ?? []) : []) {
    await partial.confirm(range);
    arrivals.add(range);
  }
  const bytesSeeded = arrivals.bytes - bytesResumed;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const report = (): void =>
    onProgress?.({
      phase: 'download',
      done: arrivals.bytes,
      total: size,
      kept: arrivals.bytes,
      ...(bytesResumed > 0 && { resumed: bytesResumed }),
      ...(bytesSeeded > 0 && { copied: bytesSeeded }),
    });
  report();
  const common = { store, key, pieceBytes, signal, write: inTurn((bytes, offset) => partial.write(bytes, offset)) };
  let refetched = { bytes: 0, requests: 0 };
  const repairs = new Map<number, number>();
  const repaired: ByteRange[] = [];
  const fetching = fetchRanges({
    ...common,
    ranges: arrivals.missing(),
    onRange: async (range) => {
      await partial.confirm(range);
      arrivals.add(range);
      report();
    },
  });
  const request = { path: partial.path, size, leaves: options.leaves ?? null };
  const hooks: FollowHooks = {
    async arrived(read) {
      while (arrivals.prefix <= read) {
        throwIfCancelled(signal);
        await arrivals.next();
      }
      throwIfCancelled(signal);
      return arrivals.prefix;
    },
    async damaged(range) {
      const before = repairs.get(range.first) ?? 0;
      repairs.set(range.first, before + 1);
      if (before >= REPAIRS) return false;
      const requests = await fetchRanges({ ...common, ranges: [range], onRange: async () => {} });
      repaired.push(range);
      refetched = { bytes: refetched.bytes + range.last - range.first + 1, requests: refetched.requests + requests };
      return true;
    },
  };
  const followWhole = async (): Promise<FollowedFile> => {
    const followed = await follow(request, hooks);
    // Blocks that were not looked at on the way may be why.
    const another = followed.sha256 !== sha256 && followed.index === null && request.leaves !== null;
    return another ? follow({ ...request, thorough: true }, hooks) : followed;
  };
  const following = followWhole();
  const pair = options.copy && { from: partial, to: options.copy };
  const copying = pair && copyBehind({ ...pair, size, arrived: hooks.arrived });
  try {
    const [requests, followed] = await Promise.all([fetching, following, copying]);
    // The copy may have taken them as they were before.
    if (pair) for (const range of repaired) await copyRange(pair, range);
    return {
      ...followed,
      bytesReceived: size - bytesResumed - bytesSeeded + refetched.bytes,
      bytesResumed,
      bytesSeeded,
      requests: requests + refetched.requests,
    };
  } catch (error) {
    stop.abort();
    arrivals.wake();
    await Promise.allSettled([fetching, following, copying]);
    throwIfCancelled(options.signal);
    throw error;
  }
}

type Write = (bytes: Uint8Array, offset: number) => Promise<void>;

/** One write after the other: those into one file wait for each other anyway, and while they do the kernel lets them spin. */
function inTurn(write: Write): Write {
  let last = Promise.resolve();
  return (bytes, offset) => {
    const turn = last.then(() => write(bytes, offset));
    last = turn.catch(() => {});
    return turn;
  };
}
