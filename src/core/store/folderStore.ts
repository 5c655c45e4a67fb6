import { constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { makeFolders, placeNew, randomName, removeStaleTemps, syncFolder } from './durableFile';
import { checkExisting, sourceSize } from './existingObject';
import { isDiskFull } from './fileErrors';
import { objectMissing, rangeBehindEnd } from './objectErrors';
import { checkKey, checkKeyPrefix, invalidKey, keyProblem, TEMP_NAME_PREFIX } from './objectKey';
import type { GetOptions, ObjectInfo, ObjectSource, ObjectStore, PutResult } from './objectStore';
import { openSource } from './sourceReader';
import { verifyStore } from './verifyStore';
import { windowsNameProblem } from './windowsName';

const PIECE_BYTES = 1 << 20;

/**
 * A store in a folder: every object is a plain file at its key, so the folder can be a network share, a synced folder or
 * a static website. An object appears whole or not at all, and nothing outside the folder is ever touched: a key that
 * leads through a symbolic link is refused.
 *
 * The folder must exist (`createStoreFolder`): a share that is not mounted is STORE_UNREACHABLE, not an empty store. The
 * methods throw what ObjectStore says, and `put` also DISK_FULL and what reading the source throws.
 *
 * @example
 * const store = createFolderStore({ folder: '/mnt/team/objects' });
 */
export function createFolderStore({ folder }: { readonly folder: string }): ObjectStore {
  const root = resolve(folder);
  const store: ObjectStore = {
    kind: 'folder',
    location: root,
    head: (key, options) => headObject(root, key, options),
    get: (key, options) => getObject(root, key, options),
    put: (key, source, options) => putObject(root, key, source, options),
    delete: (key, options) => deleteObject(root, key, options),
    list: (prefix, options) => listObjects(root, prefix, options),
    verify: (options) => verifyStore(store, options),
  };
  return store;
}

/**
 * Makes the folder of a folder store, with its parents; fine when it exists. Throws STORE_REFUSED, STORE_FAILED or
 * DISK_FULL.
 *
 * @example
 * await createStoreFolder('/mnt/team/objects');
 */
export async function createStoreFolder(folder: string): Promise<void> {
  const root = resolve(folder);
  try {
    await makeFolders(root);
    await checkRoot(root);
  } catch (error) {
    throw folderError(error, root);
  }
}

async function headObject(root: string, key: string, options: Monitor = {}): Promise<ObjectInfo | null> {
  throwIfCancelled(options.signal);
  checkKey(key);
  try {
    const size = await fileSize(root, key);
    if (size === null) await checkRoot(root);
    return size === null ? null : { key, size, sha256: null };
  } catch (error) {
    throw folderError(error, root, key);
  }
}

async function* getObject(root: string, key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array> {
  const { range, signal, onProgress } = options;
  throwIfCancelled(signal);
  checkKey(key);
  let handle: FileHandle | undefined;
  try {
    const size = await fileSize(root, key);
    if (size === null) {
      await checkRoot(root);
      throw objectMissing(key, root);
    }
    const first = range?.first ?? 0;
    if (range && first >= size) throw rangeBehindEnd(key, first);
    const end = Math.min(size, (range?.last ?? size - 1) + 1);
    handle = await open(pathOf(root, key), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    for (let at = first; at < end; ) {
      throwIfCancelled(signal);
      const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw rangeBehindEnd(key, at);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
      onProgress?.({ phase: 'download', done: at - first, total: end - first });
    }
  } catch (error) {
    throw folderError(error, root, key);
  } finally {
    await handle?.close();
  }
}

async function putObject(root: string, key: string, source: ObjectSource, options: Monitor = {}): Promise<PutResult> {
  throwIfCancelled(options.signal);
  checkKey(key);
  let temp: string | undefined;
  try {
    await checkRoot(root);
    const existing = await headObject(root, key);
    if (existing) return keepExisting(existing, source);
    const opened = await createTemp(root, key);
    temp = opened.path;
    await removeStaleTemps(dirname(temp), TEMP_NAME_PREFIX);
    await writeSource(opened.handle, source, options);
    if (await placeNew(temp, pathOf(root, key)))
      return { created: true, bytesSent: sourceSize(source), bytesCopied: 0, bytesResumed: 0, requests: 0 };
    const winner = await headObject(root, key);
    if (!winner) throw invalidKey(key, 'it names a folder of other objects');
    return keepExisting(winner, source);
  } catch (error) {
    throw folderError(error, root, key);
  } finally {
    if (temp) await rm(temp, { force: true });
  }
}

async function deleteObject(root: string, key: string, options: Monitor = {}): Promise<void> {
  throwIfCancelled(options.signal);
  checkKey(key);
  try {
    await checkRoot(root);
    if ((await fileSize(root, key)) === null) return;
    const path = pathOf(root, key);
    await unlink(path);
    await syncFolder(dirname(path));
    await removeEmptyParents(root, path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw folderError(error, root, key);
  }
}

async function* listObjects(root: string, prefix: string, options: Monitor = {}): AsyncGenerator<ObjectInfo> {
  checkKeyPrefix(prefix);
  try {
    await checkRoot(root);
    yield* walk(root, '', prefix, options.signal);
  } catch (error) {
    throw folderError(error, root);
  }
}

/** Depth first in the order of the keys' UTF-8 bytes, as S3 lists; a folder sorts as its name with the `/` behind it. */
async function* walk(
  root: string,
  parent: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo> {
  const entries = await readdir(join(root, parent), { withFileTypes: true }).catch((error): Dirent[] => {
    // Gone since it was listed: a delete removes folders that it empties.
    if (parent !== '' && systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const keys = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => `${parent}${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .filter((key) => key.startsWith(prefix) || (key.endsWith('/') && prefix.startsWith(key)))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const key of keys) {
    throwIfCancelled(signal);
    if (key.endsWith('/')) {
      yield* walk(root, key, prefix, signal);
    } else if (keyProblem(key) === null) {
      const size = await fileSize(root, key);
      if (size !== null) yield { key, size, sha256: null };
    }
  }
}

function pathOf(root: string, key: string): string {
  return join(root, ...key.split('/'));
}

/** Null when there is no object. Throws KEY_INVALID when the key leads through or to a symbolic link. */
async function fileSize(root: string, key: string): Promise<number | null> {
  const segments = key.split('/');
  const problem =
    process.platform === 'win32' ? segments.map(windowsNameProblem).find((found) => found !== null) : null;
  if (problem) throw invalidKey(key, problem);
  let path = root;
  for (const [index, segment] of segments.entries()) {
    path = join(path, segment);
    const stats = await lstat(path).catch((error) => {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
      throw error;
    });
    if (!stats) return null;
    if (stats.isSymbolicLink()) throw invalidKey(key, 'a part of it is a symbolic link in the store');
    if (index === segments.length - 1) return stats.isFile() ? stats.size : null;
  }
  return null;
}

/** Without this check a share that is not mounted would look like an empty store. */
async function checkRoot(root: string): Promise<void> {
  const stats = await stat(root).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw error;
  });
  if (stats?.isDirectory()) return;
  throw new DataManagerError(
    'STORE_UNREACHABLE',
    stats ? `The store ${root} is not a folder.` : `The store folder ${root} does not exist.`,
    { hint: 'If it is on a network share or an external disk, connect it first.', data: { folder: root } },
  );
}

/** A concurrent `delete` may remove the parent between the two calls, because it was empty; hence the second try. */
async function createTemp(root: string, key: string): Promise<{ path: string; handle: FileHandle }> {
  const parent = dirname(pathOf(root, key));
  const path = join(parent, `${TEMP_NAME_PREFIX}${randomName()}`);
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await makeFolders(parent);
      const handle = await open(path, 'wx');
      if (made) await syncNewFolders(made, parent);
      return { path, handle };
    } catch (error) {
      if (attempt === 5 || systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

async function syncNewFolders(topmost: string, deepest: string): Promise<void> {
  for (let path = deepest; path.length >= topmost.length; path = dirname(path)) await syncFolder(dirname(path));
}

async function writeSource(handle: FileHandle, source: ObjectSource, { signal, onProgress }: Monitor): Promise<void> {
  try {
    const reader = await openSource(source);
    try {
      const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, Math.max(reader.size, 1)));
      for (let done = 0; done < reader.size; ) {
        throwIfCancelled(signal);
        const piece = await reader.read(buffer);
        await handle.writeFile(piece);
        done += piece.length;
        onProgress?.({ phase: 'upload', done, total: reader.size });
      }
      reader.checkHash();
    } finally {
      await reader.close();
    }
    throwIfCancelled(signal);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function keepExisting(existing: ObjectInfo, source: ObjectSource): PutResult {
  checkExisting(existing, source);
  return { created: false, bytesSent: 0, bytesCopied: 0, bytesResumed: 0, requests: 0 };
}

async function removeEmptyParents(root: string, path: string): Promise<void> {
  for (let parent = dirname(path); parent.length > root.length; parent = dirname(parent)) {
    try {
      await rmdir(parent);
    } catch {
      return; // not empty, or somebody else was faster
    }
  }
}

function folderError(error: unknown, root: string, key?: string): DataManagerError {
  if (error instanceof DataManagerError) return error;
  if (isDiskFull(error)) {
    return new DataManagerError('DISK_FULL', `The disk of the store ${root} is full.`, {
      hint: 'Free some space there and try again.',
      data: { folder: root },
      cause: error,
    });
  }
  const code = systemCode(error);
  const details = { data: { folder: root, key: key ?? null, code: code ?? null }, cause: error };
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new DataManagerError('STORE_REFUSED', `The store ${root} doesn't allow this (${code}).`, {
        hint: 'Check the permissions of the folder.',
        ...details,
      });
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
      return invalidKey(key ?? '', 'a part of it is an object already');
    case 'ENAMETOOLONG':
      return invalidKey(key ?? '', 'it is too long for the disk of the store');
    case 'ENOTCONN':
    case 'EHOSTDOWN':
    case 'EHOSTUNREACH':
    case 'ESTALE':
    case 'ETIMEDOUT':
      return new DataManagerError('STORE_UNREACHABLE', `The store ${root} doesn't answer (${code}).`, {
        hint: 'Check the connection to the network share.',
        ...details,
      });
    default:
      return new DataManagerError(
        'STORE_FAILED',
        `The store ${root} failed: ${code ?? (error instanceof Error ? error.message : String(error))}.`,
        { hint: 'Check the disk that it is on.', ...details },
      );
  }
}
