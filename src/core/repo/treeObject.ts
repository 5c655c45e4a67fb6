/** One entry of a tree. Names are bytes in Git and need not be UTF-8. */
export interface TreeEntry {
  /** As written, without leading zeros: `100644`, `100755`, `120000` (link), `40000` (folder), `160000` (submodule). */
  readonly mode: string;
  readonly name: Buffer;
  readonly oid: string;
  /** The entry as it stands in the tree. */
  readonly raw: Buffer;
}

export const FOLDER_MODE = '40000';

/**
 * The entries of a tree object: mode, space, name, NUL, 20 bytes of id (git: tree-walk.c). Entries that are put back with
 * `formatTree` come out byte for byte, also those that today's git would write differently.
 *
 * @example
 * parseTree(bytes).map(({ name }) => name.toString());
 */
export function parseTree(tree: Buffer): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(0x20, at);
    const nul = tree.indexOf(0, space);
    entries.push({
      mode: tree.toString('latin1', at, space).replace(/^0+/, ''),
      name: tree.subarray(space + 1, nul),
      oid: tree.toString('hex', nul + 1, nul + 21),
      raw: tree.subarray(at, nul + 21),
    });
    at = nul + 21;
  }
  return entries;
}

export function treeEntry(mode: string, name: Buffer, oid: string): TreeEntry {
  return {
    mode,
    name,
    oid,
    raw: Buffer.concat([Buffer.from(`${mode} `), name, Buffer.alloc(1), Buffer.from(oid, 'hex')]),
  };
}

/** The tree object of these entries, in Git's order: by bytes, as if the name of a folder ended with `/` (base_name_compare). */
export function formatTree(entries: readonly TreeEntry[]): Buffer {
  const key = ({ mode, name }: TreeEntry): Buffer =>
    mode === FOLDER_MODE ? Buffer.concat([name, Buffer.from('/')]) : name;
  const keyed = entries.map((entry) => ({ key: key(entry), raw: entry.raw }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  return Buffer.concat(keyed.map(({ raw }) => raw));
}
