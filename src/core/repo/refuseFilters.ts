import { DataManagerError } from '../errors';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

/**
 * Makes sure that the files at these paths are stored as they are: with a filter such as LFS on its path, git would show a file of
 * ours as changed for ever. Throws REPOSITORY_UNSUPPORTED.
 */
export async function refuseFilters(
  repo: Repository,
  git: GitProgram,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const args = ['check-attr', '--stdin', '-z', 'filter', 'working-tree-encoding'];
  const input = paths.map((path) => `${path}\0`).join('');
  const fields = (await runGit(git, args, { cwd: repo.root, input, signal })).stdout.toString('utf8').split('\0');
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path, attribute, value = ''] = fields.slice(i, i + 3);
    if (['unspecified', 'unset', ''].includes(value)) continue;
    throw new DataManagerError('REPOSITORY_UNSUPPORTED', `.gitattributes sets ${attribute}=${value} on ${path}.`, {
      hint: `Take it off for this file: add "${path} -${attribute}" to .gitattributes.`,
      data: { path, attribute, value },
    });
  }
}
