import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { settingsFile, writeSettings } from '../catalog/settings';
import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { commitPaths, type PathChange } from '../repo/commitPaths';
import { excludeFolder } from '../repo/excludePath';
import { recoverInterruptedCommit } from '../repo/indexLock';
import { initGitRepository } from '../repo/initGitRepository';
import { mergeAttributes } from '../repo/mergeDriverAttributes';
import { ensureMergeDriver, type MergeDriverProgram } from '../repo/mergeDriverConfig';
import { isGitRepository, openRepository } from '../repo/openRepository';
import type { GitProgram, Repository } from '../repo/repository';
import { makeFolders } from '../store/durableFile';
import { writeError } from '../store/fileErrors';
import type { StoreSettings } from '../store/storeSettings';

/** Where objects live when nothing else is said: beside the manifest, on this machine only. */
export const embeddedStore: StoreSettings = { type: 'folder', path: '.datamanager-store' };

export interface InitOptions extends Monitor {
  readonly git: GitProgram;
  /** Folder of the manifest; made when it is not there. Inside a Git repository that one is used. */
  readonly folder: string;
  /** Null writes no store into the settings: then the shell's environment decides. */
  readonly store: StoreSettings | null;
  /** How Git is to run the command line for merges of the manifest; without it this clone merges lines. */
  readonly mergeDriver?: MergeDriverProgram | undefined;
}

export interface InitResult {
  readonly path: string;
  /** False when there was a manifest already: nothing was changed then. */
  readonly created: boolean;
  readonly commit: string | null;
}

// Data lives in the store; secrets live nowhere near Git.
const ignored = ['.env', '*.sqlite', '*.sqlite3', '*.db', '*.sqlite-wal', '*.sqlite-shm', '*.sqlite-journal', '*.part'];
// A stored diff lies in a folder that is called like its dataset, `diffs/utopia.sqlite/`.
const notIgnored = '!/diffs/**';

/**
 * Makes a repository: a Git repository if there is none, an empty manifest, settings, and a `.gitignore` that keeps data
 * files and `.env` out of Git (an existing one is left alone), `.gitattributes` (added to an existing one) and configuration that
 * have Git merge manifests by meaning. A folder store's folder is made too.
 *
 * Throws GIT_MISSING, GIT_FAILED, GIT_IDENTITY_MISSING, PATH_DIRTY, REPOSITORY_EXISTS when settings without a manifest are there,
 * OUTPUT_UNWRITABLE, DISK_FULL.
 *
 * @example
 * await initRepository({ git, folder: '/data/energy', store: { type: 'folder', path: '../energy-store' } });
 */
export async function initRepository({ git, folder, store, mergeDriver, signal }: InitOptions): Promise<InitResult> {
  // A manifest of an init that died halfway is none.
  if (await isGitRepository(folder)) await recoverInterruptedCommit(await openRepository(folder));
  if (await exists(path.join(folder, 'manifest.json'))) return { path: folder, created: false, commit: null };
  if (store && (await exists(path.join(folder, settingsFile)))) {
    throw new DataManagerError('REPOSITORY_EXISTS', `${folder} has a ${settingsFile} already.`, {
      hint: `Run datamanager init without --store to keep it, or remove ${settingsFile} first.`,
    });
  }
  await makeFolder(folder);
  if (store?.type === 'folder') await makeFolder(path.resolve(folder, store.path));
  const repository = await initGitRepository({ git, dir: folder, signal });
  await hideStore(repository, folder, store);
  const beside = (name: string): string => path.posix.join(path.posix.dirname(repository.manifestPath), name);
  const changes: PathChange[] = [{ path: repository.manifestPath, content: '[]\n', base: null }];
  if (!(await exists(path.join(folder, settingsFile))))
    changes.push({ path: beside(settingsFile), content: writeSettings(store) });
  if (!(await exists(path.join(folder, '.gitignore')))) {
    changes.push({ path: beside('.gitignore'), content: `${[...ignored, notIgnored].join('\n')}\n` });
  }
  const attributes = await readText(path.join(folder, '.gitattributes'));
  const merging = mergeAttributes(attributes, repository.manifestPath);
  if (merging !== null) changes.push({ path: beside('.gitattributes'), content: merging, base: attributes });
  const { commit } = await commitPaths({ repo: repository, git, changes, message: 'Set up Data Manager', signal });
  if (mergeDriver) await ensureMergeDriver(repository, git, mergeDriver);
  return { path: folder, created: true, commit };
}

// A folder store within the work tree holds bytes, which are not Git's either; its objects may have any extension.
async function hideStore(repository: Repository, folder: string, store: StoreSettings | null): Promise<void> {
  if (store?.type !== 'folder') return;
  const inside = path.relative(repository.root, path.resolve(await realpath(folder), store.path));
  if (inside === '' || inside.startsWith('..') || path.isAbsolute(inside)) return;
  await excludeFolder(repository, inside.split(path.sep).join('/'));
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}

async function readText(file: string): Promise<string | null> {
  return (await exists(file)) ? readFile(file, 'utf8') : null;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(path.resolve(folder));
  } catch (error) {
    throw writeError(error, folder);
  }
}
