import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../errors';
import type { Repository } from '../repository';

/**
 * Replaces a small file of the Git directory as git does: `<file>.lock` made exclusively, fsync, rename. False, with the file as it
 * was, when somebody holds the lock or the folder can't be written.
 */
async function replaceLocked(file: string, content: (before: string) => string): Promise<boolean> {
  const lock = `${file}.lock`;
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(lock, 'wx', 0o666);
    try {
      const before = await readFile(file, 'utf8').catch((error: unknown) => {
        if (systemCode(error) === 'ENOENT') return '';
        throw error;
      });
      await handle.writeFile(content(before));
      await handle.sync();
      await handle.close();
      await rename(lock, file);
      return true;
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(lock, { force: true });
      throw error;
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

/**
 * Notes what a branch on a remote was found to be, where git keeps it too. Best effort: the next fetch says it again.
 *
 * @example
 * await moveTrackingBranch(repo, 'origin', 'main', oid);
 */
export async function moveTrackingBranch(
  repo: Repository,
  remote: string,
  branch: string,
  oid: string,
): Promise<boolean> {
  return replaceLocked(join(repo.commonDir, 'refs', 'remotes', remote, branch), () => `${oid}\n`);
}

/**
 * Makes a branch there the upstream of a branch here that has none, in the repository's own config. Best effort.
 *
 * @example
 * await addUpstream(repo, 'main', 'origin', 'main');
 */
export async function addUpstream(repo: Repository, local: string, remote: string, branch: string): Promise<boolean> {
  const quoted = local.replace(/["\\]/g, '\\$&');
  const section = `[branch "${quoted}"]\n\tremote = ${remote}\n\tmerge = refs/heads/${branch}\n`;
  return replaceLocked(join(repo.commonDir, 'config'), (before) => {
    const gap = before === '' || before.endsWith('\n') ? '' : '\n';
    return before + gap + section;
  });
}
