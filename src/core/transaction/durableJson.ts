import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../errors';
import { makeFolders, randomName, syncFolder } from '../store/durableFile';

/**
 * Replaces a small JSON file so that a power cut leaves the old or the new one: temporary file, fsync, rename, fsync of the folder.
 *
 * @example
 * await writeDurably(join(folder, 'journal.json'), record);
 */
export async function writeDurably(file: string, value: unknown): Promise<void> {
  const draft = await draftOf(file, value);
  try {
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/**
 * A finished file beside `file`, synced, with a name of its own: to be renamed or linked to its place.
 *
 * @example
 * const draft = await draftOf(lockFile, holder);
 */
export async function draftOf(file: string, value: unknown): Promise<string> {
  const draft = `${file}.${randomName()}.tmp`;
  const handle = await openIn(dirname(file), draft);
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.sync();
  } catch (error) {
    await rm(draft, { force: true }); // on a full disk, what is left of it would take room
    throw error;
  } finally {
    await handle.close();
  }
  return draft;
}

/** A folder that is empty may be removed by another process before we write into it. */
async function openIn(folder: string, draft: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    await makeFolders(folder);
    try {
      return await open(draft, 'wx');
    } catch (error) {
      if (attempt === 5 || systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

/**
 * What a file of `writeDurably` holds; null when there is none or it is no JSON.
 *
 * @example
 * const record = await readJson(join(folder, 'journal.json'));
 */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw error;
  }
}
