import type { Dataset, VersionEntry } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, resolveReference } from '../catalog/reference';
import { childrenOf, type LineageNode, parentsOf } from '../lineage/lineage';
import { type LocalState, readLocalCopies } from '../repo/localCopies';
import type { OperationContext } from './context';
import { introducingCommits } from './introducingCommits';

export interface VersionInfo {
  readonly dataset: Dataset;
  readonly entry: VersionEntry;
  /** Commit that brought the version in, from Git history; null when it is not committed (yet). */
  readonly commit: string | null;
  readonly parents: readonly LineageNode[];
  readonly children: readonly LineageNode[];
  readonly localCopies: readonly LocalState[];
}

/**
 * Everything that is known about one version; a reference without a version means the newest.
 *
 * Throws REFERENCE_INVALID, DATASET_NOT_FOUND, VERSION_NOT_FOUND, REFERENCE_AMBIGUOUS.
 *
 * @example
 * const { entry, commit } = await datasetInfo({ repository }, 'utopia.sqlite@v2');
 */
export async function datasetInfo(
  { repository }: Pick<OperationContext, 'repository'>,
  reference: string,
): Promise<VersionInfo> {
  const { manifest } = await readCatalog(repository);
  const { dataset, entry } = resolveReference(manifest, parseReference(reference));
  const [commits, copies] = await Promise.all([
    introducingCommits({ repository }, [dataset.name]),
    readLocalCopies(repository),
  ]);
  return {
    dataset,
    entry,
    commit: commits.commitOf(dataset.name, entry)?.oid ?? null,
    parents: parentsOf(manifest, entry),
    children: childrenOf(manifest, { dataset, entry }),
    localCopies: copies.filter(({ name, version }) => name === dataset.name && version === entry.version),
  };
}
