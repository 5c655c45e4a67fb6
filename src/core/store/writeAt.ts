import type { FileHandle } from 'node:fs/promises';
import { writeError } from './fileErrors';

/**
 * Writes all bytes to their place in a file; `shownAs` is its name in errors.
 *
 * Throws DISK_FULL, OUTPUT_UNWRITABLE.
 *
 * @example
 * await writeAt(handle, piece, offset, 'utopia.sqlite');
 */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number, shownAs: string): Promise<void> {
  try {
    for (let at = 0; at < bytes.length; ) {
      at += (await handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
    }
  } catch (error) {
    throw writeError(error, shownAs);
  }
}
