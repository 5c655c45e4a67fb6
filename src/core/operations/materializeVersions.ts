import type { Dataset } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import { findDataset, type ResolvedVersion } from '../catalog/reference';
import { throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import type { ObjectStore } from '../store/objectStore';
import { deltaKey } from '../transfer/companions';
import { sendObject } from '../transfer/sendObject';
import type { OperationContext } from './context';
import { describeVersion, isDescribed } from './describeVersions';
import { fetchVersion } from './fetchVersion';
import { settledVersions } from './settledVersions';
import { uploadsFolder } from './uploadsFolder';

export interface MaterializedVersion {
  readonly name: string;
  readonly version: string;
  readonly key: string;
  readonly bytesSent: number;
  readonly bytesCopied: number;
  /** Bytes that an earlier, interrupted try had brought. */
  readonly bytesResumed: number;
}

/**
 * Makes the whole objects of versions that were published delta first: each is built from the version before and its delta, checked
 * against its SHA-256, and uploaded under the key that the manifest names. Any clone may do it, also several at once; versions that
 * are whole cost two requests each, those without a delta are left as they are.
 *
 * Beside that it describes the versions that lack it (see `describeVersions`): pushed by hand, or published by an older program, or
 * where the last request of a publish failed. A failure of that is no error either; the next call tries again.
 *
 * `name` limits it to one dataset. Throws DATASET_NOT_FOUND, HASH_MISMATCH, CANCELLED and the store's errors.
 *
 * @example
 * for (const { name, version } of await materializeVersions(context, null, { signal })) say(`${name}@${version} is whole now`);
 */
export async function materializeVersions(
  context: OperationContext,
  name: string | null,
  { signal, onProgress }: Monitor,
): Promise<readonly MaterializedVersion[]> {
  const { cache, repository, now } = context;
  const { manifest } = await readCatalog(repository);
  const datasets = name === null ? manifest.datasets : [findDataset(manifest, name)];
  const store = await context.openStore();
  const made: MaterializedVersion[] = [];
  for (const dataset of datasets) {
    // Oldest first: each builds on the one before.
    const entries = dataset.history.filter(({ status, size }) => status === 'published' && size !== null).reverse();
    for (const [i, entry] of entries.entries()) {
      const before = entries[i - 1];
      const { key, sha256, size } = entry;
      if (!before || size === null || before.size === null) continue;
      if ((await store.head(key, { signal })) !== null) continue;
      if ((await store.head(deltaKey(key, before.sha256), { signal })) === null) continue;
      const { path } = await fetchVersion(context, { dataset, entry }, null, { signal, onProgress });
      const { bytesSent, bytesCopied, bytesResumed } = await sendObject({
        ...{ store, key, cache, signal, onProgress },
        file: { path, sha256, size },
        base: { key: before.key, sha256: before.sha256, size: before.size },
        notesFolder: uploadsFolder(repository),
        now: () => now().getTime(),
      });
      made.push({ name: dataset.name, version: entry.version, key, bytesSent, bytesCopied, bytesResumed });
    }
  }
  await describeMissing(context, store, datasets.flatMap(versionsOf), { signal });
  return made;
}

function versionsOf(dataset: Dataset): readonly ResolvedVersion[] {
  return dataset.history.filter(({ status }) => status === 'published').map((entry) => ({ dataset, entry }));
}

async function describeMissing(
  context: OperationContext,
  store: ObjectStore,
  versions: readonly ResolvedVersion[],
  { signal }: Pick<Monitor, 'signal'>,
): Promise<void> {
  try {
    for (const version of await settledVersions(context, versions)) {
      if (!(await isDescribed(store, version, { signal }))) await describeVersion(store, version, { signal });
    }
  } catch {
    throwIfCancelled(signal);
  }
}
