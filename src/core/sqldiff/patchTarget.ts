import type { RowChange, SqlValue, TableHeader } from './model';
import type { TextEncodingName } from './openDatabase';
import type { Table } from './schema';
import { nameKey } from './schema';
import { sqlName } from './sqlLiteral';
import { sameValue } from './valueOrder';

/** How a patch writes the rows of one table. */
export interface PatchTarget {
  readonly header: TableHeader;
  /** That of the database which is patched. */
  readonly encoding: TextEncodingName;
  /** Name in SQL of the table that the statements change. */
  readonly name: string;
  /** Key columns, as the statements compare them. */
  readonly keyReferences: readonly string[];
  /** ` COLLATE BINARY` where columns may have another collation, else nothing. */
  readonly binaryCollation: string;
  /** Columns that the statements may name. */
  readonly columns: readonly string[];
  /** The table before, whose rows the statements look for; null for a new one. */
  readonly before: Table | null;
  /** Name in SQL of its rowid. */
  readonly rowidName: string;
  /** True when the statements change a copy without types, constraints and collations. */
  readonly rebuilds: boolean;
  /** True when a row may hold a unique value that another changed row is about to give up. */
  readonly collides: boolean;
  /** False for a dropped table: its rows go with it. */
  readonly writesRows: boolean;
  readonly finish: readonly string[];
}

export interface ColumnPlaces {
  /** Place before of each column after; -1 when it is new. */
  readonly older: readonly number[];
  /** Place before of each key column. */
  readonly key: readonly number[];
  /** Names of columns after, as SQL. */
  readonly names: readonly string[];
}

/** Looked up once a table: there may be millions of rows. */
const knownPlaces = new WeakMap<TableHeader, ColumnPlaces>();

/**
 * Where the columns that a table's statements name are found in its rows.
 *
 * @example
 * const { key, names } = placesOf(header);
 */
export function placesOf(header: TableHeader): ColumnPlaces {
  let places = knownPlaces.get(header);
  if (places === undefined) {
    const before = new Map((header.before ?? []).map((column, place) => [nameKey(column.name), place]));
    const placeOf = (name: string): number => before.get(nameKey(name)) ?? -1;
    const after = header.after ?? [];
    places = {
      older: after.map((column) => placeOf(column.name)),
      key: header.key.columns.map(placeOf),
      names: after.map((column) => sqlName(column.name)),
    };
    knownPlaces.set(header, places);
  }
  return places;
}

/**
 * Key columns with the collation under which they are unique, by whose index they are found: that of their column, which SQLite
 * would take, may be another one, and see several rows as one.
 *
 * @example
 * keyReferences(header, before); // ['"region" COLLATE "NOCASE"', '"year" COLLATE "BINARY"']
 */
export function keyReferences(header: TableHeader, before: Table): string[] {
  const names = header.key.columns.map(sqlName);
  if (!hasCollations(before)) return names;
  const key = setOf(header.key.columns);
  const index = before.uniqueIndexes.find(({ columns }) => columns && setOf(columns.map(({ name }) => name)) === key);
  return header.key.columns.map((name, i) => {
    const part = index?.columns?.find((column) => nameKey(column.name) === nameKey(name));
    return `${names[i]} COLLATE ${sqlName(part?.collation ?? 'BINARY')}`;
  });
}

/**
 * False when all columns of a table are compared by their bytes.
 *
 * @example
 * const collate = hasCollations(table) ? ' COLLATE BINARY' : '';
 */
export function hasCollations(table: Table): boolean {
  return /collate/i.test(table.sql) || table.uniqueIndexes.some(({ columns }) => columns?.some(isCollated));
}

function isCollated({ collation }: { readonly collation: string }): boolean {
  return collation.toUpperCase() !== 'BINARY';
}

function setOf(names: readonly string[]): string {
  return names.map(nameKey).sort().join('\0');
}

/**
 * The columns that an update has to set.
 *
 * @example
 * changedColumns(header, change).map(({ sql, value }) => `${sql}=${sqlLiteral(value)}`);
 */
export function changedColumns(
  header: TableHeader,
  change: Extract<RowChange, { kind: 'update' }>,
): { readonly name: string; readonly sql: string; readonly value: SqlValue }[] {
  const { older, names } = placesOf(header);
  const changed: { name: string; sql: string; value: SqlValue }[] = [];
  header.after?.forEach((column, place) => {
    const value = change.after[place] ?? null;
    const source = older[place] ?? -1;
    if (source >= 0 && sameValue(change.before[source] ?? null, value)) return;
    changed.push({ name: column.name, sql: names[place] as string, value });
  });
  return changed;
}

/**
 * True when a table has a unique constraint beyond the key that its rows are paired by: then one statement's row may meet a
 * value that a later statement takes away. The key's own index counts too where it sees more values as equal than the pairing
 * may have done, which knows no collation between files of different encodings.
 *
 * @example
 * const collides = hasFurtherConstraint(header, before);
 */
export function hasFurtherConstraint(header: TableHeader, before: Table): boolean {
  const key = setOf(header.key.columns);
  return before.uniqueIndexes.some(
    ({ columns }) => columns === null || columns.some(isCollated) || setOf(columns.map(({ name }) => name)) !== key,
  );
}

/**
 * True when an update changes what a unique constraint looks at: a column of it, or one that an expression or a generated
 * column may be made of.
 *
 * @example
 * if (touchesConstraint(target, change)) deleteAndInsert();
 */
export function touchesConstraint(target: PatchTarget, change: Extract<RowChange, { kind: 'update' }>): boolean {
  const stored = new Set(target.before?.columns.map((column) => nameKey(column.name)));
  const changed = new Set(changedColumns(target.header, change).map(({ name }) => nameKey(name)));
  return (target.before?.uniqueIndexes ?? []).some(
    ({ columns }) =>
      columns === null || columns.some(({ name }) => changed.has(nameKey(name)) || !stored.has(nameKey(name))),
  );
}
