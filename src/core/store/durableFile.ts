import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors';

/** Milliseconds. */
const STALE_TEMP_MS = 24 * 3600 * 1000;

/**
 * Twelve random hex digits for the name of an unfinished file.
 *
 * @example
 * const temp = join(folder, `.datamanager-tmp-${randomName()}`);
 */
export function randomName(): string {
  return randomBytes(6).toString('hex');
}

/**
 * Makes the names in a folder survive a power cut. Does nothing where the system can't sync a folder (Windows, some
 * network shares).
 *
 * @example
 * await rename(temp, target);
 * await syncFolder(dirname(target));
 */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EPERM', 'EISDIR', 'EINVAL', 'EACCES', 'ENOTSUP', 'EBADF'].includes(systemCode(error) ?? '')) throw error;
  }
}

/**
 * Moves a finished file to its name unless that name is taken; resolves to false, with the temp file removed, when it is.
 *
 * A hard link is the one call that both fails on an existing name and is atomic, so of several writers exactly one wins.
 * File systems without links (FAT, some shares) get a check and a rename, which is still never half a file.
 *
 * @example
 * const created = await placeNew(temp, target);
 */
export async function placeNew(temp: string, target: string, makeLink: typeof link = link): Promise<boolean> {
  const created = await linkOrRename(temp, target, makeLink);
  await rm(temp, { force: true });
  if (created) await syncFolder(dirname(target));
  return created;
}

async function linkOrRename(temp: string, target: string, makeLink: typeof link): Promise<boolean> {
  try {
    await makeLink(temp, target);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'].includes(code)) throw error;
  }
  const taken = await stat(target).then(
    () => true,
    () => false,
  );
  if (!taken) await rename(temp, target);
  return !taken;
}

/**
 * Removes the unfinished files in a folder that begin so and that nobody has written to for a day: they are from a crash.
 * Best effort.
 *
 * @example
 * await removeStaleTemps('/mnt/team/objects/utopia', '.datamanager-tmp-');
 */
export async function removeStaleTemps(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(() => null);
    if (stats?.isFile() && Date.now() - stats.mtimeMs > STALE_TEMP_MS) await rm(path, { force: true }).catch(() => {});
  }
}

/**
 * Makes a folder and those above it that are missing; resolves to the topmost that it made. Fine when it exists. Not
 * `mkdir` with `recursive`, which in Node 20 never returns where the system has folders but makes none, such as /proc.
 *
 * @example
 * const topmost = await makeFolders('/data/energy/2030');
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  try {
    return await makeOne(folder);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
  }
  const above = await makeFolders(dirname(folder));
  const made = await makeOne(folder);
  return above ?? made;
}

async function makeOne(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    if ((await stat(folder).catch(() => null))?.isDirectory()) return undefined;
    throw error;
  }
}
