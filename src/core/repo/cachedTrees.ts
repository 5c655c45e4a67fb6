/** A folder in the index's extension TREE: which tree its entries make, as long as nothing below it changes. */
interface CachedTree {
  readonly name: string;
  /** Entries below it; -1: not known any more. */
  readonly count: number;
  /** 20 bytes, none when not known. */
  readonly oid: Buffer;
  readonly folders: readonly CachedTree[];
}

/**
 * The content of the extension TREE after changes at some paths (latin1): the folders on their way are marked as not known, which is
 * git's own `cache_tree_invalidate_path`. Empty, which means nothing is known, when it can't be read.
 * Format: gitformat-index, "Cache tree": name, NUL, count, space, number of folders, LF, id unless the count is negative.
 *
 * @example
 * const content = cachedTreesWithout(extension.content, ['diffs/utopia/a.diff']);
 */
export function cachedTreesWithout(content: Buffer, rawPaths: readonly string[]): Buffer {
  let at = 0;
  const until = (byte: number): string => {
    const end = content.indexOf(byte, at);
    if (end < 0) throw new RangeError('truncated');
    const text = content.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  const parse = (): CachedTree => {
    const name = until(0);
    const [count = -1, folderCount = 0] = until(0x0a).split(' ').map(Number);
    const oid = content.subarray(at, count < 0 ? at : at + 20);
    at += oid.length;
    const folders: CachedTree[] = [];
    while (folders.length < folderCount) folders.push(parse());
    return { name, count, oid, folders };
  };
  const parts: Buffer[] = [];
  const write = ({ name, count, oid, folders }: CachedTree, below: readonly (readonly string[])[]): void => {
    const known = below.length === 0;
    // A file takes the place of the folder of its name.
    const left = folders.filter((folder) => !below.some((names) => names.length === 1 && names[0] === folder.name));
    parts.push(Buffer.from(`${name}\0${known ? count : -1} ${left.length}\n`, 'latin1'));
    if (known) parts.push(oid);
    for (const folder of left) {
      write(
        folder,
        below.filter((names) => names[0] === folder.name).map((names) => names.slice(1)),
      );
    }
  };
  if (content.length === 0) return content;
  try {
    write(
      parse(),
      rawPaths.map((path) => path.split('/')),
    );
  } catch (error) {
    if (error instanceof RangeError) return Buffer.alloc(0);
    throw error;
  }
  return Buffer.concat(parts);
}
