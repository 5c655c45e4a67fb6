/** A version as a comparison names it: by its bytes, so that a renumbering can't show other rows under an old address. */
export interface ComparedVersion {
  readonly version: string;
  readonly sha256: string;
}

/** What is compared: two versions of one dataset, or the first one with nothing. */
export interface Comparison {
  /** Folder of the repository's manifest. */
  readonly folder: string;
  readonly name: string;
  readonly before: ComparedVersion | null;
  readonly after: ComparedVersion;
  /** Commit whose manifest describes the versions; null for the work tree's. */
  readonly at: string | null;
}

/** One side of one document pair. */
export interface DocumentAddress {
  readonly comparison: Comparison;
  /** Null for the schema. */
  readonly table: string | null;
  readonly side: 'before' | 'after';
}

/**
 * The path and query of a document's URI. Everything that is needed to make the text again is in it, so that an editor which
 * VS Code restores after a reload is not empty. Both sides have the same path, else the multi-file diff shows a rename.
 */
export function encodeAddress({ comparison, table, side }: DocumentAddress): { path: string; query: string } {
  const { folder, name, before, after, at } = comparison;
  // A slash in a table's name must not become a folder.
  const file = table === null ? 'schema.sql' : table.replaceAll('/', '∕');
  const query = JSON.stringify([
    folder,
    name,
    before?.version,
    before?.sha256,
    after.version,
    after.sha256,
    at,
    table,
    side,
  ]);
  return { path: `/${name}/${file}`, query };
}

/** Reads `encodeAddress` back; null for an address that is not one of ours. */
export function decodeAddress(query: string): DocumentAddress | null {
  try {
    const parts: unknown = JSON.parse(query);
    if (!Array.isArray(parts) || parts.length !== 9) return null;
    const [folder, name, beforeVersion, beforeSha, version, sha256, at, table, side] = parts as unknown[];
    const texts = [folder, name, version, sha256].every((part) => typeof part === 'string');
    const optional = [beforeVersion, beforeSha, at, table].every((part) => part === null || typeof part === 'string');
    if (!texts || !optional || (side !== 'before' && side !== 'after')) return null;
    const before = beforeVersion === null ? null : { version: beforeVersion as string, sha256: beforeSha as string };
    const after = { version: version as string, sha256: sha256 as string };
    return {
      comparison: { folder: folder as string, name: name as string, before, after, at: at as string | null },
      table: table as string | null,
      side,
    };
  } catch {
    return null;
  }
}

/** Identifies a comparison. */
export function comparisonKey(comparison: Comparison): string {
  return encodeAddress({ comparison, table: null, side: 'after' }).query;
}

/** `utopia.sqlite v2 ↔ v3`, or `utopia.sqlite v1` for a first version. */
export function comparisonTitle({ name, before, after }: Comparison): string {
  return before ? `${name} ${before.version} ↔ ${after.version}` : `${name} ${after.version}`;
}
