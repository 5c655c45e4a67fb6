import type { Dataset, VersionEntry } from '../../core/catalog/manifest';
import { latest } from '../../core/catalog/manifest';
import type { LocalState } from '../../core/repo/localCopies';
import { type RepositoryState, versionKey } from '../repositoryState';

/** Where a version stands: in the store only, on this machine too, or not to be had. */
export type VersionState = 'cloud' | 'local' | 'modified' | 'pending' | 'deleted';

/** Where a dataset stands: `older` means that the copy here holds an older version than the newest. */
export type DatasetState = 'absent' | 'current' | 'older' | 'modified' | 'pending' | 'deleted';

export function copiesOf(state: RepositoryState, name: string, sha256: string): readonly LocalState[] {
  return state.content.problem ? [] : (state.content.copies.get(versionKey(name, sha256)) ?? []);
}

export function versionState(state: RepositoryState, dataset: Dataset, entry: VersionEntry): VersionState {
  const status = dataset.status === 'published' ? entry.status : dataset.status;
  if (status === 'pending' || status === 'deleted') return status;
  const copies = copiesOf(state, dataset.name, entry.sha256);
  if (copies.some((copy) => copy.state === 'present')) return 'local';
  return copies.length > 0 ? 'modified' : 'cloud';
}

/** The state of a dataset, and the version that its copy here holds or held. */
export function datasetState(
  state: RepositoryState,
  dataset: Dataset,
): { readonly kind: DatasetState; readonly version: string | null } {
  const newest = versionState(state, dataset, latest(dataset));
  if (newest === 'pending' || newest === 'deleted') return { kind: newest, version: null };
  if (newest === 'local') return { kind: 'current', version: latest(dataset).version };
  for (const entry of dataset.history) {
    const copies = copiesOf(state, dataset.name, entry.sha256);
    if (copies.some((copy) => copy.state === 'modified')) return { kind: 'modified', version: entry.version };
    if (copies.length > 0) return { kind: 'older', version: entry.version };
  }
  return { kind: 'absent', version: null };
}
