import type { FileHandle } from 'node:fs/promises';
import { changedFile } from './hashFile';
import type { ByteRange } from './objectStore';
import { writeAt } from './writeAt';

const PIECE_BYTES = 1 << 20;

export interface CopyBehindOptions {
  readonly from: { readonly handle: FileHandle; readonly path: string };
  /** `shownAs` is its name in errors. */
  readonly to: { readonly handle: FileHandle; readonly shownAs: string };
  /** Bytes that `from` will have. */
  readonly size: number;
  /** Resolves to the number of bytes that are there from the first on, once these are more than `copied`. Rejects to stop the work. */
  readonly arrived: (copied: number) => Promise<number>;
}

/**
 * Copies a file from front to back behind those who write it. Looks at no byte: whoever finds wrong ones and mends them has to copy
 * these again (`copyRange`) when this is done.
 *
 * Throws FILE_CHANGED (the file is shorter than was said), OUTPUT_UNWRITABLE, DISK_FULL, and what `arrived` throws.
 *
 * @example
 * await copyBehind({ from: partial, to: { handle, shownAs: 'utopia.sqlite' }, size, arrived });
 */
export async function copyBehind({ from, to, size, arrived }: CopyBehindOptions): Promise<void> {
  for (let copied = 0; copied < size; ) {
    const there = await arrived(copied);
    await copyRange({ from, to }, { first: copied, last: there - 1 });
    copied = there;
  }
}

/**
 * Copies some bytes to the same place in another file.
 *
 * Throws FILE_CHANGED (there are fewer), OUTPUT_UNWRITABLE, DISK_FULL.
 *
 * @example
 * await copyRange({ from, to }, { first: 0, last: 65535 });
 */
export async function copyRange(
  { from, to }: Pick<CopyBehindOptions, 'from' | 'to'>,
  { first, last }: ByteRange,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, last - first + 1));
  for (let at = first; at <= last; ) {
    const { bytesRead } = await from.handle.read(buffer, 0, Math.min(buffer.length, last - at + 1), at);
    if (bytesRead === 0) throw changedFile(from.path);
    await writeAt(to.handle, buffer.subarray(0, bytesRead), at, to.shownAs);
    at += bytesRead;
  }
}
