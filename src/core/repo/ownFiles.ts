import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { settingsFile } from '../catalog/settings';
import { DataManagerError } from '../errors';
import type { Repository } from './repository';

/**
 * Makes sure that a file to be written is none that makes the repository what it is: its manifest, its settings, anything in
 * Git's own folder. A dataset may be called like one of them. Throws OUTPUT_UNWRITABLE.
 *
 * @example
 * await refuseOwnFiles(repository, '/home/me/catalog/utopia.sqlite');
 */
export async function refuseOwnFiles(repo: Repository, target: string): Promise<void> {
  const manifest = join(repo.root, repo.manifestPath);
  const own = await Promise.all(
    [manifest, join(dirname(manifest), settingsFile), repo.gitDir, repo.commonDir].map(identityOf),
  );
  // By identity, because a path may lead there through links, or in other letters on a disk that ignores case.
  for (let at = await nearestExisting(target); ; at = dirname(at)) {
    const identity = await identityOf(at);
    if (identity !== null && own.includes(identity)) {
      throw new DataManagerError(
        'OUTPUT_UNWRITABLE',
        `${target} can't be written: the repository itself needs ${at}.`,
        {
          hint: 'Choose another place with -o.',
          data: { path: target },
        },
      );
    }
    if (dirname(at) === at) return;
  }
}

async function nearestExisting(path: string): Promise<string> {
  return realpath(path).catch(() => (dirname(path) === path ? path : nearestExisting(dirname(path))));
}

async function identityOf(path: string): Promise<string | null> {
  const stats = await stat(path, { bigint: true }).catch(() => null);
  return stats && `${stats.dev}:${stats.ino}`;
}
