import { open, rm } from 'node:fs/promises';
import { renameWithPatience } from './workTreeFiles';

/**
 * Writes a file so that it, or what was there before, is at `file` after a power failure: draft, fsync, rename. Its name is there for sure after `syncToDisk` of the folder.
 * `draft` must be on the same disk and not exist.
 */
export async function writeSynced(file: string, draft: string, bytes: Uint8Array, mode: number): Promise<void> {
  try {
    await writeNew(draft, bytes, mode);
    await renameWithPatience(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Makes a file that must not exist, and brings it to the disk. */
export async function writeNew(file: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Brings the names in a folder, or a file that somebody else wrote, to the disk. Windows can't, and journals names by itself. */
export async function syncToDisk(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
