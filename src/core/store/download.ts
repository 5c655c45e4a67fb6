import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { chmod, copyFile, type FileHandle, open, realpath, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import type { CacheWriter, ObjectCache } from './cache';
import type { DirectTarget } from './directFile';
import { makeFolders, syncFolder } from './durableFile';
import { type FetchObjectOptions, fetchObject } from './fetchObject';
import { diskFull, writeError } from './fileErrors';
import { refuseLiveJournal } from './inputFile';
import { tooLong, wrongHash } from './objectErrors';
import type { ObjectStore } from './objectStore';
import { removeAbandoned, unfinishedPath } from './unfinishedFile';
import { writeAt } from './writeAt';

const PIECE_BYTES = 1 << 20;
/** Bytes. A shorter object is there before a second connection is. */
const IN_PARALLEL_FROM = 8 << 20;

export interface DownloadOptions extends Monitor {
  /** Called only when the cache has not got the bytes. */
  readonly openStore: () => Promise<ObjectStore>;
  readonly key: string;
  /** Of the bytes, 64 hex digits. */
  readonly sha256: string;
  /** Bytes, if known; saves a request. */
  readonly size?: number | undefined;
  /** The file to write. Missing folders above it are made. */
  readonly target: string;
  readonly cache?: ObjectCache | undefined;
  /** True when the cache's entry was made and hashed a moment ago: it is copied without hashing it once more. */
  readonly justCached?: boolean | undefined;
  /** Sees the bytes in order; a piece is valid during the call only. Not with a `cache`, which sees them itself. */
  readonly onPiece?: ((piece: Uint8Array) => void) | undefined;
  /** These three: see fetchObject. */
  readonly seed?: FetchObjectOptions['seed'];
  readonly leaves?: FetchObjectOptions['leaves'];
  readonly follow?: FetchObjectOptions['follow'];
}

export interface DownloadResult {
  /** Absolute. */
  readonly path: string;
  /** Bytes that came from the store. */
  readonly bytesReceived: number;
  /** Bytes that an earlier, interrupted download had brought. */
  readonly bytesResumed: number;
  /** Bytes that another version on this machine gave. */
  readonly bytesSeeded: number;
  readonly requests: number;
  readonly from: 'cache' | 'ranges' | 'full';
}

/**
 * Brings an object's bytes into a file: from the cache if it has them, else from the store, filling the cache on the way.
 *
 * The file appears only when its SHA-256 is right; until then a previous file stays exactly as it was, and after a failure
 * nothing is left behind. A damaged cache entry is dropped, not used. A target that is a symbolic link is followed.
 * Progress comes in bytes as phase `download`.
 *
 * Throws HASH_MISMATCH (`data`: expected, actual), OUTPUT_UNWRITABLE, DISK_FULL, FILE_HAS_JOURNAL (SQLite would mix the
 * new file with a journal beside it), CANCELLED, and what `openStore` and `ObjectStore.get` throw.
 *
 * @example
 * await downloadObject({ openStore, key: version.key, sha256: version.sha256, target: 'utopia.sqlite', cache, signal });
 */
export async function downloadObject(options: DownloadOptions): Promise<DownloadResult> {
  throwIfCancelled(options.signal);
  const path = resolve(options.target);
  const target = await realpath(path).catch(() => path);
  const previous = await inspectTarget(target);
  await refuseLiveJournal(target);
  const madeFolder = await makeParent(target);
  await removeAbandoned(target);
  const temp = unfinishedPath(target);
  try {
    const cached = (await options.cache?.find(options.sha256, options.size)) ?? null;
    const result = await fill(cached, temp, target, options);
    await replace(temp, target, previous);
    return { path: target, ...result };
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {});
    if (madeFolder) await removeEmptyFolders(dirname(target), madeFolder);
    throw error;
  }
}

async function fill(
  cached: string | null,
  temp: string,
  target: string,
  options: DownloadOptions,
): Promise<Omit<DownloadResult, 'path'>> {
  const cloned = cached !== null && (await tryClone(cached, temp));
  const handle = await openTemp(temp, target, cloned);
  try {
    if (cached !== null) {
      if (await fillFromCache(cached, handle, cloned, target, options)) return { ...NOTHING, from: 'cache' };
      await options.cache?.remove(options.sha256);
      await handle.truncate(0);
    }
    const received = await receive({ handle, path: temp, shownAs: target }, options);
    return { ...received, from: received.bytesSeeded > 0 ? 'ranges' : 'full' };
  } finally {
    await handle.close();
  }
}

/** Shares the blocks of the cache entry, where the file system can do that. */
async function tryClone(entry: string, temp: string): Promise<boolean> {
  try {
    await copyFile(entry, temp, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    // The clone is read-only, as the entry is.
    await chmod(temp, 0o666 & ~process.umask());
    return true;
  } catch {
    await rm(temp, { force: true }).catch(() => {});
    return false;
  }
}

/** False when the entry is damaged or can't be read. What gets hashed is what the target will hold. */
async function fillFromCache(
  entry: string,
  handle: FileHandle,
  cloned: boolean,
  target: string,
  { sha256, size, justCached, signal, onProgress }: DownloadOptions,
): Promise<boolean> {
  const source = cloned ? handle : await open(entry, 'r').catch(() => null);
  if (!source) return false;
  try {
    const total = (await source.stat()).size;
    if (justCached && total !== size) return false;
    const sink = new HashingSink(cloned ? null : handle, target, null, !justCached);
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
    while (sink.bytes < total) {
      throwIfCancelled(signal);
      const { bytesRead } = await source.read(buffer, 0, buffer.length, sink.bytes);
      if (bytesRead === 0) return false;
      await sink.write(buffer.subarray(0, bytesRead));
      onProgress?.({ phase: 'download', done: Math.min(sink.bytes, total), total });
    }
    if (!justCached && sink.digest() !== sha256) return false;
    await sync(handle, target);
    return true;
  } catch (error) {
    if (DataManagerError.is(error)) throw error;
    return false;
  } finally {
    if (source !== handle) await source.close();
  }
}

/**
 * True when an object is long enough for several connections; a folder is read in one go, and so is a web server that does not offer
 * parts, which is asked first.
 *
 * Throws what `ObjectStore.head` throws.
 *
 * @example
 * if (await isWorthParallel(store, { key, size, signal })) await fetchObject({ store, key, sha256, size, cache });
 */
export async function isWorthParallel(
  store: ObjectStore,
  { key, size, signal }: Pick<Monitor, 'signal'> & { readonly key: string; readonly size: number },
): Promise<boolean> {
  if (store.kind === 'folder' || size <= IN_PARALLEL_FROM) return false;
  return store.kind === 's3' || (await store.head(key, { signal }))?.inParts === true;
}

const NOTHING = { bytesReceived: 0, bytesResumed: 0, bytesSeeded: 0, requests: 0 } as const;

interface Received {
  readonly bytesReceived: number;
  readonly bytesResumed: number;
  readonly bytesSeeded: number;
  readonly requests: number;
}

async function receive(to: DirectTarget, options: DownloadOptions): Promise<Received> {
  const { handle, shownAs: target } = to;
  const { openStore, key, sha256, cache, seed, leaves, follow, signal, onProgress } = options;
  const store = await openStore();
  const total = options.size ?? (await store.head(key, { signal }))?.size ?? null;
  if (total !== null) await checkFreeSpace(target, total);
  if (cache && total !== null && (await isWorthParallel(store, { key, size: total, signal }))) {
    await handle.truncate(0);
    const how = { copy: to, seed, leaves, follow, signal, onProgress };
    const fetched = await fetchObject({ store, key, sha256, size: total, cache, ...how });
    if (fetched) {
      await sync(handle, target);
      await fetched.commit();
      return fetched;
    }
  }
  return receiveInOrder(store, total, handle, target, options);
}

async function receiveInOrder(
  store: ObjectStore,
  total: number | null,
  handle: FileHandle,
  target: string,
  { key, sha256, cache, onPiece, signal, onProgress }: DownloadOptions,
): Promise<Received> {
  const copy = (await cache?.openWriter(sha256)) ?? null;
  let kept = false;
  try {
    const sink = new HashingSink(handle, target, copy);
    for await (const piece of inLargePieces(store.get(key, { signal }))) {
      await sink.write(piece);
      // Bytes without end would fill the disk before the hash could say that they are wrong.
      if (total !== null && sink.bytes > total) throw tooLong(key, total);
      onPiece?.(piece);
      onProgress?.({ phase: 'download', done: Math.min(sink.bytes, total ?? sink.bytes), total });
    }
    const actual = sink.digest();
    if (actual !== sha256) throw wrongHash(key, sha256, actual);
    await sync(handle, target);
    await copy?.commit();
    kept = true;
    return { ...NOTHING, bytesReceived: sink.bytes, requests: 1 };
  } finally {
    if (!kept) await copy?.abort();
  }
}

/** Hashes what it writes, unless told not to; without a handle it only hashes. */
class HashingSink {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(
    private readonly handle: FileHandle | null,
    private readonly target: string,
    private readonly copy: CacheWriter | null,
    private readonly hashes = true,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  async write(piece: Uint8Array): Promise<void> {
    if (this.hashes) this.#hash.update(piece);
    const writing = this.handle && writeAt(this.handle, piece, this.#bytes, this.target);
    await Promise.all([writing, this.copy?.write(piece)]);
    this.#bytes += piece.length;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** A connection delivers some 64 KiB at a time; a write for each would cost more than this copy. */
async function* inLargePieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let filled = 0;
  for await (const piece of pieces) {
    if (filled + piece.length > buffer.length && filled > 0) {
      yield buffer.subarray(0, filled);
      filled = 0;
    }
    if (piece.length > buffer.length) {
      yield piece;
    } else {
      buffer.set(piece, filled);
      filled += piece.length;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

async function sync(handle: FileHandle, target: string): Promise<void> {
  await handle.sync().catch((error) => {
    throw writeError(error, target);
  });
}

async function replace(temp: string, target: string, previous: Stats | null): Promise<void> {
  // A journal may have come while the bytes did; the new file must not meet it.
  await refuseLiveJournal(target);
  try {
    if (previous) await chmod(temp, previous.mode & 0o777);
    await rename(temp, target);
    await syncFolder(dirname(target));
  } catch (error) {
    throw writeError(error, target);
  }
}

async function inspectTarget(target: string): Promise<Stats | null> {
  const stats = await stat(target).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw writeError(error, target);
  });
  if (!stats || stats.isFile()) return stats;
  throw new DataManagerError(
    'OUTPUT_UNWRITABLE',
    `${target} can't be written: it is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}.`,
    { hint: 'Name a file.', data: { path: target, code: 'EISDIR' } },
  );
}

/** The topmost folder that was missing, if one was. */
async function makeParent(target: string): Promise<string | undefined> {
  try {
    return await makeFolders(dirname(target));
  } catch (error) {
    throw writeError(error, target);
  }
}

async function openTemp(temp: string, target: string, exists: boolean): Promise<FileHandle> {
  try {
    return await open(temp, exists ? 'r+' : 'wx+');
  } catch (error) {
    throw writeError(error, target);
  }
}

/** Says at once what would otherwise come out after an hour. Some network disks report 0 blocks in all: no statement. */
async function checkFreeSpace(target: string, bytes: number): Promise<void> {
  const disk = await statfs(dirname(target)).catch(() => null);
  if (disk && disk.blocks > 0 && disk.bavail * disk.bsize < bytes) throw diskFull(target);
}

async function removeEmptyFolders(deepest: string, topmost: string): Promise<void> {
  for (let folder = deepest; folder.length >= topmost.length; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}
