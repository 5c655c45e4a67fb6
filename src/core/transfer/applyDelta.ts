import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { writeError } from '../store/fileErrors';
import { openRegularFile } from '../store/hashFile';
import { CachedFile, cachedBlockBytes } from './cachedFile';
import { type Contents, type DeltaOperation, invalidDelta } from './deltaFormat';
import { type DeltaSource, readDeltaHeader, readDeltaOperations } from './deltaReader';
import { readFully } from './readAhead';

export interface ApplyDeltaOptions extends Monitor {
  /** The old file, and what it is known to hold. Only its size is checked: the SHA-256 of the result tells the rest. */
  readonly base: Contents & { readonly path: string };
  /** A file, or bytes. */
  readonly delta: { readonly path: string } | { readonly bytes: Uint8Array };
  /** What the result has to be, from the manifest. */
  readonly target: Contents;
  /** An empty file, opened for writing by the caller, who also closes, syncs and removes it. */
  readonly output: FileHandle;
  /** For the words of an error. */
  readonly outputPath: string;
  /** Told of bytes, in order and before `onPiece` sees them, that are those of the base as they are. */
  readonly onCopy?:
    | ((copy: { readonly offset: number; readonly at: number; readonly length: number }) => void)
    | undefined;
  /** Sees the bytes of the result in order; a piece is valid during the call only. */
  readonly onPiece?: ((piece: Uint8Array) => void) | undefined;
}

const bufferBytes = 1 << 20;

/**
 * Makes the new file out of the old one and a delta, front to back, in a few MiB of memory whatever the sizes.
 *
 * The result is what `target` says when this returns: its SHA-256 was computed from the bytes handed to the file system. After
 * an error, what is in `output` is of no use.
 *
 * Progress comes as phase `hash`, in bytes of the target. Throws DELTA_INVALID (damaged, hostile, or not between these two
 * versions), HASH_MISMATCH (the base holds other bytes than its SHA-256 says), FILE_NOT_FOUND, FILE_NOT_REGULAR,
 * FILE_UNREADABLE, FILE_CHANGED, OUTPUT_UNWRITABLE, DISK_FULL or CANCELLED.
 *
 * @example
 * await applyDelta({ base: { path: cached, size, sha256 }, delta: { path }, target: { size, sha256 }, output, outputPath });
 */
export async function applyDelta(options: ApplyDeltaOptions): Promise<void> {
  const { base, target, signal } = options;
  throwIfCancelled(signal);
  const opened: FileHandle[] = [];
  const openFile = async (path: string) => {
    const handle = await openRegularFile(path);
    opened.push(handle);
    return { handle, path, size: (await handle.stat()).size };
  };
  try {
    const source: DeltaSource = 'bytes' in options.delta ? options.delta : await openFile(options.delta.path);
    const header = await readDeltaHeader(source, signal);
    if (!sameContents(header.base, base)) throw invalidDelta('it starts from another version than the one at hand');
    if (!sameContents(header.target, target)) throw invalidDelta('it leads to another version than the one asked for');
    const old = await openFile(base.path);
    if (old.size !== base.size) throw wrongBase(base.path, target.sha256, null);

    const builder = new TargetBuilder(old, options);
    try {
      for await (const operations of readDeltaOperations(source, header, signal)) {
        for (const operation of operations) await builder.add(operation);
      }
    } finally {
      await builder.settle();
    }
    const actual = await builder.finish();
    if (actual !== target.sha256) throw wrongBase(base.path, target.sha256, actual);
  } finally {
    for (const handle of opened) await handle.close();
  }
}

/** Fills one buffer while the other is on its way to the file. */
class TargetBuilder {
  readonly #old: { readonly handle: FileHandle; readonly path: string; readonly size: number };
  readonly #cached: CachedFile;
  readonly #options: ApplyDeltaOptions;
  readonly #hash = createHash('sha256');
  #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #spare = Buffer.allocUnsafeSlow(bufferBytes);
  #used = 0;
  #written = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    old: { readonly handle: FileHandle; readonly path: string; readonly size: number },
    options: ApplyDeltaOptions,
  ) {
    this.#old = old;
    this.#cached = new CachedFile(old.handle, old.size, old.path);
    this.#options = options;
  }

  async add(operation: DeltaOperation): Promise<void> {
    if (operation.kind === 'copy') {
      const { baseOffset, length } = operation;
      this.#options.onCopy?.({ offset: baseOffset, at: this.#written + this.#used, length });
    }
    for (let done = 0; done < operation.length; ) {
      if (this.#used === bufferBytes) await this.#flush();
      const length = Math.min(operation.length - done, bufferBytes - this.#used);
      if (operation.kind === 'insert') operation.payload.copy(this.#buffer, this.#used, done, done + length);
      else {
        await this.#readBase(operation.baseOffset + done, length);
        if (operation.kind === 'xor') xorInto(this.#buffer, this.#used, operation.payload, done, length);
      }
      this.#used += length;
      done += length;
    }
  }

  /** The SHA-256 of all bytes, which are with the file system then. */
  async finish(): Promise<string> {
    await this.#flush();
    await this.#writing;
    return this.#hash.digest('hex');
  }

  /** Waits for the write under way, however it ends; `finish` tells of a failure. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  async #readBase(offset: number, length: number): Promise<void> {
    if (length >= cachedBlockBytes) {
      const { handle, size, path } = this.#old;
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

  async #flush(): Promise<void> {
    const { signal, onProgress, target } = this.#options;
    throwIfCancelled(signal);
    await this.#writing;
    const full = this.#buffer.subarray(0, this.#used);
    this.#writing = this.#write(full, this.#written);
    this.#writing.catch(() => undefined); // the next flush tells
    this.#hash.update(full);
    this.#options.onPiece?.(full);
    this.#written += full.length;
    onProgress?.({ phase: 'hash', done: this.#written, total: target.size });
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#used = 0;
  }

  async #write(bytes: Buffer, at: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#options.output.write(bytes, done, bytes.length - done, at + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw writeError(error, this.#options.outputPath);
    }
  }
}

function xorInto(bytes: Buffer, at: number, payload: Buffer, from: number, length: number): void {
  for (let i = 0; i < length; i++) bytes[at + i] = (bytes[at + i] as number) ^ (payload[from + i] as number);
}

function sameContents(a: Contents, b: Contents): boolean {
  return a.size === b.size && a.sha256 === b.sha256;
}

function wrongBase(path: string, expected: string, actual: string | null): DataManagerError {
  return new DataManagerError('HASH_MISMATCH', `${path} does not hold the bytes that the delta starts from.`, {
    hint: 'Fetch the version whole instead.',
    data: { path, expected, actual },
  });
}
