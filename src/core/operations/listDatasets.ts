import { latest, type VersionStatus } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import { type LocalState, readLocalCopies } from '../repo/localCopies';
import type { Repository } from '../repo/repository';

export interface DatasetRow {
  readonly name: string;
  readonly latestVersion: string;
  /** How many versions there are. */
  readonly versions: number;
  /** Bytes of the newest version; null when an older tool did not record it. */
  readonly size: number | null;
  readonly sha256: string;
  readonly timestamp: string;
  readonly status: VersionStatus;
  /** The copy of it on this machine that was recorded last. */
  readonly local: { readonly path: string; readonly version: string; readonly state: LocalState['state'] } | null;
}

/**
 * Every dataset with its newest version, in manifest order. Needs neither Git nor the store.
 *
 * Throws REPOSITORY_NOT_FOUND, MANIFEST_INVALID, SETTINGS_INVALID.
 *
 * @example
 * for (const row of await listDatasets({ repository })) print(row.name, row.latestVersion);
 */
export async function listDatasets({
  repository,
}: {
  readonly repository: Repository;
}): Promise<readonly DatasetRow[]> {
  const [{ manifest }, copies] = await Promise.all([readCatalog(repository), readLocalCopies(repository)]);
  return manifest.datasets.map((dataset) => {
    const newest = latest(dataset);
    const copy = copies.find(({ name }) => name === dataset.name);
    return {
      name: dataset.name,
      latestVersion: newest.version,
      versions: dataset.history.length,
      size: newest.size,
      sha256: newest.sha256,
      timestamp: newest.timestamp,
      status: dataset.status === 'published' ? newest.status : dataset.status,
      local: copy ? { path: copy.path, version: copy.version, state: copy.state } : null,
    };
  });
}
