import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { readError } from './fileErrors';

/** What tells whether a file was touched, as plain JSON. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970, with the fraction that the file system keeps. */
  readonly mtimeMs: number;
  readonly ino: number;
}

export interface HashedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hex digits, lower case. */
  readonly sha256: string;
  readonly stamp: FileStamp;
}

export interface HashFileOptions extends Monitor {
  readonly path: string;
  /** Sees all bytes in order; a piece is valid during the call only. */
  readonly onPiece?: ((piece: Uint8Array) => void) | undefined;
}

const READ_BYTES = 1 << 20;

/**
 * SHA-256 and size of a file, in one pass, with the promise that the file stayed the same while it was read.
 *
 * Progress comes in bytes, as phase `hash`. A symbolic link is followed.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR (a folder, a device, a pipe), FILE_EMPTY, FILE_UNREADABLE, FILE_CHANGED or
 * CANCELLED.
 *
 * @example
 * const { sha256, size } = await hashFile({ path: 'utopia.sqlite', signal });
 */
export async function hashFile({ path, onPiece, signal, onProgress }: HashFileOptions): Promise<HashedFile> {
  throwIfCancelled(signal);
  const handle = await openRegularFile(path);
  try {
    const before = await handle.stat({ bigint: true });
    const size = Number(before.size);
    if (size === 0) throw emptyFile(path);
    const sha256 = await hashBytes(handle, size, { onPiece, signal, onProgress });
    const after = await stat(path, { bigint: true }).catch(() => null);
    if (sha256 === null || after === null || !sameStats(before, after)) throw changedFile(path);
    return { path, size, sha256, stamp: stampOf(before) };
  } catch (error) {
    throw readError(error, path);
  } finally {
    await handle.close();
  }
}

/**
 * Opens a regular file for reading. Never hangs on a pipe and never touches a device.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR or FILE_UNREADABLE.
 *
 * @example
 * const handle = await openRegularFile('utopia.sqlite');
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  let handle: FileHandle | undefined;
  try {
    if (!(await stat(path)).isFile()) throw notRegular(path);
    // O_NONBLOCK, in case the path became a pipe just now; Windows has neither the flag nor the problem.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!(await handle.stat()).isFile()) throw notRegular(path);
    return handle;
  } catch (error) {
    await handle?.close();
    throw readError(error, path);
  }
}

/**
 * The stamp of a file as it is now. Throws FILE_NOT_FOUND or FILE_UNREADABLE.
 *
 * @example
 * const untouched = sameStamp(hashed.stamp, await stampFile(hashed.path));
 */
export async function stampFile(path: string): Promise<FileStamp> {
  try {
    return stampOf(await stat(path, { bigint: true }));
  } catch (error) {
    throw readError(error, path);
  }
}

/**
 * True when nothing tells two stamps apart.
 *
 * @example
 * if (!sameStamp(a, b)) hashAgain();
 */
export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}

/**
 * The FILE_CHANGED error.
 *
 * @example
 * throw changedFile('utopia.sqlite');
 */
export function changedFile(path: string): DataManagerError {
  return new DataManagerError('FILE_CHANGED', `${path} changed while it was being read.`, {
    hint: 'Wait until nothing writes to it, or work on a copy, and try again.',
    data: { path },
  });
}

/** Null when the file ended before `size`. Reads the next piece while the last one is hashed. */
async function hashBytes(
  handle: FileHandle,
  size: number,
  { onPiece, signal, onProgress }: Omit<HashFileOptions, 'path'>,
): Promise<string | null> {
  const hash = createHash('sha256');
  let current = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, size));
  let spare = Buffer.allocUnsafeSlow(current.length);
  let pending = handle.read(current, 0, current.length, 0);
  let done = 0;
  while (done < size) {
    const { bytesRead } = await pending;
    if (bytesRead === 0) return null;
    const length = Math.min(bytesRead, size - done);
    done += length;
    if (done < size) {
      throwIfCancelled(signal);
      pending = handle.read(spare, 0, spare.length, done);
      // A throw below would leave this read without a listener.
      pending.catch(() => {});
    }
    const piece = current.subarray(0, length);
    hash.update(piece);
    onPiece?.(piece);
    onProgress?.({ phase: 'hash', done, total: size });
    [current, spare] = [spare, current];
  }
  return hash.digest('hex');
}

function sameStats(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;
}

function stampOf(stats: BigIntStats): FileStamp {
  return { size: Number(stats.size), mtimeMs: Number(stats.mtimeNs) / 1e6, ino: Number(stats.ino) };
}

function emptyFile(path: string): DataManagerError {
  return new DataManagerError('FILE_EMPTY', `${path} is empty (0 bytes).`, {
    hint: 'There is nothing to version yet: write some data first.',
    data: { path },
  });
}

function notRegular(path: string): DataManagerError {
  return new DataManagerError('FILE_NOT_REGULAR', `${path} is not a regular file.`, {
    hint: 'Name one data file, not a folder, a device or a pipe.',
    data: { path },
  });
}
