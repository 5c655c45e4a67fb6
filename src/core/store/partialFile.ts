import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../errors';
import { claimedName, isUnclaimed } from './claimedName';
import { makeFolders } from './durableFile';
import type { ByteRange } from './objectStore';
import { writeAt } from './writeAt';

/** A file that a download fills in any order, and that outlives the process: the next download of the same bytes goes on with it. */
export interface PartialFile {
  readonly path: string;
  readonly handle: FileHandle;
  /** What is there, as noted by an earlier download. */
  readonly there: readonly ByteRange[];
  /** Writes bytes to their place. Throws DISK_FULL, OUTPUT_UNWRITABLE. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Notes that a stretch has been written. */
  confirm(range: ByteRange): Promise<void>;
  /** Closes it and leaves it for the next download. */
  keep(): Promise<void>;
  /** Closes and removes it. */
  drop(): Promise<void>;
  /** Closes it, forgets what was noted and hands over the file, which is somebody else's from now on. */
  release(): Promise<string>;
}

/**
 * Opens the unfinished file of a cache entry, the one of an earlier download if there is one that nobody works on. The process that
 * works on it has its id in the file's name, so that it is claimed by one rename and a dead process's file is recognised.
 *
 * Null when the folder can't be written.
 *
 * @example
 * const partial = await openPartial(cache.path(sha256));
 */
export async function openPartial(entry: string): Promise<PartialFile | null> {
  const path = claimedName(`${entry}.partial`);
  try {
    await makeFolders(dirname(entry));
    const there = (await claim(entry, path)) ? await readNotes(notesOf(path)) : [];
    // A file whose notes were lost is written over, stretch by stretch.
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const { size } = await handle.stat();
    return partialFile(
      path,
      entry,
      handle,
      there.filter(({ last }) => last < size),
    );
  } catch {
    await rm(path, { force: true }).catch(() => {});
    return null;
  }
}

/**
 * True for the name of an unfinished file or its notes.
 *
 * @example
 * isPartialName('3f5a….partial.4711.0123456789ab'); // true
 */
export function isPartialName(name: string): boolean {
  return /^[0-9a-f]{64}\.partial(\.|$)/.test(name);
}

function notesOf(path: string): string {
  return `${path}.notes`;
}

async function claim(entry: string, path: string): Promise<boolean> {
  const stem = `${basename(entry)}.partial`;
  for (const name of await readdir(dirname(entry))) {
    if (name.endsWith('.notes') || !isUnclaimed(name, stem)) continue;
    const found = join(dirname(entry), name);
    try {
      await rename(found, path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') continue; // somebody else was faster
      throw error;
    }
    await rename(notesOf(found), notesOf(path)).catch(() => {});
    return true;
  }
  return false;
}

/** One line a stretch, `first-last`; a line that was torn by a crash does not count. */
async function readNotes(path: string): Promise<readonly ByteRange[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return [...text.matchAll(/^(\d{1,15})-(\d{1,15})\n/gm)].map(([, first, last]) => ({
    first: Number(first),
    last: Number(last),
  }));
}

function partialFile(path: string, entry: string, handle: FileHandle, there: readonly ByteRange[]): PartialFile {
  let notes: Promise<FileHandle> | null = null;
  const close = async () => {
    await handle.close().catch(() => {});
    await notes?.then((file) => file.close()).catch(() => {});
    notes = null;
  };
  return {
    path,
    handle,
    there,
    write: (bytes, offset) => writeAt(handle, bytes, offset, path),
    async confirm({ first, last }) {
      try {
        notes ??= open(notesOf(path), 'a');
        await (await notes).write(`${first}-${last}\n`);
      } catch {
        // Not noted: then it is fetched again, should it come to that.
      }
    },
    async keep() {
      await close();
      // A process that lives on, such as the editor, must be able to go on with it.
      await rename(notesOf(path), notesOf(`${entry}.partial`)).catch(() => {});
      await rename(path, `${entry}.partial`).catch(() => {});
    },
    async drop() {
      await close();
      await rm(path, { force: true }).catch(() => {});
      await rm(notesOf(path), { force: true }).catch(() => {});
    },
    async release() {
      await close();
      await rm(notesOf(path), { force: true }).catch(() => {});
      return path;
    },
  };
}
