import { throwIfCancelled } from '../errors';
import { rangeBehindEnd, tooLong } from './objectErrors';
import type { ByteRange, ObjectStore } from './objectStore';

/** A server that has never answered the quick way so often is asked in the other way only. */
const MISSES = 3;

/** Asks once, without a word about why something is missing: resolves to the number of bytes that came, from the first on. */
export type QuickRead = (
  key: string,
  range: ByteRange,
  buffer: Buffer,
  signal: AbortSignal | undefined,
) => Promise<number>;

/**
 * `ObjectStore.readInto` out of two ways: the quick one if there is one, and for what it does not bring the store's `get`, which knows
 * every error and goes on after a broken connection.
 *
 * @example
 * const readInto = createReadInto(quick, (key, options) => downloadBytes(connection, key, options));
 */
export function createReadInto(quick: QuickRead | null, get: ObjectStore['get']): NonNullable<ObjectStore['readInto']> {
  let misses = 0;
  return async (key, range, buffer, { signal, onRetry } = {}) => {
    throwIfCancelled(signal);
    let filled = 0;
    let requests = 0;
    if (quick && misses < MISSES) {
      requests += 1;
      // What can't even be asked is explained by the other way.
      filled = await quick(key, range, buffer, signal).catch(() => 0);
      throwIfCancelled(signal);
      misses = filled > 0 ? Number.NEGATIVE_INFINITY : misses + 1;
      if (filled === buffer.length) return requests;
      onRetry?.();
    }
    const rest = { first: range.first + filled, last: range.last };
    for await (const piece of get(key, { range: rest, signal, onRetry })) {
      if (filled + piece.length > buffer.length) throw tooLong(key, range.first + buffer.length);
      buffer.set(piece, filled);
      filled += piece.length;
    }
    if (filled < buffer.length) throw rangeBehindEnd(key, range.first + filled);
    return requests + 1;
  };
}
