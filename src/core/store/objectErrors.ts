import { DataManagerError } from '../errors';

/**
 * The error for a range that begins behind the end of the object (HTTP 416).
 *
 * @example
 * if (first >= size) throw rangeBehindEnd(key, first);
 */
export function rangeBehindEnd(key: string, first: number): DataManagerError {
  return new DataManagerError('STORE_FAILED', `The object ${key} has no byte ${first}: it is shorter than expected.`, {
    hint: 'The object may be damaged: compare its size with the manifest (datamanager fsck).',
    data: { key, first },
  });
}

/**
 * The error for an object that is not there.
 *
 * @example
 * throw objectMissing('utopia/3f5a.sqlite', store.location);
 */
export function objectMissing(key: string, location: string): DataManagerError {
  return new DataManagerError('OBJECT_MISSING', `There is no object ${key} in ${location}.`, {
    hint: 'It may have been deleted, or the settings name another store than the one it was published to.',
    data: { key },
  });
}

/**
 * The HASH_MISMATCH error for an object.
 *
 * @example
 * if (actual !== sha256) throw wrongHash(key, sha256, actual);
 */
export function wrongHash(key: string, expected: string, actual: string): DataManagerError {
  return new DataManagerError(
    'HASH_MISMATCH',
    `The bytes of ${key} have the SHA-256 ${actual}, but the manifest says ${expected}.`,
    {
      hint: 'The object is damaged or not the one that was published; the local file was left alone.',
      data: { expected, actual },
    },
  );
}

/**
 * The HASH_MISMATCH error for an object that has more bytes than were published.
 *
 * @example
 * if (received > size) throw tooLong(key, size);
 */
export function tooLong(key: string, size: number): DataManagerError {
  return new DataManagerError(
    'HASH_MISMATCH',
    `The object ${key} is longer than the ${size} bytes that were published.`,
    {
      hint: 'The object is damaged or not the one that was published; the local file was left alone.',
      data: { key, size },
    },
  );
}
