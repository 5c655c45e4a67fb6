import type { RowKey } from './model';
import type { OpenedDatabase } from './openDatabase';
import { queryAll } from './openDatabase';
import type { Table, TableColumn } from './schema';
import { nameKey, primaryKeyOf } from './schema';
import { sqlName } from './sqlLiteral';

export interface TableSide {
  readonly database: OpenedDatabase;
  readonly table: Table;
}

/** A row key with the collation that each of its columns is compared by, which is the same on both sides. */
export interface PairingKey extends RowKey {
  readonly collations: readonly string[];
}

/** An application's own collation is not there to be called: such keys are compared by BINARY. */
const KNOWN_COLLATIONS = new Set(['BINARY', 'NOCASE', 'RTRIM']);

/**
 * Chooses how rows of a table are paired: the primary key, else the key declared in the manifest, else a UNIQUE index over
 * NOT NULL columns, else by content. A key that is not unique on both sides, or not there on one, is passed over.
 *
 * @example
 * chooseKey([before, after], ['region', 'tech']); // {kind: 'declared', columns: ['region', 'tech'], ...}
 */
export function chooseKey(sides: readonly TableSide[], declared: readonly string[] | undefined): PairingKey {
  for (const candidate of candidates(sides, declared)) {
    const collations = candidate.columns.map((name) => sharedCollation(sides, candidate, name));
    if (sides.every((side) => isUnique(side, candidate.columns, collations))) return { ...candidate, collations };
  }
  return { kind: 'content', columns: [], collations: [] };
}

/**
 * A column by its name, as SQLite looks it up.
 *
 * @example
 * findColumn(table, 'Region')?.type;
 */
export function findColumn(table: Table, name: string): TableColumn | undefined {
  return table.columns.find((column) => nameKey(column.name) === nameKey(name));
}

function* candidates(sides: readonly TableSide[], declared: readonly string[] | undefined): Generator<RowKey> {
  const newestFirst = [...sides].reverse();
  const everywhere = (columns: readonly string[]): boolean =>
    columns.length > 0 && columns.every((name) => sides.every((side) => findColumn(side.table, name)));
  for (const { table } of newestFirst) {
    const columns = primaryKeyOf(table);
    if (everywhere(columns)) yield { kind: 'primary-key', columns };
  }
  if (declared && everywhere(declared)) yield { kind: 'declared', columns: declared };
  for (const { table } of newestFirst) {
    const indexes = table.uniqueIndexes
      .flatMap((index) => (index.columns && index.origin !== 'primary-key' ? [index.columns] : []))
      .sort((a, b) => a.length - b.length);
    for (const index of indexes) {
      const columns = index.map((column) => column.name);
      const never = (name: string): boolean => sides.every((side) => findColumn(side.table, name)?.notNull === true);
      if (everywhere(columns) && columns.every(never)) yield { kind: 'unique-index', columns };
    }
  }
}

/** The collation of the index behind the key when both sides agree; otherwise BINARY, under which more is unique. */
function sharedCollation(sides: readonly TableSide[], key: RowKey, column: string): string {
  if (key.kind === 'declared') return 'BINARY';
  const found = new Set(sides.map((side) => indexBehind(side.table, key.columns)?.get(nameKey(column)) ?? 'BINARY'));
  const [only] = found;
  if (only === undefined || !KNOWN_COLLATIONS.has(only)) return 'BINARY';
  const sameEncoding = new Set(sides.map((side) => side.database.encoding)).size === 1;
  return found.size === 1 && sameEncoding ? only : 'BINARY';
}

/** Collation by column of a unique index over exactly these columns. */
function indexBehind(table: Table, columns: readonly string[]): Map<string, string> | undefined {
  const wanted = columns.map(nameKey).sort().join('\0');
  for (const index of table.uniqueIndexes) {
    const names = index.columns?.map((column) => nameKey(column.name)).sort();
    if (names?.join('\0') === wanted) {
      return new Map(index.columns?.map((column) => [nameKey(column.name), column.collation.toUpperCase()]));
    }
  }
  return undefined;
}

function isUnique({ database, table }: TableSide, columns: readonly string[], collations: readonly string[]): boolean {
  const primaryKey = primaryKeyOf(table);
  const isPrimaryKey = primaryKey.map(nameKey).sort().join('\0') === columns.map(nameKey).sort().join('\0');
  const aliasOfRowid = isPrimaryKey && !table.uniqueIndexes.some((index) => index.origin === 'primary-key');
  if (aliasOfRowid || (isPrimaryKey && table.withoutRowid)) return true;
  const constrained = indexBehind(table, columns) !== undefined;
  const nullable = columns.filter((name) => findColumn(table, name)?.notNull !== true);
  if (constrained && nullable.length === 0) return true;
  // NULLs are never equal to a UNIQUE constraint, so only rows that hold one can repeat.
  const where = constrained ? `WHERE ${nullable.map((name) => `${sqlName(name)} IS NULL`).join(' OR ')}` : '';
  const terms = columns.map((name, place) => `${sqlName(name)} COLLATE ${sqlName(collations[place] ?? 'BINARY')}`);
  const sql = `SELECT 1 FROM ${database.schema}.${sqlName(table.name)} ${where} GROUP BY ${terms.join(', ')} HAVING count(*) > 1 LIMIT 1`;
  return queryAll(database.connection, sql).length === 0;
}
