import type { FileHandle } from 'node:fs/promises';
import { readFully } from './readAhead';

/** Bytes of a block that a CachedFile reads at once. */
export const cachedBlockBytes = 65_536;
const heldBlocks = 256;

/**
 * Reads a file here and there and keeps the last 16 MiB of it. A block that is held costs no promise, so that a loop over
 * many small places waits only where it has to. The buffers are used again: one is valid until the next `load`.
 */
export class CachedFile {
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #blocks = new Map<number, Buffer>();

  constructor(handle: FileHandle, size: number, path: string) {
    this.size = size;
    this.#handle = handle;
    this.#path = path;
  }

  /** The block of this number if it is at hand. */
  held(block: number): Buffer | undefined {
    return this.#blocks.get(block);
  }

  /** Reads the block of this number. Throws FILE_CHANGED or FILE_UNREADABLE. */
  async load(block: number): Promise<Buffer> {
    let buffer: Buffer | undefined;
    if (this.#blocks.size >= heldBlocks) {
      const [oldest, bytes] = this.#blocks.entries().next().value as [number, Buffer];
      this.#blocks.delete(oldest);
      buffer = Buffer.from(bytes.buffer); // the last block of the file is a shorter view
    }
    buffer ??= Buffer.allocUnsafeSlow(cachedBlockBytes);
    const bytes = await readFully(this.#handle, buffer, block * cachedBlockBytes, this.size, this.#path);
    this.#blocks.set(block, bytes);
    return bytes;
  }
}
