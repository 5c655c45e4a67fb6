import type { Row, RowChange, SqlValue } from './model';
import type { OpenedDatabase } from './openDatabase';
import type { PairingKey, TableSide } from './rowKey';
import { findColumn } from './rowKey';
import { exactColumns, readRows } from './rowReader';
import type { Table } from './schema';
import { nameKey } from './schema';
import { sqlName } from './sqlLiteral';
import { compareValues, sameValue } from './valueOrder';

/** A column of the newer table that the older lacks; a row that holds its default is not changed by it. */
export interface AddedColumn {
  /** Place among the newer table's columns. */
  readonly place: number;
  readonly defaultValue: SqlValue;
  readonly defaultLiteral: string;
}

export interface Comparison {
  readonly before: TableSide;
  readonly after: TableSide;
  readonly key: PairingKey;
  readonly added: readonly AddedColumn[];
  /** True when one query can see both databases. */
  readonly attached: boolean;
}

/**
 * Changed rows of a table that is on both sides, in key order.
 *
 * SQL drops the rows that are the same on the other side, each side is sorted by the key, and the two streams are merged
 * here. The first step only saves time: a row is dropped when an equal one is at the same rowid or under the same key, and
 * where one query can't see both databases it is left out. Rows are the same when the columns of both tables are, and those that are new
 * hold their default.
 *
 * @example
 * for (const change of compareRows(comparison)) ...
 */
export function* compareRows(comparison: Comparison): Generator<RowChange, void, undefined> {
  const { before, after, key } = comparison;
  const shared = sharedColumns(before.table, after.table);
  const byContent = key.kind === 'content';
  const keyColumns = byContent
    ? shared.map((pair) => ({ ...pair, collation: 'BINARY' }))
    : key.columns.map((name, place) => ({
        ...places(before.table, after.table, name),
        collation: key.collations[place] ?? 'BINARY',
      }));

  const holdsDefaults = (row: Row): boolean =>
    comparison.added.every(({ place, defaultValue }) => sameValue(row[place] ?? null, defaultValue));
  const same = (older: Row, newer: Row): boolean =>
    shared.every((pair) => sameValue(older[pair.before] ?? null, newer[pair.after] ?? null)) && holdsDefaults(newer);
  const encoding = comparison.attached ? before.database.encoding : 'UTF-8';
  const order = (older: Row, newer: Row): number => {
    for (const column of keyColumns) {
      const a = older[column.before] ?? null;
      const b = newer[column.after] ?? null;
      const difference = compareValues(a, b, column.collation, encoding);
      if (difference !== 0) return difference;
      // Content tells 1 from 1.0; sorted behind, as SQL sorts 'integer' before 'real'.
      if (byContent && typeof a !== typeof b) return typeof a === 'bigint' ? -1 : 1;
    }
    // Rows without a shared column, or with more than defaults in the new ones, have no counterpart.
    return byContent && (shared.length === 0 || !holdsDefaults(newer)) ? -1 : 0;
  };

  const olderRows = readSide(comparison, 'before', keyColumns, shared);
  const newerRows = readSide(comparison, 'after', keyColumns, shared);
  try {
    let older = olderRows.next();
    let newer = newerRows.next();
    while (!older.done || !newer.done) {
      const difference = older.done ? 1 : newer.done ? -1 : order(older.value, newer.value);
      if (difference === 0 && !older.done && !newer.done) {
        if (!same(older.value, newer.value)) yield { kind: 'update', before: older.value, after: newer.value };
        older = olderRows.next();
        newer = newerRows.next();
      } else if (difference < 0 && !older.done) {
        yield { kind: 'delete', before: older.value, after: null };
        older = olderRows.next();
      } else if (!newer.done) {
        yield { kind: 'insert', before: null, after: newer.value };
        newer = newerRows.next();
      }
    }
  } finally {
    olderRows.return();
    newerRows.return();
  }
}

/**
 * All rows of one table, in key order: what a new or a dropped table changes.
 *
 * @example
 * for (const row of allRows(side, key)) ...
 */
export function allRows({ database, table }: TableSide, key: PairingKey): Generator<Row, void, undefined> {
  const names = key.kind === 'content' ? table.columns.map((column) => column.name) : key.columns;
  const terms = names.flatMap((name, place) =>
    orderTerms(column('this', name), key.collations[place] ?? 'BINARY', key, null),
  );
  return select(database, table, '', terms);
}

interface ColumnPair {
  readonly before: number;
  readonly after: number;
}

interface KeyColumn extends ColumnPair {
  readonly collation: string;
}

function readSide(
  comparison: Comparison,
  side: 'before' | 'after',
  keyColumns: readonly KeyColumn[],
  shared: readonly ColumnPair[],
): Generator<Row, void, undefined> {
  const here = comparison[side];
  const there = comparison[side === 'before' ? 'after' : 'before'];
  const alias = { before: side === 'before' ? 'this' : 'other', after: side === 'before' ? 'other' : 'this' } as const;
  const olderName = (place: number): string => column(alias.before, nameAt(comparison.before.table, place));
  const newerName = (place: number): string => column(alias.after, nameAt(comparison.after.table, place));
  const hasDefaults = comparison.added.map((added) => isSame(newerName(added.place), added.defaultLiteral));
  const same = [...shared.map((pair) => isSame(olderName(pair.before), newerName(pair.after))), ...hasDefaults];
  const from = `${there.database.schema}.${sqlName(there.table.name)} other`;
  const conditions = counterparts(comparison, here.table, there.table, keyColumns, olderName, newerName).map(
    (terms) => `NOT EXISTS (SELECT 1 FROM ${from} WHERE ${[...terms, ...same].join(' AND ')})`,
  );
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const transcoded = comparison.attached ? null : here.database;
  const terms = keyColumns.flatMap((pair) =>
    orderTerms(column('this', nameAt(here.table, pair[side])), pair.collation, comparison.key, transcoded),
  );
  // Among rows of equal content, those with defaults come first: only they can have a counterpart.
  const last = comparison.key.kind === 'content' && side === 'after' && hasDefaults.length > 0;
  return select(here.database, here.table, where, last ? [...terms, `(${hasDefaults.join(' AND ')}) DESC`] : terms);
}

/**
 * Where SQL can look for a row's counterpart quickly, best first. A row at the same rowid comes first even if there is a key:
 * both files are then read from front to back, where the order of an index would read them in leaps.
 */
function counterparts(
  { before, after, key, attached }: Comparison,
  here: Table,
  there: Table,
  keyColumns: readonly KeyColumn[],
  olderName: (place: number) => string,
  newerName: (place: number) => string,
): string[][] {
  const ways: string[][] = [];
  if (!attached) return ways;
  if (here.rowidName !== null && there.rowidName !== null)
    ways.push([`this.${here.rowidName} = other.${there.rowidName}`]);
  if ([before.table, after.table].every((table) => hasIndex(table, key))) {
    ways.push(
      keyColumns.map((pair) => `${olderName(pair.before)} IS ${newerName(pair.after)} COLLATE ${pair.collation}`),
    );
  }
  return ways;
}

function hasIndex(table: Table, key: PairingKey): boolean {
  if (key.kind === 'content') return false;
  const wanted = key.columns.map(nameKey).sort().join('\0');
  const primary = table.columns.filter((entry) => entry.primaryKey > 0).map((entry) => nameKey(entry.name));
  if (primary.sort().join('\0') === wanted && !table.uniqueIndexes.some((index) => index.origin === 'primary-key'))
    return true;
  return table.uniqueIndexes.some((index) => {
    const names = index.columns?.map((entry) => nameKey(entry.name)).sort();
    const collations = new Map(index.columns?.map((entry) => [nameKey(entry.name), entry.collation.toUpperCase()]));
    return (
      names?.join('\0') === wanted &&
      key.columns.every((name, place) => collations.get(nameKey(name)) === key.collations[place])
    );
  });
}

/** Type and content, whatever the columns' own affinities and collations are. */
function isSame(a: string, b: string): string {
  return `${a} IS ${b} COLLATE BINARY AND typeof(${a}) = typeof(${b})`;
}

function orderTerms(name: string, collation: string, key: PairingKey, transcoded: OpenedDatabase | null): string[] {
  // Across encodings only a common one gives a common order, and only if the order is by type first.
  const terms = transcoded
    ? [
        `CASE typeof(${name}) WHEN 'null' THEN 0 WHEN 'text' THEN 2 WHEN 'blob' THEN 3 ELSE 1 END`,
        sortedText(name, transcoded),
      ]
    : [`${name} COLLATE ${collation}`];
  return key.kind === 'content' ? [...terms, `typeof(${name})`] : terms;
}

function sortedText(name: string, { encoding }: OpenedDatabase): string {
  return encoding === 'UTF-8'
    ? name
    : `CASE typeof(${name}) WHEN 'text' THEN datamanager_utf8(${name}) ELSE ${name} END`;
}

function select(
  { connection, schema, encoding }: OpenedDatabase,
  table: Table,
  where: string,
  orderBy: readonly string[],
): Generator<Row, void, undefined> {
  const names = table.columns.map((entry) => column('this', entry.name));
  const order = orderBy.length > 0 ? `ORDER BY ${orderBy.join(', ')}` : '';
  // In storage order: an index that happens to give the key's order would lead through the file in leaps.
  const from = `${schema}.${sqlName(table.name)} this${table.withoutRowid ? '' : ' NOT INDEXED'}`;
  return readRows(connection, `SELECT ${exactColumns(names)} FROM ${from} ${where} ${order}`, names.length, encoding);
}

function column(alias: 'this' | 'other', name: string): string {
  return `${alias}.${sqlName(name)}`;
}

function nameAt(table: Table, place: number): string {
  return table.columns[place]?.name ?? '';
}

function sharedColumns(before: Table, after: Table): ColumnPair[] {
  return before.columns.flatMap((entry) => (findColumn(after, entry.name) ? [places(before, after, entry.name)] : []));
}

function places(before: Table, after: Table, name: string): ColumnPair {
  const place = (table: Table): number => table.columns.findIndex((entry) => nameKey(entry.name) === nameKey(name));
  return { before: place(before), after: place(after) };
}
