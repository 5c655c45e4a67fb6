import { resolve } from 'node:path';
import { makeFolders } from '../store/durableFile';
import { isGitRepository, openRepository } from './openRepository';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

export interface InitGitOptions {
  readonly dir: string;
  readonly git: GitProgram;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the folder if need be, and a Git repository in it (branch `main`) unless it is inside one already. Writes no manifest.
 *
 * Throws GIT_MISSING, GIT_FAILED, REPOSITORY_UNSUPPORTED, CANCELLED.
 *
 * @example
 * const repo = await initGitRepository({ dir: '/home/me/catalog', git });
 */
export async function initGitRepository({ dir, git, signal }: InitGitOptions): Promise<Repository> {
  await makeFolders(resolve(dir));
  if (!(await isGitRepository(dir))) {
    await runGit(git, ['init', '-q'], { cwd: dir, signal });
    // Not `init -b`, which git before 2.28 doesn't know.
    await runGit(git, ['symbolic-ref', 'HEAD', 'refs/heads/main'], { cwd: dir, signal });
  }
  return openRepository(dir);
}
