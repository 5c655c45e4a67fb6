import { DataManagerError } from '../errors';
import { refuseDuringGitOperation } from './operationInProgress';
import type { GitProgram, Repository } from './repository';
import { gitStderr, runGit } from './runGit';

export interface FastForwardOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  /** Commit to go to, full id. */
  readonly to: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Moves the current branch, index and files forward to a descendant, as `git pull --ff-only` would after its fetch, but runs no hook.
 * Does nothing when HEAD holds it already. Git itself refuses to overwrite what the user has changed.
 *
 * Throws BRANCH_DIVERGED when HEAD isn't an ancestor of it, PATH_DIRTY (`data.paths`), REPOSITORY_BUSY, GIT_OPERATION_IN_PROGRESS,
 * GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * await fastForward({ repo, git, to: upstream.remoteOid });
 */
export async function fastForward(options: FastForwardOptions): Promise<void> {
  for (const deadline = Date.now() + LOCK_MS; ; ) {
    try {
      return await fastForwardNow(options);
    } catch (error) {
      if (Date.now() > deadline || !DataManagerError.is(error, 'REPOSITORY_BUSY')) throw error;
      await new Promise((done) => setTimeout(done, 20 + Math.random() * 60));
    }
  }
}

/** Milliseconds that another program gets to let go of the index: git itself does not wait for it. */
const LOCK_MS = 5000;

async function fastForwardNow({ repo, git, to, signal }: FastForwardOptions): Promise<void> {
  await refuseDuringGitOperation(repo);
  const still = ['-c', 'core.hooksPath=/dev/null', '-c', 'merge.autoStash=false'];
  try {
    // No signal once it runs: a merge that is killed leaves files half updated.
    if (signal?.aborted) throw new DataManagerError('CANCELLED', 'Cancelled.');
    await runGit(git, [...still, 'merge', '--ff-only', '-q', to], { cwd: repo.root, timeoutMs: 600_000 });
  } catch (error) {
    const stderr = gitStderr(error);
    if (/Not possible to fast-forward|refusing to merge unrelated histories/i.test(stderr)) {
      throw new DataManagerError('BRANCH_DIVERGED', 'The branch and its remote have each gone their own way.', {
        hint: 'Bring them together first, for example with: git pull --rebase',
        data: { to },
        cause: error,
      });
    }
    if (/would be overwritten by merge/.test(stderr)) {
      const paths = stderr.split('\n').flatMap((line) => (line.startsWith('\t') ? [line.trim()] : []));
      throw new DataManagerError(
        'PATH_DIRTY',
        `Your changes to ${paths.join(', ')} are in the way of the newer commits.`,
        {
          hint: 'Commit or undo those changes, then try again.',
          data: { paths },
          cause: error,
        },
      );
    }
    if (/index\.lock|Unable to create .*\.lock/.test(stderr)) {
      throw new DataManagerError('REPOSITORY_BUSY', `Another program is changing ${repo.root}.`, {
        hint: 'Try again in a moment.',
        cause: error,
      });
    }
    throw error;
  }
}
