import path from 'node:path';
import type { Manifest } from '../core/catalog/manifest';
import { readCatalog } from '../core/catalog/readCatalog';
import type { RepositorySettings } from '../core/catalog/settings';
import { DataManagerError } from '../core/errors';
import { type LocalState, readLocalCopies } from '../core/repo/localCopies';
import { findRepository } from '../core/repo/openRepository';
import type { Repository } from '../core/repo/repository';

/** What the views show of one repository: a snapshot, replaced as a whole when something changed on disk. */
export interface RepositoryState {
  /** Folder that holds the manifest, absolute; what identifies the repository in this window. */
  readonly folder: string;
  /** Name for people: the folder's. */
  readonly label: string;
  readonly repository: Repository;
  readonly content: RepositoryContent | { readonly problem: DataManagerError };
}

export interface RepositoryContent {
  readonly problem: null;
  readonly manifest: Manifest;
  readonly settings: RepositorySettings;
  /** Copies on this machine, by `versionKey`, the one recorded last first. */
  readonly copies: ReadonlyMap<string, readonly LocalState[]>;
  /** `versionKey`s that some version names as its parent. */
  readonly parentsOfSome: ReadonlySet<string>;
}

/** Identifies a version across renumbering: its dataset and its bytes. */
export function versionKey(name: string, sha256: string): string {
  return `${sha256} ${name}`;
}

/**
 * Opens the repository whose manifest is in `folder`; null when that is no repository of ours (no manifest, another
 * program's manifest.json, not inside a Git work tree).
 */
export async function openRepositoryAt(folder: string): Promise<Repository | null> {
  try {
    const repository = await findRepository(folder);
    return manifestFolder(repository) === path.resolve(folder) ? repository : null;
  } catch (error) {
    if (DataManagerError.is(error, 'REPOSITORY_NOT_FOUND')) return null;
    throw error;
  }
}

/** Reads what the views show. A manifest that can't be read is part of the state, not an error. */
export async function readRepositoryState(repository: Repository): Promise<RepositoryState> {
  const folder = manifestFolder(repository);
  const about = { folder, label: path.basename(folder) || folder, repository };
  try {
    const [{ manifest, settings }, copies] = await Promise.all([readCatalog(repository), readLocalCopies(repository)]);
    return {
      ...about,
      content: { problem: null, manifest, settings, copies: groupCopies(copies), parentsOfSome: parentKeys(manifest) },
    };
  } catch (error) {
    if (DataManagerError.is(error)) return { ...about, content: { problem: error } };
    throw error;
  }
}

export function manifestFolder(repository: Repository): string {
  return path.dirname(path.join(repository.root, repository.manifestPath));
}

function groupCopies(copies: readonly LocalState[]): ReadonlyMap<string, readonly LocalState[]> {
  const groups = new Map<string, LocalState[]>();
  for (const copy of copies) {
    const key = versionKey(copy.name, copy.sha256);
    groups.set(key, [...(groups.get(key) ?? []), copy]);
  }
  return groups;
}

function parentKeys(manifest: Manifest): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { history } of manifest.datasets)
    for (const { parents } of history) for (const { name, sha256 } of parents) keys.add(versionKey(name, sha256));
  return keys;
}
