import type fs from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { sep } from 'node:path';
import { randomName, syncFolder } from '../../store/durableFile';
import { objectFiles } from '../objectFiles';
import type { Repository } from '../repository';

type Written = string | Uint8Array;

/** isomorphic-git writes refs before their objects are here, in place and without locks; so it may not. We move what is to be moved. */
const ITS_CONFIG = '[remote "origin"]\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n';
const PACK = /[\\/]objects[\\/]pack[\\/]pack-[0-9a-f]{40}\.(pack|idx)$/;

/**
 * The file system for isomorphic-git's `fetch` and `push`: it reads the repository as it is, but with a configuration of ours (the
 * user's could send it elsewhere), and may write nothing but packs, which reach the disk whole or not at all.
 *
 * @example
 * await fetch({ fs: receivedFiles(repo).fs, gitdir: repo.commonDir, http, url });
 */
export function receivedFiles(repo: Repository): { readonly fs: { promises: typeof fs.promises }; forget(): void } {
  const objects = objectFiles(repo);
  const own = new Set([`${repo.commonDir}/config`, `${repo.commonDir}${sep}config`]);
  const nothing = async (): Promise<void> => {};
  const promises = {
    ...objects.fs.promises,
    readFile: async (path: string, options?: object | string) => {
      if (!own.has(path)) return objects.fs.promises.readFile(path, options as object);
      return options === undefined ? Buffer.from(ITS_CONFIG) : ITS_CONFIG;
    },
    writeFile: async (path: string, data: Written) => (PACK.test(path) ? writePack(path, data) : undefined),
    ...{ unlink: nothing, rm: nothing, rmdir: nothing, symlink: nothing },
  };
  return { fs: { promises: promises as unknown as typeof fs.promises }, forget: () => objects.forget() };
}

async function writePack(path: string, data: Written): Promise<void> {
  const draft = path.replace(/pack-[0-9a-f]{40}\.(\w+)$/, `tmp_$1_${randomName()}`); // git gc removes old tmp_*
  try {
    const handle = await open(draft, 'wx', 0o444);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf(sep))));
}
