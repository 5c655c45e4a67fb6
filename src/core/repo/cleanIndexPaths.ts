import { stat } from 'node:fs/promises';
import { DataManagerError } from '../errors';
import { dirtyPath, type TrackedFile } from './cleanPaths';
import { type IndexEntry, type IndexFile, rawPathOf } from './indexFile';
import { gitObject } from './looseObjects';
import { readCommit, readTree } from './readObjects';
import type { Head } from './readRefs';
import type { Repository } from './repository';
import { FOLDER_MODE } from './treeObject';
import type { FileReplacement } from './workTreeFiles';

interface CleanIndexOptions {
  readonly repo: Repository;
  readonly head: Head;
  readonly index: IndexFile;
  readonly files: readonly FileReplacement[];
  /** `core.fileMode`: the executable bit of a file means something. */
  readonly fileMode: boolean;
}

/**
 * Promises what `requireCleanPaths` does, for paths that git stores as they are (no line-end conversion, no filter), without a git
 * program: contents are compared, times are not trusted. Throws PATH_DIRTY, FILE_NOT_REGULAR.
 */
export async function requireCleanIndexPaths(options: CleanIndexOptions): Promise<ReadonlyMap<string, TrackedFile>> {
  const { repo, head, index, files, fileMode } = options;
  const tree = head.oid === null ? null : (await readCommit(repo, head.oid)).tree;
  const staged = stagedAt(index, files);
  const tracked = new Map<string, TrackedFile>();
  for (const file of files) {
    const { path, before } = file;
    const committed = tree === null ? null : await fileInTree(repo, tree, path);
    if (committed) tracked.set(path, committed);
    const entries = staged.get(path) ?? [];
    for (const entry of entries) refuseFlags(path, entry);
    const [entry] = entries;
    if (entry?.oid !== committed?.oid || (entry && committed && entry.mode !== committed.mode)) {
      throw dirtyPath(path, 'has changes that are staged');
    }
    if (!committed) {
      if (before !== null) {
        throw dirtyPath(path, 'exists, but Git does not track it', 'Move it out of the way, or commit it.');
      }
    } else if (before === null) {
      throw dirtyPath(path, 'has changes that are not committed (D)');
    } else if (
      gitObject('blob', before).oid !== committed.oid ||
      (fileMode && (await modeOf(file)) !== committed.mode)
    ) {
      throw dirtyPath(path, 'has changes that are not committed (M)');
    }
  }
  return tracked;
}

function refuseFlags(path: string, { stage, assumeUnchanged, skipWorktree, intentToAdd }: IndexEntry): void {
  if (stage !== 0) throw dirtyPath(path, 'has changes that are not merged');
  if (skipWorktree) throw dirtyPath(path, 'is left out by sparse-checkout', 'Take it in: git sparse-checkout add');
  if (intentToAdd) throw dirtyPath(path, 'is to be added (git add -N)');
  if (assumeUnchanged) {
    throw dirtyPath(path, 'is marked "assume unchanged"', `Run: git update-index --no-assume-unchanged "${path}"`);
  }
}

/** The entries at each path. One that is above or below such a path would be pushed out of the index: refused. */
function stagedAt(
  { entries }: IndexFile,
  files: readonly FileReplacement[],
): ReadonlyMap<string, readonly IndexEntry[]> {
  const wanted = new Map(files.map(({ path }) => [rawPathOf(path), path]));
  const above = new Map<string, string>();
  for (const rawPath of wanted.keys()) {
    for (let at = rawPath.indexOf('/'); at > 0; at = rawPath.indexOf('/', at + 1)) {
      const folder = rawPath.slice(0, at);
      above.set(folder, Buffer.from(folder, 'latin1').toString());
    }
  }
  const found = new Map<string, IndexEntry[]>();
  for (const entry of entries) {
    const path = wanted.get(entry.rawPath);
    if (path !== undefined) found.set(path, [...(found.get(path) ?? []), entry]);
    const folder = above.get(entry.rawPath);
    if (folder !== undefined) throw dirtyPath(folder, 'is staged, where a folder is to be');
    const file = folderOver(entry.rawPath, wanted);
    if (file !== undefined) throw dirtyPath(file, 'is a folder of something that is staged');
  }
  return found;
}

function folderOver(rawPath: string, wanted: ReadonlyMap<string, string>): string | undefined {
  for (let at = rawPath.indexOf('/'); at > 0; at = rawPath.indexOf('/', at + 1)) {
    const path = wanted.get(rawPath.slice(0, at));
    if (path !== undefined) return path;
  }
  return undefined;
}

async function fileInTree(repo: Repository, top: string, path: string): Promise<TrackedFile | null> {
  const names = path.split('/');
  let tree = top;
  for (const [i, name] of names.entries()) {
    const bytes = Buffer.from(name);
    const entry = (await readTree(repo, tree)).find((one) => one.name.equals(bytes));
    if (!entry) return null;
    const last = i === names.length - 1;
    if (last && entry.mode.startsWith('100')) {
      // Git once wrote 100664; its index only knows two.
      return { mode: Number.parseInt(entry.mode, 8) & 0o100 ? '100755' : '100644', oid: entry.oid };
    }
    if (last || entry.mode !== FOLDER_MODE) {
      const at = names.slice(0, i + 1).join('/');
      throw new DataManagerError(
        'FILE_NOT_REGULAR',
        `${at} is not a ${last ? 'regular file' : 'folder'} in the last commit.`,
        {
          data: { path },
        },
      );
    }
    tree = entry.oid;
  }
  return null;
}

async function modeOf({ file }: FileReplacement): Promise<string> {
  return (await stat(file)).mode & 0o100 ? '100755' : '100644';
}
