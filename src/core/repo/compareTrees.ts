import type { TrackedFile } from './cleanPaths';
import { readTree } from './readObjects';
import type { Repository } from './repository';
import { FOLDER_MODE, type TreeEntry } from './treeObject';

/** A path that holds something else in one tree than in the other; null: nothing. Any kind of entry but a folder. */
export interface TreeDifference {
  /** From the top, names as bytes in latin1: a name need not be UTF-8. */
  readonly rawPath: string;
  readonly from: TrackedFile | null;
  readonly to: TrackedFile | null;
}

/**
 * What differs between two trees. Folders with the same id are not read. Throws REPOSITORY_UNSUPPORTED when a tree is missing.
 *
 * @example
 * for (const { rawPath } of await compareTrees(repo, before.tree, after.tree)) show(rawPath);
 */
export async function compareTrees(
  repo: Repository,
  from: string | null,
  to: string | null,
  prefix = '',
): Promise<readonly TreeDifference[]> {
  if (from === to) return [];
  const before = await entriesOf(repo, from);
  const after = await entriesOf(repo, to);
  const differences: TreeDifference[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(name), after.get(name)];
    if (old?.mode === now?.mode && old?.oid === now?.oid) continue;
    const rawPath = prefix + name;
    const [oldFolder, nowFolder] = [folderOid(old), folderOid(now)];
    differences.push(...(await compareTrees(repo, oldFolder, nowFolder, `${rawPath}/`)));
    const [oldFile, nowFile] = [oldFolder === null && old, nowFolder === null && now];
    if (oldFile || nowFile) differences.push({ rawPath, from: oldFile || null, to: nowFile || null });
  }
  return differences;
}

function folderOid(entry: TreeEntry | undefined): string | null {
  return entry?.mode === FOLDER_MODE ? entry.oid : null;
}

async function entriesOf(repo: Repository, oid: string | null): Promise<ReadonlyMap<string, TreeEntry>> {
  const entries = oid === null ? [] : await readTree(repo, oid);
  return new Map(entries.map((entry) => [entry.name.toString('latin1'), entry]));
}
