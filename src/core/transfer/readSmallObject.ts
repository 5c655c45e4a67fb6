import { DataManagerError } from '../errors';
import type { ObjectStore } from '../store/objectStore';

/**
 * The bytes of an object, or null when there is none or it is larger than `maxBytes`, of which the rest is not fetched then.
 *
 * Throws what `ObjectStore.get` throws but OBJECT_MISSING.
 *
 * @example
 * const index = await readSmallObject(store, indexKey(key), 1 << 20, signal);
 */
export async function readSmallObject(
  store: ObjectStore,
  key: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of store.get(key, { signal })) {
      size += piece.length;
      if (size > maxBytes) return null;
      pieces.push(Buffer.from(piece)); // a piece is valid until the next one only
    }
  } catch (error) {
    if (DataManagerError.is(error, 'OBJECT_MISSING')) return null;
    throw error;
  }
  return Buffer.concat(pieces);
}
