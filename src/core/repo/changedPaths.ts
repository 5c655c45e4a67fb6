import { DataManagerError } from '../errors';
import { readRawObject } from './readObjects';
import type { Repository } from './repository';

interface TreeEntry {
  readonly mode: string;
  readonly oid: string;
}

/** The entries of a tree by name, as bytes in latin1: names need not be UTF-8. Entry: mode, space, name, NUL, 20 bytes of id. */
async function readTree(repo: Repository, oid: string | null): Promise<ReadonlyMap<string, TreeEntry>> {
  const entries = new Map<string, TreeEntry>();
  if (oid === null) return entries;
  const found = await readRawObject(repo, oid);
  if (found?.type !== 'tree') {
    throw new DataManagerError('REPOSITORY_UNSUPPORTED', `The tree ${oid} is missing from this clone.`, {
      hint: 'Check the repository with: git fsck',
      data: { oid },
    });
  }
  const { bytes } = found;
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, space);
    const entry = { mode: bytes.toString('latin1', at, space), oid: bytes.toString('hex', nul + 1, nul + 21) };
    entries.set(bytes.toString('latin1', space + 1, nul), entry);
    at = nul + 21;
  }
  return entries;
}

/** The id of an entry that is a folder; null for anything else. */
function folder(entry: TreeEntry | undefined): string | null {
  return entry && /^0?40000$/.test(entry.mode) ? entry.oid : null;
}

/**
 * Paths (from the top of the work tree, with `/`) of the files that differ between two trees; null is an empty tree. Reads only
 * folders that differ.
 *
 * Throws REPOSITORY_UNSUPPORTED when objects are missing.
 *
 * @example
 * for await (const path of changedPaths(repo, parent.tree, commit.tree)) report(path);
 */
export async function* changedPaths(
  repo: Repository,
  before: string | null,
  after: string | null,
  prefix = '',
): AsyncGenerator<string> {
  if (before === after) return;
  const [old, now] = await Promise.all([readTree(repo, before), readTree(repo, after)]);
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(name), now.get(name)];
    if (was?.oid === is?.oid && was?.mode === is?.mode) continue;
    const path = prefix + Buffer.from(name, 'latin1').toString('utf8');
    if ((was && folder(was) === null) || (is && folder(is) === null)) yield path;
    yield* changedPaths(repo, folder(was), folder(is), `${path}/`);
  }
}
