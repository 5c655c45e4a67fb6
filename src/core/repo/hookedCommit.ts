import { DataManagerError } from '../errors';
import type { CommitHooks } from './commitHooks';
import { gitObject } from './looseObjects';
import { blobOidInTree } from './readObjects';
import type { GitProgram, Repository } from './repository';
import type { NewCommit, RepositoryWriter } from './repositoryWriter';
import { runGit } from './runGit';
import type { PlannedFile } from './switchCommit';
import { bytesOf, replaceFiles } from './workTreeFiles';

interface HookedCommitOptions extends NewCommit {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly writer: RepositoryWriter;
  readonly hooks: CommitHooks;
  /** The index that the hooks see: it holds `tree`. */
  readonly index: string;
  /** What is committed, as it is in the work tree now. */
  readonly files: readonly PlannedFile[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a commit as `git commit --only` does: hooks look at index and files, and may refuse or change the message. A hook that
 * changes what is committed is refused: the manifest would not say any more what was published.
 *
 * Throws HOOK_REFUSED, GIT_FAILED, CANCELLED.
 *
 * @example
 * const commit = await hookedCommit({ repo, git, writer, hooks, index, files, tree, parent, message });
 */
export async function hookedCommit(options: HookedCommitOptions): Promise<string> {
  const { repo, git, writer, hooks, index, tree, parent, message, signal } = options;
  const run = { cwd: repo.root, env: { GIT_INDEX_FILE: index }, signal };
  // Hooks that compare index and files would else take every file for changed.
  await runGit(git, ['update-index', '-q', '--refresh'], { ...run, okCodes: [0, 1] });
  const treeNow = async (): Promise<string> => (await runGit(git, ['write-tree'], run)).stdout.toString('utf8').trim();
  try {
    await hooks.preCommit();
    if ((await treeNow()) !== tree) throw changedByHook();
  } catch (error) {
    await takeBack(options, await treeNow()).catch(() => {}); // the first error says more
    throw error;
  }
  return writer.writeCommit({ tree, parent, message: await hooks.editMessage(message) });
}

function changedByHook(): DataManagerError {
  return new DataManagerError('HOOK_REFUSED', 'The pre-commit hook of this repository changes what is committed.', {
    hint: 'Let the hook leave the manifest and diffs/ alone (a formatter: list them in its ignore file).',
    data: { hook: 'pre-commit' },
  });
}

/** Files that the hook rewrote and staged get our bytes again, so that all of it can be undone. What is not staged may be the user's. */
async function takeBack({ repo, files }: HookedCommitOptions, tree: string): Promise<void> {
  for (const { path, file, after, oid } of files) {
    const staged = await blobOidInTree(repo, tree, path);
    const now = await bytesOf(file);
    if (staged === oid || now === null || gitObject('blob', now).oid !== staged) continue;
    await replaceFiles(repo.root, [{ path, file, before: now, after }]);
  }
}
