import { DataManagerError } from '../errors';
import { addedColumns } from './columnDefaults';
import { allRows, compareRows } from './compareRows';
import type { Column, DiffEvent, RowChange, TableHeader } from './model';
import type { OpenedDatabase, OpenedPair } from './openDatabase';
import { queryAll } from './openDatabase';
import type { PairingKey, TableSide } from './rowKey';
import { chooseKey } from './rowKey';
import type { DatabaseSchema, Table } from './schema';
import { changedEntries, nameKey } from './schema';
import type { SqlJs } from './sqlJs';
import { sqlName } from './sqlLiteral';

export interface DiffInput {
  readonly sqlJs: SqlJs;
  readonly pair: OpenedPair;
  readonly schemas: { readonly before: DatabaseSchema; readonly after: DatabaseSchema };
  /** Row keys declared in the manifest, by table. */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Asked before each table and each changed row. */
  readonly isCancelled?: (() => boolean) | undefined;
}

/**
 * Compares two databases table by table with SQL. This is the form that works for every database that SQLite itself reads;
 * memory grows only with what SQLite has to sort (changed rows of tables whose key is not the order of storage).
 *
 * Not compared as rows: SQLite's own tables, virtual tables (their content is in ordinary shadow tables) and generated
 * columns. Throws CANCELLED, SQLITE_DAMAGED, DIFF_UNSUPPORTED, FILE_UNREADABLE, FILE_CHANGED.
 *
 * @example
 * for (const event of diffDatabases({ sqlJs, pair, schemas: { before: readSchema(pair.before), after: readSchema(pair.after) } })) ...
 */
export function* diffDatabases(input: DiffInput): Generator<DiffEvent, void, undefined> {
  const { before, after } = input.schemas;
  yield { kind: 'schema', changes: changedEntries(before, after) };
  const keys = new Map(Object.entries(input.keys ?? {}).map(([table, columns]) => [nameKey(table), columns]));
  for (const name of tableNames(before, after)) {
    const declared = keys.get(nameKey(name));
    try {
      yield* diffTable(input, before.tables.get(nameKey(name)), after.tables.get(nameKey(name)), declared);
    } catch (error) {
      throw explained(error, name);
    }
  }
  input.pair.assertUnchanged();
}

function* diffTable(
  input: DiffInput,
  older: Table | undefined,
  newer: Table | undefined,
  declared: readonly string[] | undefined,
): Generator<DiffEvent, void, undefined> {
  const before = older && !older.virtual ? { database: input.pair.before, table: older } : null;
  const after = newer && !newer.virtual ? { database: input.pair.after, table: newer } : null;
  const sides = [before, after].filter((side): side is TableSide => side !== null);
  const name = after?.table.name ?? before?.table.name;
  if (name === undefined) return;
  throwIfCancelled(input);
  const key = chooseKey(sides, declared);
  const table: TableHeader = {
    name,
    before: before?.table.columns.map(plainColumn) ?? null,
    after: after?.table.columns.map(plainColumn) ?? null,
    key: { kind: key.kind, columns: key.columns },
  };
  const counts = { insert: 0, update: 0, delete: 0 };
  let begun = false;
  if (!sameColumns(table.before, table.after)) {
    begun = true;
    yield { kind: 'table', table };
  }
  for (const change of changes(input, before, after, key)) {
    throwIfCancelled(input);
    if (!begun) yield { kind: 'table', table };
    begun = true;
    counts[change.kind]++;
    yield { kind: 'row', change };
  }
  if (!begun) return;
  const rowsBefore = before && after ? countRows(before) : 0;
  const unchanged = before && after ? rowsBefore - counts.delete - counts.update : 0;
  yield {
    kind: 'tableEnd',
    counts: { inserted: counts.insert, updated: counts.update, deleted: counts.delete, unchanged },
  };
}

function* changes(
  { sqlJs, pair }: DiffInput,
  before: TableSide | null,
  after: TableSide | null,
  key: PairingKey,
): Generator<RowChange, void, undefined> {
  if (before && after) {
    const added = addedColumns(sqlJs, before.table, after.table);
    yield* compareRows({ before, after, key, added, attached: pair.attached });
  } else if (before) {
    for (const row of allRows(before, key)) yield { kind: 'delete', before: row, after: null };
  } else if (after) {
    for (const row of allRows(after, key)) yield { kind: 'insert', before: null, after: row };
  }
}

/** Names of all tables, each once, in the order of their bytes; the newer spelling where only the case differs. */
function tableNames(before: DatabaseSchema, after: DatabaseSchema): string[] {
  const names = new Map<string, string>();
  for (const schema of [before, after]) for (const [key, table] of schema.tables) names.set(key, table.name);
  return [...names.values()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function countRows({ database, table }: { readonly database: OpenedDatabase; readonly table: Table }): number {
  const sql = `SELECT count(*) FROM ${database.schema}.${sqlName(table.name)}`;
  return Number(queryAll(database.connection, sql)[0]?.[0] ?? 0);
}

function plainColumn({ name, type, primaryKey }: Column): Column {
  return { name, type, primaryKey };
}

function sameColumns(a: readonly Column[] | null, b: readonly Column[] | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function throwIfCancelled({ isCancelled }: DiffInput): void {
  if (isCancelled?.()) throw new DataManagerError('CANCELLED', 'Cancelled.');
}

/** SQLite's own words, as one of our errors. */
function explained(error: unknown, table: string): unknown {
  if (DataManagerError.is(error) || !(error instanceof Error)) return error;
  const data = { table };
  if (/malformed|not a database|disk I\/O/.test(error.message)) {
    return new DataManagerError('SQLITE_DAMAGED', `Table ${table} could not be read: ${error.message}.`, {
      hint: 'Run "PRAGMA integrity_check" on both files, or compare other versions.',
      data,
      cause: error,
    });
  }
  if (/no such collation|no such module|no such function|out of memory|too many|too big|full/.test(error.message)) {
    return new DataManagerError('DIFF_UNSUPPORTED', `Table ${table} could not be compared: ${error.message}.`, {
      data,
      cause: error,
    });
  }
  return error;
}
