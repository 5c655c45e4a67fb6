import { DataManagerError } from '../errors';
import type { ObjectInfo, ObjectSource } from './objectStore';

/**
 * Bytes in the source of a `put`.
 *
 * @example
 * sourceSize({ bytes: new Uint8Array(3), sha256 }); // 3
 */
export function sourceSize(source: ObjectSource): number {
  return 'path' in source ? source.size : source.bytes.byteLength;
}

/**
 * Throws STORE_FAILED when the object that was found under a content-addressed key can't hold the bytes of `source`.
 *
 * A key that names the source's own hash promises its content, so another size or recorded hash means that the object is
 * damaged or foreign, and a version must not be built on it. Other keys promise nothing: what is there stays.
 *
 * @example
 * const existing = await store.head(key);
 * if (existing) checkExisting(existing, source);
 */
export function checkExisting(existing: ObjectInfo, source: ObjectSource): void {
  if (!existing.key.includes(source.sha256)) return;
  const size = sourceSize(source);
  if (existing.size === size && (existing.sha256 ?? source.sha256) === source.sha256) return;
  throw new DataManagerError('STORE_FAILED', `The store holds a damaged object under ${existing.key}.`, {
    hint: 'Delete that object in the store, then publish again.',
    data: { key: existing.key, expectedSize: size, actualSize: existing.size, recordedSha256: existing.sha256 },
  });
}
