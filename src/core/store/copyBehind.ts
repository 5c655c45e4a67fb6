import type { FileHandle } from 'node:fs/promises';
import { alignedBuffer, type DirectFile, type DirectTarget, openDirect } from './directFile';
import { changedFile } from './hashFile';
import type { ByteRange } from './objectStore';
import { writeAt } from './writeAt';

const PIECE_BYTES = 4 << 20;
/** One is read while another is written. */
const DIRECT_BUFFERS = 2;

export interface CopyBehindOptions {
  readonly from: { readonly handle: FileHandle; readonly path: string };
  readonly to: DirectTarget;
  /** Bytes that `from` will have. */
  readonly size: number;
  /** Resolves to the number of bytes that are there from the first on, once these are more than `copied`. Rejects to stop the work. */
  readonly arrived: (copied: number) => Promise<number>;
}

/**
 * Copies a file from front to back behind those who write it, past the page cache where that goes (`openDirect`). Looks at no byte:
 * whoever finds wrong ones and mends them has to copy these again (`copyRange`) when this is done.
 *
 * Throws FILE_CHANGED (the file is shorter than was said), OUTPUT_UNWRITABLE, DISK_FULL, and what `arrived` throws.
 *
 * @example
 * await copyBehind({ from: partial, to: { handle, path: temp, shownAs: 'utopia.sqlite' }, size, arrived });
 */
export async function copyBehind(options: CopyBehindOptions): Promise<void> {
  const buffers = Array.from({ length: DIRECT_BUFFERS }, () => alignedBuffer(PIECE_BYTES)).filter(
    (buffer) => buffer !== null,
  );
  const direct = buffers.length > 0 ? await openDirect(options.to) : null;
  if (!direct) return copyInOrder(options);
  try {
    await copyDirect(options, direct, buffers);
  } finally {
    await direct.close();
  }
}

async function copyInOrder({ from, to, size, arrived }: CopyBehindOptions): Promise<void> {
  for (let copied = 0; copied < size; ) {
    const there = await arrived(copied);
    await copyRange({ from, to }, { first: copied, last: there - 1 });
    copied = there;
  }
}

async function copyDirect(
  { from, size, arrived }: CopyBehindOptions,
  direct: DirectFile,
  buffers: Buffer[],
): Promise<void> {
  const running = new Set<Promise<void>>();
  const copy = async (buffer: Buffer, at: number): Promise<void> => {
    await readWhole(from, buffer, at);
    await direct.write(buffer, at);
  };
  try {
    for (let [at, there] = [0, 0]; at < size; at += PIECE_BYTES) {
      const end = Math.min(at + PIECE_BYTES, size);
      while (there < end) there = await arrived(there);
      if (buffers.length === 0) await Promise.race(running);
      const buffer = buffers.pop() as Buffer;
      const task = copy(buffer.subarray(0, end - at), at).then(() => {
        buffers.push(buffer);
        running.delete(task);
      });
      task.catch(() => {}); // stays among those that run, so that whoever waits for them hears of it
      running.add(task);
    }
    await Promise.all(running);
  } finally {
    await Promise.allSettled(running);
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
  for (let at = first; at <= last; at += buffer.length) {
    const piece = buffer.subarray(0, last - at + 1);
    await readWhole(from, piece, at);
    await writeAt(to.handle, piece, at, to.shownAs);
  }
}

async function readWhole(from: CopyBehindOptions['from'], piece: Buffer, at: number): Promise<void> {
  for (let filled = 0; filled < piece.length; ) {
    const { bytesRead } = await from.handle.read(piece, filled, piece.length - filled, at + filled);
    if (bytesRead === 0) throw changedFile(from.path);
    filled += bytesRead;
  }
}
