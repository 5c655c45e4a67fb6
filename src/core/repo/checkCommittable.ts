import { DataManagerError } from '../errors';
import { chooseWriter } from './chooseWriter';
import { isCommitInFlight } from './indexLock';
import { refuseDuringGitOperation } from './operationInProgress';
import type { Person } from './readObjects';
import { readHead } from './readRefs';
import type { GitProgram, Repository } from './repository';
import type { RepositoryWriter } from './repositoryWriter';
import { bytesOf } from './workTreeFiles';
import { workTreePath } from './workTreePath';

interface CommittableOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly paths: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds that another process of ours gets to finish its commit. */
const COMMIT_MS = 5000;

/**
 * Checks what can be checked before a long upload: that a commit of these paths would be accepted now. Gives who it would be by.
 * commitPaths checks again, because everything may change meanwhile.
 *
 * Throws GIT_OPERATION_IN_PROGRESS, GIT_IDENTITY_MISSING, PATH_DIRTY, FILE_NOT_REGULAR, NAME_INVALID, REPOSITORY_UNSUPPORTED,
 * GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const author = await checkCommittable({ repo, git, paths: ['manifest.json'], signal });
 */
export async function checkCommittable({ repo, git, paths, signal }: CommittableOptions): Promise<Person> {
  await refuseDuringGitOperation(repo);
  const { writer, identities } = await chooseWriter({ repo, git, paths, signal });
  for (const deadline = Date.now() + COMMIT_MS; ; ) {
    // Asked before and after, because a commit may begin or end while its traces are looked at.
    const inFlight = await isCommitInFlight(repo);
    try {
      await requireCleanFiles(repo, writer, paths);
      return identities.author;
    } catch (error) {
      if (Date.now() > deadline || !DataManagerError.is(error, 'PATH_DIRTY')) throw error;
      if (!inFlight && !(await isCommitInFlight(repo))) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

async function requireCleanFiles(repo: Repository, writer: RepositoryWriter, paths: readonly string[]): Promise<void> {
  const files = await Promise.all(
    paths.map(async (path) => {
      const file = await workTreePath(repo, path);
      const before = await bytesOf(file);
      return { path, file, before, after: before };
    }),
  );
  await writer.requireCleanPaths(await readHead(repo), files);
}
