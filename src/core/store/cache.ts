import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { BlockIndexBuilder, writeBlockIndex } from './blockIndex';
import { makeFolders, randomName } from './durableFile';
import { hashFile, openRegularFile } from './hashFile';
import { TEMP_NAME_PREFIX } from './objectKey';
import { isPartialName } from './partialFile';

/** 20 GiB. */
export const DEFAULT_CACHE_BYTES = 20 * 2 ** 30;
/** An unfinished file that nobody has written to for so long is from a crash. Milliseconds. */
const STALE_TEMP_MS = 24 * 3600 * 1000;
/** A download that nobody went on with for so long. Milliseconds. */
const STALE_PARTIAL_MS = 7 * STALE_TEMP_MS;
const COPY_BYTES = 1 << 20;

/**
 * A content-addressed cache of versions' bytes on this machine, one file a SHA-256, shared by every repository of a user.
 *
 * It only ever saves work: whatever goes wrong with its folder (missing, read-only, full) makes it a cache that holds
 * nothing, never an error. Several processes may use it at once. Files are read-only, and their hash was right when they
 * came in; a disk may still damage them, so whoever copies one hashes the copy and calls `remove` when it is wrong.
 */
export interface ObjectCache {
  readonly folder: string;
  /** Where the bytes would be. */
  path(sha256: string): string;
  /** Where the block index of the bytes would be, see blockIndex.ts. It comes and goes with them, but may be missing. */
  indexPath(sha256: string): string;
  /** Where the bytes are, or null. With `size`, an entry of another size is removed as damaged. Counts as a use. */
  find(sha256: string, size?: number): Promise<string | null>;
  /**
   * Reads the whole entry; false, with the entry removed, when it is damaged. False too when there is none. A missing block
   * index is made on the way.
   */
  check(sha256: string, monitor?: Monitor): Promise<boolean>;
  /** Copies a file in, if its bytes have this hash; false when they don't or the cache can't take it. */
  addFile(sourcePath: string, sha256: string, monitor?: Monitor): Promise<boolean>;
  /**
   * Moves a file in, with its block index if there is one; the caller has hashed it. It must lie in a folder of the cache. False when that failed; the
   * file is gone then too.
   */
  adopt(path: string, sha256: string, index: Uint8Array | null): Promise<boolean>;
  /** For bytes as they come in; the caller has hashed them before it calls `commit`. Null when the cache can't write. */
  openWriter(sha256: string): Promise<CacheWriter | null>;
  remove(sha256: string): Promise<void>;
  /** Deletes what was not used for longest until at most `maxBytes` are left. */
  trim(maxBytes?: number): Promise<TrimResult>;
}

export interface CacheWriter {
  /** Never throws: a writer that failed once takes no more bytes and commits nothing. */
  write(bytes: Uint8Array): Promise<void>;
  commit(): Promise<boolean>;
  abort(): Promise<void>;
}

export interface TrimResult {
  readonly removed: number;
  /** Bytes that are left; block indexes, a four-thousandth of that, don't count. */
  readonly bytes: number;
}

/**
 * Opens a cache. The folder is made when the first file comes in.
 *
 * @example
 * const cache = createCache({ folder: join(globalStorage, 'cache') });
 * const path = await cache.find(sha256);
 */
export function createCache({ folder }: { readonly folder: string }): ObjectCache {
  // Two levels keep folders small; the hash is checked, because it comes from a manifest and becomes a path.
  const path = (sha256: string) => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) {
      throw new DataManagerError('HASH_MISMATCH', `${JSON.stringify(sha256)} is not a SHA-256 in hex.`, {
        data: { expected: sha256, actual: null },
      });
    }
    return join(folder, sha256.slice(0, 2), sha256);
  };
  return {
    folder,
    path,
    indexPath: (sha256) => indexPath(path(sha256)),
    find: (sha256, size) => findEntry(path(sha256), size),
    check: (sha256, monitor) => checkEntry(path(sha256), sha256, monitor),
    addFile: (sourcePath, sha256, monitor) => addFile(sourcePath, path(sha256), sha256, monitor),
    adopt: async (file, sha256, index) => {
      try {
        return await place(file, path(sha256), index);
      } catch {
        await removeQuietly(file);
        return false;
      }
    },
    openWriter: (sha256) => openWriter(path(sha256), sha256),
    remove: (sha256) => removeEntry(path(sha256)),
    trim: (maxBytes = DEFAULT_CACHE_BYTES) => trim(folder, maxBytes),
  };
}

async function findEntry(path: string, size: number | undefined): Promise<string | null> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) return null;
    if (size !== undefined && stats.size !== size) {
      await removeEntry(path);
      return null;
    }
    // The time of the last use, which trim goes by; a read-only cache just can't note it. The time of the last change stays, in
    // whole seconds, which alone survive the way through a Date: another process may be watching it while it reads.
    await utimes(path, new Date(), Math.floor(stats.mtimeMs / 1000)).catch(() => {});
    return path;
  } catch {
    return null;
  }
}

async function checkEntry(path: string, sha256: string, monitor: Monitor = {}): Promise<boolean> {
  try {
    const indexed = await stat(indexPath(path)).catch(() => null);
    const index = indexed ? null : new BlockIndexBuilder();
    const hashed = await hashFile({ path, onPiece: (piece) => index?.add(piece), ...monitor });
    if (hashed.sha256 === sha256) {
      if (index) await writeBlockIndex(indexPath(path), index.finish(sha256));
      return true;
    }
  } catch (error) {
    throwIfCancelled(monitor.signal);
    if (DataManagerError.is(error, 'FILE_NOT_FOUND')) return false;
  }
  await removeEntry(path);
  return false;
}

async function addFile(source: string, target: string, sha256: string, monitor: Monitor = {}): Promise<boolean> {
  if (await findEntry(target, undefined)) return true;
  const temp = tempBeside(target);
  try {
    await makeFolders(dirname(target));
    const index = new BlockIndexBuilder();
    if ((await copyHashed(source, temp, index, monitor)) !== sha256) return false;
    return await place(temp, target, index.finish(sha256));
  } catch {
    throwIfCancelled(monitor.signal);
    return false;
  } finally {
    await removeQuietly(temp);
  }
}

/**
 * Copies a file and gives the SHA-256 of the copy, which is what gets used: of the clone where blocks can be shared, else of the bytes
 * on their way. In pieces, because a copy of gigabytes by the system can't be cancelled.
 */
async function copyHashed(source: string, copy: string, index: BlockIndexBuilder, monitor: Monitor): Promise<string> {
  const cloned = await copyFile(source, copy, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL).then(
    () => true,
    () => false,
  );
  if (cloned) return (await hashFile({ path: copy, onPiece: (piece) => index.add(piece), ...monitor })).sha256;
  const from = await openRegularFile(source);
  let to: FileHandle | null = null;
  try {
    to = await open(copy, 'w');
    const total = (await from.stat()).size;
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(COPY_BYTES);
    for (let done = 0; ; ) {
      throwIfCancelled(monitor.signal);
      const { bytesRead } = await from.read(buffer, 0, buffer.length, done);
      if (bytesRead === 0) return hash.digest('hex');
      const piece = buffer.subarray(0, bytesRead);
      const written = to.writeFile(piece);
      hash.update(piece);
      index.add(piece);
      await written;
      done += bytesRead;
      monitor.onProgress?.({ phase: 'hash', done: Math.min(done, total), total });
    }
  } finally {
    await to?.close();
    await from.close();
  }
}

async function openWriter(target: string, sha256: string): Promise<CacheWriter | null> {
  const temp = tempBeside(target);
  let handle: FileHandle | null;
  try {
    await makeFolders(dirname(target));
    handle = await open(temp, 'wx');
  } catch {
    return null;
  }
  const abort = async () => {
    await handle?.close().catch(() => {});
    handle = null;
    await removeQuietly(temp);
  };
  const index = new BlockIndexBuilder();
  return {
    async write(bytes) {
      try {
        await handle?.writeFile(bytes);
        if (handle) index.add(bytes);
      } catch {
        await abort();
      }
    },
    async commit() {
      if (!handle) return false;
      try {
        await handle.close();
        handle = null;
        return await place(temp, target, index.finish(sha256));
      } catch {
        await abort();
        return false;
      }
    },
    abort,
  };
}

/** Not synced to disk: after a power cut the entry may be damaged, which every use finds out. */
async function place(temp: string, target: string, index: Uint8Array | null): Promise<boolean> {
  await chmod(temp, 0o444);
  try {
    await rename(temp, target);
    if (index) await writeBlockIndex(indexPath(target), index);
    return true;
  } catch (error) {
    // Windows won't replace a file that is open; then the same bytes are there already.
    if (!['EPERM', 'EACCES', 'EBUSY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
    await removeQuietly(temp);
    return (await findEntry(target, undefined)) !== null;
  }
}

async function trim(folder: string, maxBytes: number): Promise<TrimResult> {
  const entries: { path: string; size: number; usedMs: number }[] = [];
  const indexes = new Set<string>();
  for (const group of await readdir(folder).catch(() => [])) {
    if (!/^[0-9a-f]{2}$/.test(group)) continue;
    for (const name of await readdir(join(folder, group)).catch(() => [])) {
      const path = join(folder, group, name);
      const stats = await stat(path).catch(() => null);
      if (!stats?.isFile()) continue;
      if (/^[0-9a-f]{64}$/.test(name)) entries.push({ path, size: stats.size, usedMs: stats.atimeMs });
      else if (/^[0-9a-f]{64}\.idx$/.test(name)) indexes.add(path);
      else if (isPartialName(name) && Date.now() - stats.mtimeMs > STALE_PARTIAL_MS) await removeQuietly(path);
      else if (isUnfinished(name) && Date.now() - stats.mtimeMs > STALE_TEMP_MS) await removeQuietly(path);
    }
  }
  for (const entry of entries) indexes.delete(indexPath(entry.path));
  for (const orphan of indexes) await removeQuietly(orphan);
  let bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
  let removed = 0;
  for (const entry of entries.sort((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= maxBytes) break;
    await removeEntry(entry.path);
    bytes -= entry.size;
    removed++;
  }
  return { removed, bytes };
}

function indexPath(entry: string): string {
  return `${entry}.idx`;
}

async function removeEntry(path: string): Promise<void> {
  await removeQuietly(path);
  await removeQuietly(indexPath(path));
}

/** Ours, or of a download into the cache. */
function isUnfinished(name: string): boolean {
  return name.startsWith(TEMP_NAME_PREFIX) || name.endsWith('.part');
}

function tempBeside(target: string): string {
  return join(dirname(target), `${TEMP_NAME_PREFIX}${randomName()}`);
}

/** `rm` also removes a read-only file on Windows, where `unlink` refuses. */
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}
