import type { Row, SqlValue } from './model';
import type { OpenedDatabase } from './openDatabase';
import { queryAll } from './openDatabase';
import type { PairingKey } from './rowKey';
import { exactColumns, readRows } from './rowReader';
import type { Table } from './schema';
import { sqlLiteral, sqlName } from './sqlLiteral';
import { compareValues } from './valueOrder';

/** Rows of a table without an index over its key are put in order only up to here: the order is held in memory. */
const MAX_SORTED_ROWS = 1_000_000;

/** The values of a row's key. */
export type KeyValues = readonly SqlValue[];

/** A table that is read from any key onwards, in either direction, in the order of `compare`. */
export interface KeyOrder {
  /** Rows behind a key, nearest first; read one by one as they are asked for. */
  after(key: KeyValues): Generator<Row, void, undefined>;
  /** Rows before a key, nearest first. */
  before(key: KeyValues): Generator<Row, void, undefined>;
  keyOf(row: Row): KeyValues;
  compare(a: KeyValues, b: KeyValues): number;
}

/**
 * Opens a table in the order of its key. Where SQLite has an index for it, each call of `after` and `before` costs a seek and
 * the rows that are taken. Otherwise the keys are sorted once into a temporary table; null when even that can't be: more than
 * a million rows, or no rowid to find a row again by.
 *
 * @example
 * const order = openKeyOrder(database, table, { kind: 'declared', columns: ['region'], collations: ['BINARY'] });
 * const next = order?.after(['NORD']).next();
 */
export function openKeyOrder(database: OpenedDatabase, table: Table, key: PairingKey): KeyOrder | null {
  const places = key.columns.map((name) => table.columns.findIndex((column) => column.name === name));
  if (places.length === 0 || places.includes(-1)) return null;
  const collations = key.collations.map((collation) => sqlName(collation));
  const stored = `${database.schema}.${sqlName(table.name)} this`;
  const names = key.columns.map((name) => `this.${sqlName(name)}`);
  let source: Source = { from: stored, names };
  if (!isSeekable(database, source, collations)) {
    if (table.rowidName === null || hasMoreRows(database, stored, MAX_SORTED_ROWS)) return null;
    source = sortedKeys(database, stored, `this.${table.rowidName}`, names, collations);
  }
  const columns = exactColumns(table.columns.map((column) => `this.${sqlName(column.name)}`));
  const rows = function* (steps: readonly Step[]): Generator<Row, void, undefined> {
    for (const step of steps) {
      const sql = `SELECT ${columns} FROM ${source.from} ${step.where} ${step.orderBy}`;
      yield* readRows(database.connection, sql, table.columns.length, database.encoding);
    }
  };
  return {
    after: (values) => rows(stepsAfter(source.names, collations, values)),
    before: (values) => rows(stepsBefore(source.names, collations, values)),
    keyOf: (row) => places.map((place) => row[place] ?? null),
    compare: (a, b) => compareKeys(a, b, key.collations, database.encoding),
  };
}

interface Source {
  readonly from: string;
  /** SQL of the key's columns. */
  readonly names: readonly string[];
}

/** A part of the way through a table: rows that share a prefix of the key. */
interface Step {
  readonly where: string;
  readonly orderBy: string;
}

/**
 * The rows that share all but the last value of a key, then those that share all but the last two, and so on. A comparison of
 * row values says the same in one, but not where a value is NULL, which sorts first and is neither less nor greater.
 */
function stepsAfter(names: readonly string[], collations: readonly string[], values: KeyValues): Step[] {
  return backwards(names).map((place) => {
    const value = values[place] ?? null;
    const name = collated(names, collations, place);
    const bound = value === null ? `${names[place]} IS NOT NULL` : `${name} > ${sqlLiteral(value)}`;
    return step(names, collations, values, place, bound, 'ASC');
  });
}

function stepsBefore(names: readonly string[], collations: readonly string[], values: KeyValues): Step[] {
  return backwards(names).flatMap((place) => {
    const value = values[place] ?? null;
    if (value === null) return [];
    const name = collated(names, collations, place);
    const bounds = [`${name} < ${sqlLiteral(value)}`, `${names[place]} IS NULL`];
    return bounds.map((bound) => step(names, collations, values, place, bound, 'DESC'));
  });
}

function backwards(names: readonly string[]): number[] {
  return names.map((_, place) => names.length - 1 - place);
}

function step(
  names: readonly string[],
  collations: readonly string[],
  values: KeyValues,
  place: number,
  bound: string,
  direction: 'ASC' | 'DESC',
): Step {
  const prefix = names.slice(0, place).map((name, at) => {
    const value = values[at] ?? null;
    return value === null ? `${name} IS NULL` : `${collated(names, collations, at)} = ${sqlLiteral(value)}`;
  });
  const terms = names.map((_, at) => `${collated(names, collations, at)} ${direction}`).slice(place);
  return { where: `WHERE ${[...prefix, bound].join(' AND ')}`, orderBy: `ORDER BY ${terms.join(', ')}` };
}

function collated(names: readonly string[], collations: readonly string[], place: number): string {
  return `${names[place]} COLLATE ${collations[place] ?? 'BINARY'}`;
}

/** What SQLite itself says of the way through the key's columns: it needs no scan and sorts nothing but rows of one prefix. */
function isSeekable({ connection }: OpenedDatabase, { from, names }: Source, collations: readonly string[]): boolean {
  const anywhere = names.map(() => 0n);
  return stepsAfter(names, collations, anywhere).every(({ where, orderBy }) => {
    const plan = queryAll(connection, `EXPLAIN QUERY PLAN SELECT 1 FROM ${from} ${where} ${orderBy}`);
    return plan.every((line) => !/^SCAN|TEMP B-TREE FOR ORDER BY/.test(String(line[3])));
  });
}

function hasMoreRows({ connection }: OpenedDatabase, from: string, limit: number): boolean {
  return queryAll(connection, `SELECT 1 FROM ${from} LIMIT 1 OFFSET ${limit}`).length > 0;
}

/** Keys and rowids in memory, with the index that the table lacks. */
function sortedKeys(
  { connection }: OpenedDatabase,
  from: string,
  rowid: string,
  names: readonly string[],
  collations: readonly string[],
): Source {
  const [[count] = []] = queryAll(connection, "SELECT count(*) FROM temp.sqlite_schema WHERE name LIKE 'key_order_%'");
  const table = `key_order_${count}`;
  const keys = names.map((_, place) => `k${place}`);
  // Without types: values stay as they are stored.
  connection.exec(`CREATE TEMP TABLE ${table} (${[...keys, 'place'].join(', ')})`);
  connection.exec(`INSERT INTO temp.${table} SELECT ${names.join(', ')}, ${rowid} FROM ${from}`);
  const parts = keys.map((_, place) => collated(keys, collations, place));
  connection.exec(`CREATE INDEX temp.${table}_index ON ${table} (${parts.join(', ')})`);
  return {
    from: `temp.${table} sorted CROSS JOIN ${from} ON ${rowid} = sorted.place`,
    names: keys.map((name) => `sorted.${name}`),
  };
}

function compareKeys(
  a: KeyValues,
  b: KeyValues,
  collations: readonly string[],
  encoding: OpenedDatabase['encoding'],
): number {
  for (const [place, collation] of collations.entries()) {
    const order = compareValues(a[place] ?? null, b[place] ?? null, collation, encoding);
    if (order !== 0) return order;
  }
  return 0;
}
