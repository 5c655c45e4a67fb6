import type { VersionEntry } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import { findDataset } from '../catalog/reference';
import type { Monitor } from '../progress';
import type { Commit } from '../repo/readObjects';
import type { OperationContext } from './context';
import { introducingCommits } from './introducingCommits';

export interface HistoryRow {
  readonly entry: VersionEntry;
  /** Commit that brought the version in; null when it is not committed (yet). */
  readonly commit: Commit | null;
}

/**
 * The versions of one dataset, newest first, each with the commit that brought it in. The commit comes from Git history,
 * never from the manifest, where older tools recorded hashes that do not exist.
 *
 * Throws DATASET_NOT_FOUND, REPOSITORY_UNSUPPORTED, CANCELLED.
 *
 * @example
 * for (const { entry, commit } of await versionHistory({ repository }, 'utopia.sqlite')) print(entry.version, commit?.oid);
 */
export async function versionHistory(
  { repository, signal }: Pick<OperationContext, 'repository'> & Monitor,
  name: string,
): Promise<readonly HistoryRow[]> {
  const { manifest } = await readCatalog(repository);
  const dataset = findDataset(manifest, name);
  const commits = await introducingCommits({ repository, signal }, [dataset.name]);
  return dataset.history.map((entry) => ({ entry, commit: commits.commitOf(dataset.name, entry) }));
}
