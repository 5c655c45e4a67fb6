import type { FileHandle } from 'node:fs/promises';
import { writeError } from './fileErrors';

/** Bytes of one write: what a processor's cache holds is copied fastest. */
const WRITE_BYTES = 1 << 20;

/**
 * Writes all bytes to their place in a file; `shownAs` is its name in errors, `offset` in bytes.
 *
 * Throws DISK_FULL, OUTPUT_UNWRITABLE.
 *
 * @example
 * await writeAt(handle, piece, offset, 'utopia.sqlite');
 */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number, shownAs: string): Promise<void> {
  try {
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(WRITE_BYTES, bytes.length - at);
      at += (await handle.write(bytes, at, length, offset + at)).bytesWritten;
    }
  } catch (error) {
    throw writeError(error, shownAs);
  }
}
