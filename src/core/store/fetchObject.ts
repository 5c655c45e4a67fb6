import { createHash } from 'node:crypto';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { Arrivals } from './arrivals';
import { BlockIndexBuilder } from './blockIndex';
import type { ObjectCache } from './cache';
import { type FetchRangesOptions, fetchRanges } from './fetchRanges';
import { changedFile } from './hashFile';
import { wrongHash } from './objectErrors';
import type { ByteRange, ObjectStore } from './objectStore';
import { openPartial, type PartialFile } from './partialFile';

const PIECE_BYTES = 1 << 20;

export interface FetchObjectOptions extends Monitor, Pick<FetchRangesOptions, 'pieceBytes'> {
  readonly store: ObjectStore;
  readonly key: string;
  /** Of the bytes, 64 hex digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly cache: ObjectCache;
  /**
   * Called before the first byte, and once more if that attempt was for nothing. What it gives sees all bytes in order, while later
   * ones are still on their way; a piece is valid until the promise is settled.
   */
  readonly begin?: (() => Promise<(piece: Uint8Array) => Promise<void>>) | undefined;
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
    const index = new BlockIndexBuilder();
    const filled = await fill({ ...options, seed }, partial, index).catch(async (error) => {
      await (DataManagerError.is(error, 'OBJECT_MISSING') ? partial.drop() : partial.keep());
      throw error;
    });
    const { sha256: actual, ...fetched } = filled;
    if (actual === sha256) {
      return {
        ...fetched,
        commit: async () => void (await cache.adopt(await partial.release(), sha256, index.finish(sha256))),
      };
    }
    await partial.drop();
    // Bytes from before a power cut may be wrong although they were noted, and so may another file of this machine be; only fresh
    // ones tell about the object.
    if (fetched.bytesResumed + fetched.bytesSeeded === 0) throw wrongHash(key, sha256, actual);
  }
}

async function fill(
  options: FetchObjectOptions,
  partial: PartialFile,
  index: BlockIndexBuilder,
): Promise<Omit<FetchedObject, 'commit'> & { readonly sha256: string }> {
  const { store, key, size, onProgress } = options;
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
  const onPiece = await options.begin?.();
  const take = async (piece: Uint8Array): Promise<void> => {
    index.add(piece);
    await onPiece?.(piece);
  };
  const fetching = fetchRanges({
    store,
    key,
    ranges: arrivals.missing(),
    pieceBytes: options.pieceBytes,
    signal,
    write: inTurn((bytes, offset) => partial.write(bytes, offset)),
    onRange: async (range) => {
      await partial.confirm(range);
      arrivals.add(range);
      report();
    },
  });
  const reading = readInOrder(partial, arrivals, take, signal);
  try {
    const [requests, sha256] = await Promise.all([fetching, reading]);
    return { sha256, bytesReceived: size - bytesResumed - bytesSeeded, bytesResumed, bytesSeeded, requests };
  } catch (error) {
    stop.abort();
    arrivals.wake();
    await Promise.allSettled([fetching, reading]);
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

async function readInOrder(
  partial: PartialFile,
  arrivals: Arrivals,
  take: (piece: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (let at = 0; at < arrivals.size; ) {
    while (arrivals.prefix <= at) {
      throwIfCancelled(signal);
      await arrivals.next();
    }
    throwIfCancelled(signal);
    const wanted = Math.min(buffer.length, arrivals.prefix - at);
    const { bytesRead } = await partial.handle.read(buffer, 0, wanted, at);
    if (bytesRead === 0) throw changedFile(partial.path);
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    await take(piece);
    at += bytesRead;
  }
  return hash.digest('hex');
}
