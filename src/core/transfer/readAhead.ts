import type { FileHandle } from 'node:fs/promises';
import { throwIfCancelled } from '../errors';
import { readError } from '../store/fileErrors';
import { changedFile } from '../store/hashFile';

/** Bytes of a file, `last` excluded. */
export interface FileRange {
  readonly first: number;
  readonly end: number;
}

export interface ReadAheadOptions extends FileRange {
  /** For the words of an error. */
  readonly path: string;
  /** Bytes of each piece but the last. */
  readonly pieceBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes of a range in order, the next piece being read while the last one is worked on. A piece is valid until the next
 * one is asked for.
 *
 * Throws FILE_CHANGED when the file ends before the range does, FILE_UNREADABLE or CANCELLED.
 *
 * @example
 * for await (const piece of readAhead(handle, { path, first: 0, end: size, pieceBytes: 1 << 20, signal })) hash.update(piece);
 */
export async function* readAhead(
  handle: FileHandle,
  { path, first, end, pieceBytes, signal }: ReadAheadOptions,
): AsyncGenerator<Buffer, void, void> {
  if (first >= end) return;
  let current = Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - first));
  let spare = Buffer.allocUnsafeSlow(current.length);
  let pending: Promise<Buffer> | null = readFully(handle, current, first, end, path);
  try {
    for (let at = first; at < end; ) {
      throwIfCancelled(signal);
      const piece: Buffer = await (pending as Promise<Buffer>);
      at += piece.length;
      pending = at < end ? readFully(handle, spare, at, end, path) : null;
      // A consumer that stops here leaves this read without a listener.
      pending?.catch(() => undefined);
      yield piece;
      [current, spare] = [spare, current];
    }
  } finally {
    // The caller closes the handle next.
    await pending?.catch(() => undefined);
  }
}

/**
 * Fills `buffer` from a place in a file, fewer bytes only where the range ends; resolves to the filled part.
 *
 * Throws FILE_CHANGED when the file ends before that, or FILE_UNREADABLE.
 *
 * @example
 * const page = await readFully(handle, buffer, offset, size, path);
 */
export async function readFully(
  handle: FileHandle,
  buffer: Buffer,
  first: number,
  end: number,
  path: string,
): Promise<Buffer> {
  const wanted = Math.min(buffer.length, end - first);
  try {
    for (let filled = 0; filled < wanted; ) {
      const { bytesRead } = await handle.read(buffer, filled, wanted - filled, first + filled);
      if (bytesRead === 0) throw changedFile(path);
      filled += bytesRead;
    }
  } catch (error) {
    throw readError(error, path);
  }
  return buffer.subarray(0, wanted);
}
