import type { Manifest } from '../catalog/manifest';
import { type DatasetChange, manifestChanges } from '../catalog/manifestChanges';
import { parseManifest } from '../catalog/parseManifest';
import { DataManagerError } from '../errors';
import type { CommitOnManifest } from '../repo/commitIndex';
import { readBlob } from '../repo/readBlob';
import type { Repository } from '../repo/repository';

/**
 * What a commit did to datasets and versions. A manifest that can't be read (an older tool, conflict markers) is a `problem`
 * of that commit, not an error of the log.
 *
 * @example
 * const { changes } = await changesOfCommit(repository, touching);
 */
export async function changesOfCommit(
  repository: Repository,
  { before, after }: Pick<CommitOnManifest, 'before' | 'after'>,
): Promise<{ readonly changes: readonly DatasetChange[]; readonly problem: string | null }> {
  try {
    const [older, newer] = await Promise.all([manifestAt(repository, before), manifestAt(repository, after)]);
    return { changes: manifestChanges(older, newer), problem: null };
  } catch (error) {
    if (DataManagerError.is(error, 'MANIFEST_INVALID')) return { changes: [], problem: error.message };
    throw error;
  }
}

async function manifestAt(repository: Repository, blob: string | null): Promise<Manifest | null> {
  if (blob === null) return null;
  const bytes = await readBlob(repository, blob);
  return parseManifest(Buffer.from(bytes).toString('utf8'), repository.manifestPath);
}
