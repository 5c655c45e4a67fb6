import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DataManagerError, systemCode } from '../errors';
import type { FileContents } from './sqlJs';

const BLOCK_BYTES = 64 * 1024;
const CACHED_BLOCKS = 256;

export interface LazyFileHooks {
  /** Called before each read of a block with the bytes read so far from this file; may throw to stop the query. */
  readonly onRead?: ((bytesRead: number) => void) | undefined;
}

/**
 * A read-only file that sql.js reads in blocks instead of holding it in memory.
 *
 * sql.js has no API for this. It relies on what its in-memory file system (Emscripten's MEMFS) does with the contents that
 * `new Database(contents)` gets: the first write keeps `contents.slice()`, and reads call only `contents.subarray()`.
 * Writes call `set`, which is missing here, so they fail. `assertLazyFilesWork` proves it at start-up.
 */
export class LazyFile implements FileContents {
  readonly length: number;
  private readonly descriptor: number;
  private readonly modified: number;
  private readonly blocks = new Map<number, Uint8Array>();
  private bytesRead = 0;

  /**
   * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR or FILE_UNREADABLE.
   *
   * @example
   * const file = new LazyFile('utopia.sqlite');
   */
  constructor(
    readonly path: string,
    private readonly hooks: LazyFileHooks = {},
  ) {
    this.descriptor = openForReading(path);
    const stat = fstatSync(this.descriptor);
    if (!stat.isFile()) {
      closeSync(this.descriptor);
      throw new DataManagerError('FILE_NOT_REGULAR', `${path} is not a file.`, { data: { path } });
    }
    this.length = stat.size;
    this.modified = stat.mtimeMs;
  }

  slice(): this {
    return this;
  }

  /** True once a read has thrown: SQLite was left in the middle of something and can't be asked to close a database any more. */
  interrupted = false;

  subarray(start: number, end: number): Uint8Array {
    this.interrupted = true;
    const bytes = this.read(start, end);
    this.interrupted = false;
    return bytes;
  }

  private read(start: number, end: number): Uint8Array {
    const first = Math.floor(start / BLOCK_BYTES);
    const offset = start - first * BLOCK_BYTES;
    const length = end - start;
    if (offset + length <= BLOCK_BYTES) return this.block(first).subarray(offset, offset + length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = start + done;
      const index = Math.floor(at / BLOCK_BYTES);
      const inBlock = at - index * BLOCK_BYTES;
      const piece = this.block(index).subarray(inBlock, inBlock + length - done);
      if (piece.length === 0) throw this.changed();
      bytes.set(piece, done);
      done += piece.length;
    }
    return bytes;
  }

  /** Throws FILE_CHANGED when somebody wrote to the file since it was opened: what was read would be a mixture. */
  assertUnchanged(): void {
    const stat = fstatSync(this.descriptor);
    if (stat.size !== this.length || stat.mtimeMs !== this.modified) throw this.changed();
  }

  close(): void {
    this.blocks.clear();
    closeSync(this.descriptor);
  }

  private block(index: number): Uint8Array {
    const cached = this.blocks.get(index);
    if (cached) {
      // A Map keeps insertion order: taking an entry out and back in makes it the youngest.
      this.blocks.delete(index);
      this.blocks.set(index, cached);
      return cached;
    }
    this.hooks.onRead?.(this.bytesRead);
    const start = index * BLOCK_BYTES;
    const bytes = this.recycledBlock(Math.min(BLOCK_BYTES, this.length - start));
    for (let done = 0; done < bytes.length; ) {
      let count: number;
      try {
        count = readSync(this.descriptor, bytes, done, bytes.length - done, start + done);
      } catch (cause) {
        throw new DataManagerError('FILE_UNREADABLE', `${this.path} could not be read.`, {
          data: { path: this.path },
          cause,
        });
      }
      if (count === 0) throw this.changed();
      done += count;
    }
    this.bytesRead += bytes.length;
    this.blocks.set(index, bytes);
    return bytes;
  }

  /** Takes the oldest block's memory when the cache is full; SQLite has copied out of it by now. */
  private recycledBlock(length: number): Uint8Array {
    if (this.blocks.size >= CACHED_BLOCKS) {
      for (const [oldest, bytes] of this.blocks) {
        this.blocks.delete(oldest);
        if (bytes.length === length) return bytes;
        break;
      }
    }
    return new Uint8Array(length);
  }

  private changed(): DataManagerError {
    return new DataManagerError('FILE_CHANGED', `${this.path} was changed while it was being read.`, {
      hint: 'Close the program that writes to it, then try again.',
      data: { path: this.path },
    });
  }
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') {
      throw new DataManagerError('FILE_NOT_FOUND', `${path} does not exist.`, { data: { path }, cause });
    }
    throw new DataManagerError('FILE_UNREADABLE', `${path} could not be opened.`, {
      hint: 'Check its permissions.',
      data: { path },
      cause,
    });
  }
}
