import { setMaxListeners } from 'node:events';
import { throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import type { ByteRange, ObjectStore } from './objectStore';
import { PartWindow } from './partWindow';
import { createReadInto } from './readInto';

/** Bytes of one request: long enough that a request's own time does not count, short enough to be lost. */
const PIECE_BYTES = 8 << 20;
/** Of all pieces that are under way; each connection has a buffer of its own beside, and the thread that hashes has some. */
const MAX_BYTES_IN_FLIGHT = 48 << 20;

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
 * Fetches ranges of an object over several connections at once, in pieces of at most `pieceBytes` and in about ascending order; fewer
 * at once while the server or the line can't keep up. A failure of one stops the others; what `onRange` was called for is there then.
 * Resolves to the number of requests. Memory: a piece for each connection, 48 MiB at most.
 *
 * Throws what `ObjectStore.get` and `write` throw, and CANCELLED.
 *
 * @example
 * await fetchRanges({ store, key, ranges: [{ first: 0, last: size - 1 }], write, onRange: async (range) => note(range) });
 */
export async function fetchRanges(options: FetchRangesOptions): Promise<number> {
  const { store, key, pieceBytes = PIECE_BYTES, write, onRange } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  // Each connection listens; Node would take more than ten for a leak and say so on the user's terminal.
  setMaxListeners(0, signal);
  const readInto = store.readInto ?? createReadInto(null, store.get);
  const window = new PartWindow(pieceBytes, () => performance.now(), MAX_BYTES_IN_FLIGHT);
  const onRetry = (): void => window.slowedDown();
  const running = new Set<Promise<void>>();
  const buffers: Buffer[] = [];
  let failure: { readonly error: unknown } | null = null;
  let requests = 0;
  const fetchPiece = async (piece: ByteRange, buffer: Buffer): Promise<void> => {
    const bytes = buffer.subarray(0, piece.last - piece.first + 1);
    const made = await readInto(key, piece, bytes, { signal, onRetry });
    requests += made;
    await write(bytes, piece.first);
    await onRange(piece);
  };
  for (const piece of pieces(options.ranges, pieceBytes)) {
    while (running.size >= window.limit && !failure) await Promise.race(running);
    if (failure || signal.aborted) break;
    const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
    const task: Promise<void> = fetchPiece(piece, buffer)
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
