import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { writeError } from '../store/fileErrors';
import { CachedFile, cachedBlockBytes } from './cachedFile';
import type { OpenedFile } from './comparePlaces';
import type { DeltaOperation } from './deltaFormat';
import { readFully } from './readAhead';

const bufferBytes = 1 << 20;
/** Bytes. Writing on over a few equal bytes costs less than another call. */
const joinGap = 4096;

export interface TargetBuilderOptions extends Monitor {
  readonly base: OpenedFile;
  /** Open for reading and writing: empty, or a clone of the base whose equal parts need no writing. */
  readonly output: FileHandle;
  readonly outputPath: string;
  readonly cloned: boolean;
  /** Bytes. */
  readonly targetSize: number;
  /** Told of bytes, in order and before `onPiece` sees them, that are those of the base as they are. */
  readonly onCopy?:
    | ((copy: { readonly offset: number; readonly at: number; readonly length: number }) => void)
    | undefined;
  /** Sees the bytes of the result in order; a piece is valid during the call only. */
  readonly onPiece?: ((piece: Uint8Array) => void) | undefined;
}

/** Carries out the operations of a delta: fills one buffer while the other is on its way to the file. */
export class TargetBuilder {
  readonly #options: TargetBuilderOptions;
  readonly #cached: CachedFile;
  readonly #hash = createHash('sha256');
  #buffer: Buffer;
  #spare: Buffer;
  #used = 0;
  /** What of the buffer is not in the file yet, in order. */
  #fresh: { readonly first: number; readonly end: number }[] = [];
  #done = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: TargetBuilderOptions) {
    this.#options = options;
    const bytes = Math.max(1, Math.min(bufferBytes, options.targetSize));
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
    this.#spare = Buffer.allocUnsafeSlow(bytes);
    this.#cached = new CachedFile(options.base.handle, options.base.size, options.base.path);
  }

  /** Throws FILE_CHANGED, FILE_UNREADABLE, OUTPUT_UNWRITABLE, DISK_FULL or CANCELLED. */
  async add(operation: DeltaOperation): Promise<void> {
    if (operation.kind === 'copy') {
      const { baseOffset, length } = operation;
      this.#options.onCopy?.({ offset: baseOffset, at: this.#done + this.#used, length });
    }
    for (let done = 0; done < operation.length; ) {
      if (this.#used === this.#buffer.length) await this.#flush();
      const length = Math.min(operation.length - done, this.#buffer.length - this.#used);
      if (operation.kind === 'insert') operation.payload.copy(this.#buffer, this.#used, done, done + length);
      else if (operation.kind === 'copy' && (await this.#keep(operation.baseOffset + done, length))) {
        this.#used += length;
        done += length;
        continue;
      } else {
        await this.#readBase(operation.baseOffset + done, length);
        if (operation.kind === 'xor') xorInto(this.#buffer, this.#used, operation.payload, done, length);
      }
      this.#markFresh(this.#used, this.#used + length);
      this.#used += length;
      done += length;
    }
  }

  /** The SHA-256 in hex of all that the file holds. Throws as `add` does. */
  async finish(): Promise<string> {
    await this.#flush();
    await this.#writing;
    const { cloned, output, outputPath, targetSize } = this.#options;
    if (cloned) await output.truncate(targetSize).catch((error) => Promise.reject(writeError(error, outputPath)));
    return this.#hash.digest('hex');
  }

  /** Waits for the write under way, however it ends: the file can be closed then. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  /** Reads what the clone has in place already: what gets hashed is what the file holds, not what the base does now. */
  async #keep(baseOffset: number, length: number): Promise<boolean> {
    const { cloned, output, outputPath, base } = this.#options;
    if (!cloned || length < cachedBlockBytes || baseOffset !== this.#done + this.#used) return false;
    await readFully(output, this.#buffer.subarray(this.#used, this.#used + length), baseOffset, base.size, outputPath);
    return true;
  }

  async #readBase(offset: number, length: number): Promise<void> {
    const { handle, size, path } = this.#options.base;
    if (length >= cachedBlockBytes) {
      await readFully(handle, this.#buffer.subarray(this.#used, this.#used + length), offset, size, path);
      return;
    }
    for (let done = 0; done < length; ) {
      const block = Math.floor((offset + done) / cachedBlockBytes);
      const bytes = this.#cached.held(block) ?? (await this.#cached.load(block));
      const from = offset + done - block * cachedBlockBytes;
      done += bytes.copy(this.#buffer, this.#used + done, from, from + length - done);
    }
  }

  #markFresh(first: number, end: number): void {
    const last = this.#fresh.at(-1);
    if (last && first - last.end <= joinGap) this.#fresh[this.#fresh.length - 1] = { first: last.first, end };
    else this.#fresh.push({ first, end });
  }

  async #flush(): Promise<void> {
    const { signal, onProgress, targetSize } = this.#options;
    throwIfCancelled(signal);
    await this.#writing;
    const full = this.#buffer.subarray(0, this.#used);
    this.#writing = this.#write(full, this.#fresh, this.#done);
    this.#writing.catch(() => undefined); // the next flush tells
    this.#hash.update(full);
    this.#options.onPiece?.(full);
    this.#done += full.length;
    onProgress?.({ phase: 'hash', done: this.#done, total: targetSize });
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#used = 0;
    this.#fresh = [];
  }

  async #write(bytes: Buffer, ranges: readonly { first: number; end: number }[], at: number): Promise<void> {
    const { output, outputPath } = this.#options;
    try {
      for (const { first, end } of ranges) {
        for (let done = first; done < end; ) {
          done += (await output.write(bytes, done, end - done, at + done)).bytesWritten;
        }
      }
    } catch (error) {
      throw writeError(error, outputPath);
    }
  }
}

function xorInto(bytes: Buffer, at: number, payload: Buffer, from: number, length: number): void {
  for (let i = 0; i < length; i++) bytes[at + i] = (bytes[at + i] as number) ^ (payload[from + i] as number);
}
