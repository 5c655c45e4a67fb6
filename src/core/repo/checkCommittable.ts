import { requireCleanPaths } from './cleanPaths';
import { requireIdentity } from './identity';
import { refuseDuringGitOperation } from './operationInProgress';
import type { Person } from './readObjects';
import { readHead } from './readRefs';
import type { GitProgram, Repository } from './repository';
import { bytesOf } from './workTreeFiles';
import { workTreePath } from './workTreePath';

/**
 * Checks what can be checked before a long upload: that a commit of these paths would be accepted now. Gives who it would be by.
 * commitPaths checks again, because everything may change meanwhile.
 *
 * Throws GIT_OPERATION_IN_PROGRESS, GIT_IDENTITY_MISSING, PATH_DIRTY, FILE_NOT_REGULAR, NAME_INVALID, GIT_MISSING, GIT_FAILED,
 * CANCELLED.
 *
 * @example
 * const author = await checkCommittable({ repo, git, paths: ['manifest.json'], signal });
 */
export async function checkCommittable({
  repo,
  git,
  paths,
  signal,
}: {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly paths: readonly string[];
  readonly signal?: AbortSignal | undefined;
}): Promise<Person> {
  await refuseDuringGitOperation(repo);
  const author = await requireIdentity(repo, git, signal);
  const files = await Promise.all(
    paths.map(async (path) => {
      const file = await workTreePath(repo, path);
      const before = await bytesOf(file);
      return { path, file, before, after: before };
    }),
  );
  await requireCleanPaths({ repo, git, head: await readHead(repo), files, signal });
  return author;
}
