import { open, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { DataManagerError, systemCode } from '../errors';
import { parseGitConfig } from './gitConfig';
import type { Repository } from './repository';

const MANIFEST = 'manifest.json';
/** Node can't read a longer file in one piece, and isomorphic-git reads packs whole. */
const MAX_PACK_BYTES = 2 ** 31 - 1;
/** Extensions that change nothing about how refs and objects are read (git: Documentation/technical/repository-version). */
const HARMLESS_EXTENSIONS = new Set(['noop', 'noop-v1', 'preciousobjects', 'worktreeconfig', 'relativeworktrees']);

interface GitFolders {
  readonly root: string;
  readonly gitDir: string;
  readonly commonDir: string;
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error) ?? '')) return null;
    throw error;
  }
}

/** `.git` may be a folder, or a file that points to one (linked worktree, submodule): gitrepository-layout(5). */
async function gitFoldersAt(root: string): Promise<GitFolders | null> {
  const dotGit = join(root, '.git');
  const pointer = /^gitdir: (.+?)\r?\n?$/.exec((await textOf(dotGit)) ?? '')?.[1];
  const gitDir = pointer === undefined ? dotGit : resolve(root, pointer);
  if ((await textOf(join(gitDir, 'HEAD'))) === null) return null;
  const common = (await textOf(join(gitDir, 'commondir')))?.trim();
  const commonDir = common === undefined ? gitDir : resolve(gitDir, common);
  const objects = await stat(join(commonDir, 'objects')).catch(() => null);
  return objects?.isDirectory() ? { root, gitDir, commonDir } : null;
}

async function nearestGitFolders(startDir: string): Promise<GitFolders | null> {
  for (let dir = resolve(startDir); ; dir = dirname(dir)) {
    const found = await gitFoldersAt(dir);
    if (found || dirname(dir) === dir) return found;
  }
}

/** Why isomorphic-git would misread this repository; null when it reads it well. */
async function unsupportedReason(commonDir: string): Promise<string | null> {
  const config = parseGitConfig((await textOf(join(commonDir, 'config'))) ?? '');
  const format = Number(config.get('core.repositoryformatversion')?.at(-1) ?? '0');
  if (!(format <= 1)) return `its format version is ${format}`;
  for (const [key, values] of config) {
    const value = values.at(-1) ?? '';
    if (!key.startsWith('extensions.') || HARMLESS_EXTENSIONS.has(key.slice('extensions.'.length))) continue;
    if (key === 'extensions.objectformat' && value.toLowerCase() === 'sha1') continue;
    if (key === 'extensions.refstorage' && value.toLowerCase() === 'files') continue;
    if (key === 'extensions.partialclone') return 'it is a partial clone, some of its objects are not here';
    return `it uses ${key.replace('extensions.', '')} ${value}`;
  }
  if ((await textOf(join(commonDir, 'objects', 'info', 'alternates')))?.trim()) {
    return 'it borrows objects from another repository (alternates)';
  }
  const packDir = join(commonDir, 'objects', 'pack');
  for (const name of await readdir(packDir).catch(() => [])) {
    if (name.endsWith('.promisor')) return 'it is a partial clone, some of its objects are not here';
    if (!name.endsWith('.pack')) continue;
    const size = (await stat(join(packDir, name)).catch(() => null))?.size ?? 0;
    if (size > MAX_PACK_BYTES) return `its pack ${name} is larger than 2 GiB`;
  }
  return null;
}

/**
 * Throws REPOSITORY_UNSUPPORTED when isomorphic-git would misread the repository. It may have been converted since it was opened.
 *
 * @example
 * await requireReadable(repo);
 */
export async function requireReadable({ root, commonDir }: Pick<Repository, 'root' | 'commonDir'>): Promise<void> {
  const reason = await unsupportedReason(commonDir);
  if (reason === null) return;
  throw new DataManagerError('REPOSITORY_UNSUPPORTED', `The Git repository ${root} cannot be read: ${reason}.`, {
    hint: 'Use an ordinary full clone: git clone URL.',
    data: { root, reason },
  });
}

async function asRepository(folders: GitFolders, manifestPath: string): Promise<Repository> {
  await requireReadable(folders);
  return { ...folders, manifestPath, objectCache: {} };
}

function notFound(message: string, dir: string): DataManagerError {
  return new DataManagerError('REPOSITORY_NOT_FOUND', message, {
    hint: 'Make one with: datamanager init',
    data: { directory: resolve(dir) },
  });
}

/** The name is generic: web apps and extensions have one too, but theirs is an object and ours an array. */
async function holdsManifest(dir: string): Promise<boolean> {
  const path = join(dir, MANIFEST);
  const file = await open(path).catch(() => null);
  // One that is there but may not be read is better complained about than passed over.
  if (!file) return (await stat(path).catch(() => null))?.isFile() ?? false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return !buffer
      .toString('utf8', 0, bytesRead)
      .replace(/^\uFEFF?\s*/, '')
      .startsWith('{');
  } catch {
    return false; // a folder called manifest.json
  } finally {
    await file.close();
  }
}

/**
 * The repository that a folder belongs to: its nearest parent (or itself) with a `manifest.json`, inside a Git work tree.
 * Needs no git program. Linked worktrees and submodules are resolved.
 *
 * Throws REPOSITORY_NOT_FOUND, or REPOSITORY_UNSUPPORTED when it could not be read without mistakes.
 *
 * @example
 * const repo = await findRepository(process.cwd());
 */
export async function findRepository(startDir: string): Promise<Repository> {
  for (let dir = resolve(startDir); ; dir = dirname(dir)) {
    if (await holdsManifest(dir)) {
      const folders = await nearestGitFolders(dir);
      if (folders) return asRepository(folders, relative(folders.root, join(dir, MANIFEST)).split(sep).join('/'));
    }
    if (dirname(dir) === dir)
      throw notFound(`${resolve(startDir)} is not inside a repository with a manifest.json.`, startDir);
  }
}

/**
 * Opens the Git work tree around `dir`, whether or not it holds a manifest yet; the manifest's place is `manifest.json`
 * in `dir`, unless `manifestPath` (from the top of the work tree, with `/`) says otherwise.
 *
 * Throws REPOSITORY_NOT_FOUND, or REPOSITORY_UNSUPPORTED when it could not be read without mistakes.
 *
 * @example
 * const repo = await openRepository('/home/me/catalog');
 */
export async function openRepository(dir: string, manifestPath?: string): Promise<Repository> {
  const folders = await nearestGitFolders(dir);
  if (!folders) throw notFound(`${resolve(dir)} is not inside a Git work tree.`, dir);
  const here = relative(folders.root, join(resolve(dir), MANIFEST))
    .split(sep)
    .join('/');
  return asRepository(folders, manifestPath ?? here);
}

/**
 * True when `dir` is inside a Git work tree. Needs no git program.
 *
 * @example
 * if (!(await isGitRepository(dir))) await initGitRepository({ dir, git });
 */
export async function isGitRepository(dir: string): Promise<boolean> {
  return (await nearestGitFolders(dir)) !== null;
}
