import type { VersionEntry } from '../catalog/manifest';
import type { Monitor } from '../progress';
import { commitsTouchingManifest } from '../repo/commitsTouchingManifest';
import type { Commit } from '../repo/readObjects';
import { readHead } from '../repo/readRefs';
import { commitChanges } from './commitChanges';
import type { OperationContext } from './context';

export interface IntroducingCommits {
  /** The oldest commit whose manifest holds this version with these bytes; null when there is none. */
  commitOf(name: string, version: Pick<VersionEntry, 'version' | 'sha256'>): Commit | null;
}

/**
 * Which commit brought each version of some datasets in, as seen from what is checked out.
 *
 * Throws REPOSITORY_UNSUPPORTED, CANCELLED.
 *
 * @example
 * const commits = await introducingCommits({ repository }, ['utopia.sqlite']);
 */
export async function introducingCommits(
  { repository, signal }: Pick<OperationContext, 'repository'> & Monitor,
  names: readonly string[],
): Promise<IntroducingCommits> {
  const { oid } = await readHead(repository);
  const wanted = new Set(names);
  const introduced = new Map<string, Commit>();
  if (oid !== null) {
    const changesOf = commitChanges(repository);
    for await (const touching of commitsTouchingManifest(repository, { from: oid, signal })) {
      for (const change of (await changesOf(touching)).changes) {
        if (!wanted.has(change.name)) continue;
        // Commits come newest first, so an older one that added the same version overwrites.
        for (const version of change.added) introduced.set(identity(change.name, version), touching.commit);
      }
    }
  }
  return { commitOf: (name, version) => introduced.get(identity(name, version)) ?? null };
}

function identity(name: string, { version, sha256 }: { readonly version: string; readonly sha256: string }): string {
  return `${version} ${sha256} ${name}`;
}
