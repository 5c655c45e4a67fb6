import { readObject } from 'isomorphic-git';
import { DataManagerError, systemCode } from '../errors';
import { objectFiles } from './objectFiles';
import type { Repository } from './repository';
import { parseTree, type TreeEntry } from './treeObject';

export interface Person {
  readonly name: string;
  readonly email: string;
}

export interface Commit {
  readonly oid: string;
  readonly parents: readonly string[];
  readonly tree: string;
  readonly author: Person;
  /** When it was committed, milliseconds since 1970. */
  readonly timestamp: number;
  readonly message: string;
  /** First line of the message. */
  readonly subject: string;
}

type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

interface RawObject {
  readonly type: ObjectType;
  readonly bytes: Buffer;
}

/** One object, by its full id; null when it isn't in this clone. */
export async function readRawObject(repo: Repository, oid: string): Promise<RawObject | null> {
  const files = objectFiles(repo);
  for (let attempt = 0; ; attempt++) {
    try {
      const read = { fs: files.fs, gitdir: repo.commonDir, cache: repo.objectCache, oid, format: 'content' as const };
      const found = await readObject(read);
      return { type: found.type as ObjectType, bytes: Buffer.from(found.object as Uint8Array) };
    } catch (error) {
      const gone = systemCode(error) === 'NotFoundError' || systemCode(error) === 'ENOENT';
      if (!gone) {
        throw new DataManagerError('REPOSITORY_UNSUPPORTED', `Git object ${oid} cannot be read.`, {
          hint: 'Check the repository with: git fsck',
          data: { oid },
          cause: error,
        });
      }
      // An external `git gc` may have moved it from a loose file to a pack between two looks.
      if (attempt > 0) return null;
      files.forget();
    }
  }
}

async function requireObject(repo: Repository, oid: string, type: ObjectType): Promise<Buffer> {
  const found = await readRawObject(repo, oid);
  if (found?.type === type) return found.bytes;
  throw new DataManagerError('REPOSITORY_UNSUPPORTED', `The ${type} ${oid} is missing from this clone.`, {
    hint: 'Check the repository with: git fsck',
    data: { oid },
  });
}

/** Parses a commit object: headers, a blank line, the message. Format: git's Documentation/user-manual, "Commit Object". */
function parseCommit(oid: string, bytes: Buffer): Commit {
  const end = bytes.indexOf('\n\n');
  const headers = bytes.toString('utf8', 0, end < 0 ? bytes.length : end).split('\n');
  const header = (name: string): string =>
    headers.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  const author = /^(.*?) ?<(.*?)>/.exec(header('author'));
  const seconds = Number(/ (-?\d+) [+-]\d+$/.exec(header('committer'))?.[1] ?? '0');
  const latin1 = /^(iso-?8859-1|latin-?1|cp1252|windows-1252)$/i.test(header('encoding'));
  const message = end < 0 ? '' : bytes.toString(latin1 ? 'latin1' : 'utf8', end + 2);
  return {
    oid,
    parents: headers.filter((line) => line.startsWith('parent ')).map((line) => line.slice(7)),
    tree: header('tree'),
    author: { name: author?.[1] ?? '', email: author?.[2] ?? '' },
    timestamp: seconds * 1000,
    message,
    subject: message.trimStart().split('\n', 1)[0] ?? '',
  };
}

/**
 * One commit, by its full id. Throws COMMIT_NOT_FOUND when this clone has no such commit.
 *
 * @example
 * const { author, subject } = await readCommit(repo, oid);
 */
export async function readCommit(repo: Repository, oid: string): Promise<Commit> {
  const found = await readRawObject(repo, oid);
  if (found?.type === 'commit') return parseCommit(oid, found.bytes);
  throw new DataManagerError('COMMIT_NOT_FOUND', `There is no commit ${oid} in this clone.`, { data: { oid } });
}

/**
 * The entries of a tree, by its full id. Throws REPOSITORY_UNSUPPORTED when this clone doesn't hold it.
 *
 * @example
 * const entries = await readTree(repo, (await readCommit(repo, oid)).tree);
 */
export async function readTree(repo: Repository, oid: string): Promise<readonly TreeEntry[]> {
  return parseTree(await requireObject(repo, oid, 'tree'));
}

/** Entry of a tree, compared as bytes because names need not be UTF-8. */
function treeEntry(tree: Buffer, name: string): { readonly mode: string; readonly oid: string } | null {
  const wanted = Buffer.from(name);
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(0x20, at);
    const nul = tree.indexOf(0, space);
    if (tree.subarray(space + 1, nul).equals(wanted)) {
      return { mode: tree.toString('latin1', at, space), oid: tree.toString('hex', nul + 1, nul + 21) };
    }
    at = nul + 21;
  }
  return null;
}

/** Id of the file at `path` below a tree; null when there is none, or when it is a folder, symlink or submodule. */
export async function blobOidInTree(repo: Repository, treeOid: string, path: string): Promise<string | null> {
  const names = path.split('/');
  let tree = treeOid;
  for (const [i, name] of names.entries()) {
    const entry = treeEntry(await requireObject(repo, tree, 'tree'), name);
    if (!entry) return null;
    if (i === names.length - 1) return entry.mode.startsWith('100') ? entry.oid : null;
    if (!/^0?40000$/.test(entry.mode)) return null;
    tree = entry.oid;
  }
  return null;
}

/**
 * Blob id of the file at `path` (from the top of the work tree, with `/`) in a commit; null when there is no such file.
 * Equal ids mean equal bytes. Throws COMMIT_NOT_FOUND, REPOSITORY_UNSUPPORTED when objects are missing.
 *
 * @example
 * const oid = await blobOidAt(repo, head, repo.manifestPath);
 */
export async function blobOidAt(repo: Repository, commitOid: string, path: string): Promise<string | null> {
  const commit = await readCommit(repo, commitOid);
  return blobOidInTree(repo, commit.tree, path);
}

/**
 * Bytes of a blob. Throws REPOSITORY_UNSUPPORTED when this clone doesn't hold it.
 *
 * @example
 * const text = new TextDecoder().decode(await readBlob(repo, oid));
 */
export async function readBlob(repo: Repository, oid: string): Promise<Uint8Array> {
  return requireObject(repo, oid, 'blob');
}

/**
 * Bytes of the file at `path` in a commit, as Git stores them (no line-end or LFS filter); null when there is no such file.
 * Throws COMMIT_NOT_FOUND, REPOSITORY_UNSUPPORTED when objects are missing.
 *
 * @example
 * const bytes = await readFileAt(repo, oid, 'manifest.json');
 */
export async function readFileAt(repo: Repository, commitOid: string, path: string): Promise<Uint8Array | null> {
  const oid = await blobOidAt(repo, commitOid, path);
  return oid === null ? null : readBlob(repo, oid);
}
