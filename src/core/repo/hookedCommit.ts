import { DataManagerError } from '../errors';
import type { CommitHooks } from './commitHooks';
import type { GitProgram, Repository } from './repository';
import type { NewCommit, RepositoryWriter } from './repositoryWriter';
import { runGit } from './runGit';

interface HookedCommitOptions extends NewCommit {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly writer: RepositoryWriter;
  readonly hooks: CommitHooks;
  /** The index that the hooks see: it holds `tree`. */
  readonly index: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a commit as `git commit --only` does: hooks look at index and files, and may refuse or change the message. A hook that
 * changes what is committed is refused: the manifest would not say any more what was published.
 *
 * Throws HOOK_REFUSED, GIT_FAILED, CANCELLED.
 *
 * @example
 * const commit = await hookedCommit({ repo, git, writer, hooks, index, tree, parent, message });
 */
export async function hookedCommit(options: HookedCommitOptions): Promise<string> {
  const { repo, git, writer, hooks, index, tree, parent, message, signal } = options;
  const run = { cwd: repo.root, env: { GIT_INDEX_FILE: index }, signal };
  // Hooks that compare index and files would else take every file for changed.
  await runGit(git, ['update-index', '-q', '--refresh'], { ...run, okCodes: [0, 1] });
  await hooks.preCommit();
  const { stdout } = await runGit(git, ['write-tree'], run);
  if (stdout.toString('utf8').trim() !== tree) {
    throw new DataManagerError('HOOK_REFUSED', 'The pre-commit hook of this repository changes what is committed.', {
      hint: 'Let the hook leave the manifest and diffs/ alone, then look at: git status',
      data: { hook: 'pre-commit' },
    });
  }
  return writer.writeCommit({ tree, parent, message: await hooks.editMessage(message) });
}
