import type { RowKey } from './model';
import type { PairingKey } from './rowKey';
import { findColumn } from './rowKey';
import { nameKey, primaryKeyOf, type Table } from './schema';

/** A key by which rows could be paired, and what is still to be proven of it. */
export interface KeyCandidate {
  readonly key: PairingKey;
  /** For each side: `unique` by its schema; `unique-but-nulls`: only keys that hold a NULL can repeat; else `unknown`. */
  readonly proofs: readonly ('unique' | 'unique-but-nulls' | 'unknown')[];
}

const knownCollations = new Set(['BINARY', 'NOCASE', 'RTRIM']);

/**
 * The keys that rows of a table could be paired by, best first, `content` last. The order is that of `chooseKey` in rowKey.ts:
 * primary key, key declared in the manifest, UNIQUE index over NOT NULL columns; newer table first.
 *
 * @example
 * keyCandidates([before, after], ['region', 'tech'], true)[0]?.key.kind; // 'primary-key'
 */
export function keyCandidates(
  sides: readonly Table[],
  declared: readonly string[] | undefined,
  sameEncoding: boolean,
): KeyCandidate[] {
  const found: KeyCandidate[] = [];
  for (const key of possibleKeys(sides, declared)) {
    const collations = key.columns.map((name) => sharedCollation(sides, key, name, sameEncoding));
    found.push({ key: { ...key, collations }, proofs: sides.map((side) => proofOf(side, key.columns)) });
  }
  const content: PairingKey = { kind: 'content', columns: [], collations: [] };
  return [...found, { key: content, proofs: [] }];
}

function* possibleKeys(sides: readonly Table[], declared: readonly string[] | undefined): Generator<RowKey> {
  const newestFirst = [...sides].reverse();
  const everywhere = (columns: readonly string[]): boolean =>
    columns.length > 0 && columns.every((name) => sides.every((side) => findColumn(side, name)));
  for (const table of newestFirst) {
    const columns = primaryKeyOf(table);
    if (everywhere(columns)) yield { kind: 'primary-key', columns };
  }
  if (declared && everywhere(declared)) yield { kind: 'declared', columns: declared };
  for (const table of newestFirst) {
    const indexes = table.uniqueIndexes
      .flatMap((index) => (index.columns && index.origin !== 'primary-key' ? [index.columns] : []))
      .sort((a, b) => a.length - b.length);
    for (const index of indexes) {
      const columns = index.map((column) => column.name);
      const never = (name: string): boolean => sides.every((side) => findColumn(side, name)?.notNull === true);
      if (everywhere(columns) && columns.every(never)) yield { kind: 'unique-index', columns };
    }
  }
}

/** The collation of the index behind the key when both sides agree; otherwise BINARY, under which more is unique. */
function sharedCollation(sides: readonly Table[], key: RowKey, column: string, sameEncoding: boolean): string {
  if (key.kind === 'declared') return 'BINARY';
  const found = new Set(sides.map((side) => indexBehind(side, key.columns)?.get(nameKey(column)) ?? 'BINARY'));
  const [only] = found;
  return only !== undefined && found.size === 1 && knownCollations.has(only) && sameEncoding ? only : 'BINARY';
}

/** Collation by column of a unique index over exactly these columns. */
function indexBehind(table: Table, columns: readonly string[]): Map<string, string> | undefined {
  const wanted = setOf(columns);
  for (const { columns: parts } of table.uniqueIndexes) {
    if (parts === null || setOf(parts.map((part) => part.name)) !== wanted) continue;
    return new Map(parts.map((part) => [nameKey(part.name), part.collation.toUpperCase()]));
  }
  return undefined;
}

function proofOf(table: Table, columns: readonly string[]): KeyCandidate['proofs'][number] {
  const isPrimaryKey = setOf(primaryKeyOf(table)) === setOf(columns);
  if (isPrimaryKey && (table.withoutRowid || isRowid(table))) return 'unique';
  if (indexBehind(table, columns) === undefined) return 'unknown';
  return columns.every((name) => findColumn(table, name)?.notNull) ? 'unique' : 'unique-but-nulls';
}

/** A primary key without an index of its own is the rowid. */
function isRowid(table: Table): boolean {
  return !table.uniqueIndexes.some((index) => index.origin === 'primary-key');
}

function setOf(columns: readonly string[]): string {
  return columns.map(nameKey).sort().join('\0');
}
