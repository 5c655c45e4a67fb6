import { throwIfCancelled } from '../errors';
import { parseBlockIndex } from '../store/blockIndex';
import type { ObjectStore } from '../store/objectStore';
import { indexKey } from './companions';
import { readSmallObject } from './readSmallObject';
import type { StoredVersion } from './sendObject';

/**
 * The block hashes that lie beside an object in the store (`parseBlockIndex`); null when there are none that fit it. Nothing is
 * believed of them that the SHA-256 of the whole does not confirm.
 *
 * Throws CANCELLED.
 *
 * @example
 * const leaves = await readStoredIndex(store, { key, sha256, size }, signal);
 */
export async function readStoredIndex(
  store: ObjectStore,
  version: StoredVersion,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | null> {
  try {
    const bytes = await readSmallObject(store, indexKey(version.key), maxBytes(version.size), signal);
    return bytes && parseBlockIndex(bytes, version);
  } catch {
    throwIfCancelled(signal);
    return null; // it only saves work
  }
}

/** An index takes 16 bytes a block of 64 KiB and a little more. */
function maxBytes(size: number): number {
  return 1024 + size / 2048;
}
