import { setMaxListeners } from 'node:events';
import { throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import type { ByteRange, ObjectStore } from './objectStore';
import { PartWindow } from './partWindow';

/** Bytes of one request: long enough that a request's own time does not count, short enough to be lost. */
const PIECE_BYTES = 8 << 20;
/** A connection delivers some 64 KiB at a time; a write for each would cost more than this copy. */
const WRITE_BYTES = 1 << 20;

export interface FetchRangesOptions extends Pick<Monitor, 'signal'> {
  readonly store: ObjectStore;
  readonly key: string;
  /** In ascending order, not overlapping. */
  readonly ranges: readonly ByteRange[];
  /** Bytes of the longest request; 8 MiB unless given. */
  readonly pieceBytes?: number | undefined;
  /** Takes bytes to their place; `bytes` is valid until the promise is settled. Called for several places at once. */
  readonly write: (bytes: Uint8Array, offset: number) => Promise<void>;
  /** A stretch has arrived as a whole. */
  readonly onRange: (range: ByteRange) => Promise<void>;
}

/**
 * Fetches ranges of an object over several connections at once, in pieces of at most `pieceBytes` and in about ascending order. A failure
 * of one stops the others; what `onRange` was called for is there then. Resolves to the number of requests.
 *
 * Throws what `ObjectStore.get` and `write` throw, and CANCELLED.
 *
 * @example
 * await fetchRanges({ store, key, ranges: [{ first: 0, last: size - 1 }], write, onRange: async (range) => note(range) });
 */
export async function fetchRanges(options: FetchRangesOptions): Promise<number> {
  const { pieceBytes = PIECE_BYTES } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  // Each connection listens; Node would take more than ten for a leak and say so on the user's terminal.
  setMaxListeners(0, signal);
  const window = new PartWindow(pieceBytes, () => performance.now());
  const running = new Set<Promise<void>>();
  const buffers: Buffer[] = [];
  let failure: { readonly error: unknown } | null = null;
  let requests = 0;
  for (const piece of pieces(options.ranges, pieceBytes)) {
    while (running.size >= window.limit && !failure) await Promise.race(running);
    if (failure || signal.aborted) break;
    const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(WRITE_BYTES);
    requests++;
    const task: Promise<void> = fetchPiece(options, piece, buffer, signal)
      .then(() => window.confirmed())
      .catch((error) => {
        failure ??= { error };
        stop.abort();
      })
      .finally(() => {
        buffers.push(buffer);
        running.delete(task);
      });
    running.add(task);
  }
  await Promise.all(running);
  throwIfCancelled(options.signal);
  if (failure) throw (failure as { error: unknown }).error;
  return requests;
}

function* pieces(ranges: readonly ByteRange[], pieceBytes: number): Generator<ByteRange> {
  for (const { first, last } of ranges) {
    for (let at = first; at <= last; ) {
      const end = Math.min(last, (Math.floor(at / pieceBytes) + 1) * pieceBytes - 1);
      yield { first: at, last: end };
      at = end + 1;
    }
  }
}

async function fetchPiece(
  { store, key, write, onRange }: FetchRangesOptions,
  range: ByteRange,
  buffer: Buffer,
  signal: AbortSignal,
): Promise<void> {
  let filled = 0;
  let at = range.first;
  const flush = async () => {
    await write(buffer.subarray(0, filled), at);
    at += filled;
    filled = 0;
  };
  for await (const bytes of store.get(key, { range, signal })) {
    for (let from = 0; from < bytes.length; ) {
      const length = Math.min(buffer.length - filled, bytes.length - from);
      buffer.set(bytes.subarray(from, from + length), filled);
      filled += length;
      from += length;
      if (filled === buffer.length) await flush();
    }
  }
  if (filled > 0) await flush();
  await onRange(range);
}
