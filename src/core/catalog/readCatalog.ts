import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DataManagerError, systemCode } from '../errors';
import type { Repository } from '../repo/repository';
import type { Manifest } from './manifest';
import { parseManifest } from './parseManifest';
import { parseSettings, type RepositorySettings, settingsFile } from './settings';

/** What the work tree says: the manifest and the settings beside it. */
export interface Catalog {
  readonly manifest: Manifest;
  /** The manifest as it was read: what a change of it is based on. */
  readonly manifestText: string;
  readonly settings: RepositorySettings;
}

/**
 * Reads manifest and settings from the work tree. Throws REPOSITORY_NOT_FOUND, MANIFEST_INVALID, SETTINGS_INVALID,
 * FILE_UNREADABLE.
 *
 * @example
 * const { manifest } = await readCatalog(repository);
 */
export async function readCatalog(repository: Repository): Promise<Catalog> {
  const manifestFile = path.join(repository.root, repository.manifestPath);
  const [manifest, settings] = await Promise.all([readText(manifestFile), readSettings(repository)]);
  if (manifest === null) {
    throw new DataManagerError('REPOSITORY_NOT_FOUND', `${manifestFile} does not exist.`, {
      hint: 'Make a new repository with: datamanager init',
    });
  }
  return { manifest: parseManifest(manifest, repository.manifestPath), manifestText: manifest, settings };
}

/**
 * Reads the settings alone: they say where the store is even when the manifest is broken. Throws SETTINGS_INVALID,
 * FILE_UNREADABLE.
 *
 * @example
 * const { store } = await readSettings(repository);
 */
export async function readSettings(repository: Repository): Promise<RepositorySettings> {
  const folder = path.dirname(path.join(repository.root, repository.manifestPath));
  return parseSettings(await readText(path.join(folder, settingsFile)));
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new DataManagerError('FILE_UNREADABLE', `${file} can't be read (${code ?? 'unknown reason'}).`, { cause });
  }
}
