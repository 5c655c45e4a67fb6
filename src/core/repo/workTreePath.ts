import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError, systemCode } from '../errors';
import type { Repository } from './repository';

/** What Windows or macOS would take for `.git`: short name, trailing dots and spaces, streams, ignored code points. */
const DOT_GIT = /^(\.git|git~\d+)[. ]*(:.*)?$/i;
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

function refuse(path: string, why: string): never {
  throw new DataManagerError('NAME_INVALID', `"${path}" cannot be written in the repository: ${why}.`, {
    data: { path },
  });
}

async function kindOf(path: string): Promise<'none' | 'file' | 'folder' | 'other' | 'too long'> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (systemCode(error) === 'ENAMETOOLONG') return 'too long';
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return 'none';
    throw error;
  }
}

/**
 * The absolute place of a path of the repository, after making sure that writing there stays inside the work tree: no `..`, no
 * `.git`, no symbolic link or other repository on the way, and nothing but a regular file at its end.
 *
 * Throws NAME_INVALID for a path that can never be right, FILE_NOT_REGULAR when something else than a file or folder is in the way.
 *
 * @example
 * const file = await workTreePath(repo, 'diffs/utopia/diff-v1-to-v2.diff');
 */
export async function workTreePath(repo: Repository, path: string): Promise<string> {
  const names = path.split('/');
  if (/[\0\\]/.test(path)) refuse(path, 'it holds a backslash or NUL');
  if (path.isWellFormed?.() === false) refuse(path, 'it is not valid Unicode');
  for (const name of names) {
    if (name === '' || name === '.' || name === '..') refuse(path, 'it is not a plain path below the top folder');
    if (DOT_GIT.test(name.replace(IGNORED_BY_HFS, ''))) refuse(path, "it reaches into Git's own folder");
  }
  if (/^[a-z]:/i.test(path)) refuse(path, 'it names a drive');

  let at = repo.root;
  for (const [i, name] of names.entries()) {
    at = join(at, name);
    const kind = await kindOf(at);
    const last = i === names.length - 1;
    if (kind === 'none') break;
    if (kind === 'too long') refuse(path, 'it is too long for this disk');
    if (kind !== (last ? 'file' : 'folder')) {
      const what = kind === 'other' ? 'a symbolic link or special file' : `a ${kind}`;
      throw new DataManagerError('FILE_NOT_REGULAR', `${names.slice(0, i + 1).join('/')} is ${what}.`, {
        hint: 'Move it out of the way.',
        data: { path },
      });
    }
    if (!last && (await kindOf(join(at, '.git'))) !== 'none') refuse(path, `${name} is another Git repository`);
  }
  return join(repo.root, ...names);
}
