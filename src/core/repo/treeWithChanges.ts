import { type GitObject, gitObject } from './looseObjects';
import { readTree } from './readObjects';
import type { Repository } from './repository';
import type { EntryChange } from './repositoryWriter';
import { FOLDER_MODE, formatTree, treeEntry } from './treeObject';

export interface BuiltTree {
  readonly oid: string;
  /** The trees on the way to what changed, to be written. */
  readonly objects: readonly GitObject[];
}

/** A change and what is left of its path below the tree at hand. */
interface Below {
  readonly names: readonly string[];
  readonly change: EntryChange;
}

/**
 * A tree with other files at some paths. Only the folders on the way are built anew, and in them every other entry stays as it is, to
 * the byte. No folder of the tree may stand where a file is to be, and no file where a folder is.
 *
 * @example
 * const { oid, objects } = await treeWithChanges(repo, head.tree, [{ path: 'manifest.json', mode: '100644', oid: blob }]);
 */
export async function treeWithChanges(
  repo: Repository,
  tree: string | null,
  changes: readonly EntryChange[],
): Promise<BuiltTree> {
  const objects: GitObject[] = [];
  const build = async (from: string | null, below: readonly Below[]): Promise<string | null> => {
    const entries = new Map(
      (from === null ? [] : await readTree(repo, from)).map((e) => [e.name.toString('latin1'), e]),
    );
    for (const [name, inside] of byFirstName(below)) {
      const key = Buffer.from(name).toString('latin1');
      const old = entries.get(key);
      const [first] = inside;
      const oid =
        first?.names.length === 1
          ? first.change.oid
          : await build(old?.mode === FOLDER_MODE ? old.oid : null, inside.map(withoutFirstName));
      const mode = first?.names.length === 1 ? first.change.mode : FOLDER_MODE;
      if (oid === null) entries.delete(key);
      else if (old?.oid !== oid || old.mode !== mode) entries.set(key, treeEntry(mode, Buffer.from(name), oid));
    }
    if (entries.size === 0) return null;
    const object = gitObject('tree', formatTree([...entries.values()]));
    if (object.oid !== from) objects.push(object);
    return object.oid;
  };
  const oid = await build(
    tree,
    changes.map((change) => ({ names: change.path.split('/'), change })),
  );
  if (oid !== null) return { oid, objects };
  const empty = gitObject('tree', Buffer.alloc(0));
  return { oid: empty.oid, objects: [empty] };
}

function withoutFirstName({ names, change }: Below): Below {
  return { names: names.slice(1), change };
}

function byFirstName(below: readonly Below[]): ReadonlyMap<string, readonly Below[]> {
  const groups = new Map<string, Below[]>();
  for (const one of below) {
    const name = one.names[0] ?? '';
    const group = groups.get(name);
    if (group) group.push(one);
    else groups.set(name, [one]);
  }
  return groups;
}
