import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { DataManagerError } from '../errors';
import { readError } from './fileErrors';
import { changedFile, openRegularFile } from './hashFile';
import type { ObjectSource } from './objectStore';

/** Reads an object's source once, from its first byte to its last, and hashes what it hands out. */
export interface SourceReader {
  /** Bytes in all. */
  readonly size: number;
  /** Fills `buffer` with the next bytes, fewer only at the end; resolves to the filled part. */
  read(buffer: Buffer): Promise<Buffer>;
  /** Fills `buffer` from any place, out of turn; such bytes are not hashed. */
  readAt(buffer: Buffer, offset: number): Promise<Buffer>;
  /** Throws FILE_CHANGED (HASH_MISMATCH for a buffer) unless the bytes handed out are those that `source.sha256` names. */
  checkHash(): void;
  close(): Promise<void>;
}

/**
 * Opens the source of a `put`. A file that is shorter than `source.size` now throws FILE_CHANGED at once or on `read`.
 *
 * @example
 * const reader = await openSource({ path: 'utopia.sqlite', size, sha256 });
 */
export async function openSource(source: ObjectSource): Promise<SourceReader> {
  return 'path' in source ? fileReader(source, await openRegularFile(source.path)) : bytesReader(source);
}

function fileReader(source: { path: string; size: number; sha256: string }, handle: FileHandle): SourceReader {
  const hash = createHash('sha256');
  let offset = 0;
  const readAt = async (buffer: Buffer, from: number): Promise<Buffer> => {
    const wanted = Math.min(buffer.length, source.size - from);
    let filled = 0;
    try {
      while (filled < wanted) {
        const { bytesRead } = await handle.read(buffer, filled, wanted - filled, from + filled);
        if (bytesRead === 0) throw changedFile(source.path);
        filled += bytesRead;
      }
    } catch (error) {
      throw readError(error, source.path);
    }
    return buffer.subarray(0, wanted);
  };
  return {
    size: source.size,
    async read(buffer) {
      const piece = await readAt(buffer, offset);
      offset += piece.length;
      hash.update(piece);
      return piece;
    },
    readAt,
    checkHash() {
      if (offset !== source.size || hash.digest('hex') !== source.sha256) throw changedFile(source.path);
    },
    close: () => handle.close(),
  };
}

function bytesReader(source: { bytes: Uint8Array; sha256: string }): SourceReader {
  const bytes = Buffer.from(source.bytes.buffer, source.bytes.byteOffset, source.bytes.byteLength);
  let offset = 0;
  return {
    size: bytes.length,
    async read(buffer) {
      const piece = bytes.subarray(offset, offset + buffer.length);
      offset += piece.length;
      return piece;
    },
    async readAt(buffer, from) {
      return bytes.subarray(from, from + buffer.length);
    },
    checkHash() {
      const actual = createHash('sha256').update(bytes).digest('hex');
      if (actual === source.sha256) return;
      throw new DataManagerError(
        'HASH_MISMATCH',
        `The bytes to store have the SHA-256 ${actual}, not ${source.sha256} as announced.`,
        { data: { expected: source.sha256, actual } },
      );
    },
    async close() {},
  };
}
