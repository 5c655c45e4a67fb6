import type { Manifest } from '../catalog/manifest';
import { type DatasetChange, manifestChanges } from '../catalog/manifestChanges';
import { parseManifest } from '../catalog/parseManifest';
import { DataManagerError } from '../errors';
import type { ManifestCommit } from '../repo/commitsTouchingManifest';
import { readBlob } from '../repo/readObjects';
import type { Repository } from '../repo/repository';

export interface CommitChanges {
  readonly changes: readonly DatasetChange[];
  /** Set when this commit's manifest can't be read (an older tool, conflict markers); `changes` is empty then. */
  readonly problem: string | null;
}

/**
 * A function that says what a commit did to datasets and versions. It remembers the manifests that it read last, because
 * in a log one commit's `before` is the next one's `after`.
 *
 * @example
 * const changesOf = commitChanges(repository);
 * for await (const commit of commitsTouchingManifest(repository, { from })) report(await changesOf(commit));
 */
export function commitChanges(
  repository: Repository,
): (commit: Pick<ManifestCommit, 'before' | 'after'>) => Promise<CommitChanges> {
  let recent: readonly { readonly blob: string; readonly manifest: Manifest }[] = [];
  const manifestOf = async (blob: string | null): Promise<Manifest | null> => {
    if (blob === null) return null;
    const known = recent.find((other) => other.blob === blob);
    if (known) return known.manifest;
    const text = Buffer.from(await readBlob(repository, blob)).toString('utf8');
    const manifest = parseManifest(text, repository.manifestPath);
    recent = [{ blob, manifest }, ...recent.slice(0, 1)];
    return manifest;
  };
  return async ({ before, after }) => {
    try {
      const newer = await manifestOf(after);
      return { changes: manifestChanges(await manifestOf(before), newer), problem: null };
    } catch (error) {
      if (DataManagerError.is(error, 'MANIFEST_INVALID')) return { changes: [], problem: error.message };
      throw error;
    }
  };
}
