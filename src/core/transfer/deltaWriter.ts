import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { type BrotliCompress, constants, createBrotliCompress } from 'node:zlib';
import { writeError } from '../store/fileErrors';
import { type DeltaHeader, deltaHeaderBytes, encodeDeltaHeader } from './deltaFormat';

/**
 * Measured on deltas of databases of 200 MB and 1 GB (bench/delta.mjs): 7 to 29 % smaller than gzip at level 6 in 1.5 to 2 times
 * its processor time; quality 4 costs 5 to 20 % more bytes, 6 saves 1 % for a quarter to twice more time, and 24 bits of window
 * nothing.
 */
const quality = 5;
const windowBits = 22;

/** Thrown by a DeltaWriter when the file would pass its limit. */
export class DeltaTooLarge extends Error {}

/** Packs frames into a delta file while they are made. Its memory is what Brotli needs for its window. */
export class DeltaWriter {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #limit: number;
  readonly #brotli: BrotliCompress;
  readonly #written: Promise<void>;
  readonly #hash = createHash('sha256');
  #bodySize = 0;
  #failed = false;

  /** `limit` is in bytes of the whole file. The handle stays the caller's, who writes nothing to it meanwhile. */
  constructor(handle: FileHandle, path: string, limit: number) {
    this.#handle = handle;
    this.#path = path;
    this.#limit = limit;
    this.#brotli = createBrotliCompress({
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: windowBits },
      chunkSize: 65536,
    });
    this.#written = this.#writePacked();
    this.#written.catch(() => {
      this.#failed = true;
    });
  }

  /** Hands frames to the compressor, as fast as that takes them. Throws DeltaTooLarge, DISK_FULL or OUTPUT_UNWRITABLE. */
  async write(frames: readonly Buffer[]): Promise<void> {
    for (const frame of frames) {
      if (this.#failed) return this.#written;
      if (this.#brotli.write(frame)) continue;
      const stop = new AbortController();
      try {
        // The writing side ends before its time only by failing, and no 'drain' comes then.
        await Promise.race([once(this.#brotli, 'drain', { signal: stop.signal }), this.#written]);
      } finally {
        stop.abort();
      }
    }
  }

  /** Ends the file; resolves to its size in bytes. Throws as `write` does. */
  async finish(about: Omit<DeltaHeader, 'body'>): Promise<number> {
    this.#brotli.end();
    await this.#written;
    const body = { size: this.#bodySize, sha256: this.#hash.digest('hex') };
    await this.#writeAll(encodeDeltaHeader({ ...about, body }), 0);
    return deltaHeaderBytes + body.size;
  }

  /** Stops the compressor. To be called when `finish` will not be. */
  async abandon(): Promise<void> {
    this.#brotli.destroy();
    await this.#written.catch(() => undefined);
  }

  async #writePacked(): Promise<void> {
    for await (const piece of this.#brotli as AsyncIterable<Buffer>) {
      const at = deltaHeaderBytes + this.#bodySize;
      if (at + piece.length > this.#limit) throw new DeltaTooLarge();
      this.#hash.update(piece);
      await this.#writeAll(piece, at);
      this.#bodySize += piece.length;
    }
  }

  async #writeAll(bytes: Buffer, at: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
      }
    } catch (error) {
      throw writeError(error, this.#path);
    }
  }
}
