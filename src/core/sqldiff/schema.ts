import type { Column, SchemaChange } from './model';
import type { OpenedDatabase, TextEncodingName } from './openDatabase';
import { queryAll } from './openDatabase';
import { sqlName } from './sqlLiteral';

export interface TableColumn extends Column {
  readonly notNull: boolean;
  /** Default expression as written; null when there is none. */
  readonly defaultSql: string | null;
}

export interface UniqueIndex {
  readonly name: string;
  /** How it came about: PRIMARY KEY, UNIQUE in the table, or CREATE UNIQUE INDEX. */
  readonly origin: 'primary-key' | 'table' | 'index';
  /** Null when it is partial or holds an expression: then it is no key, but still a constraint. */
  readonly columns: readonly { readonly name: string; readonly collation: string }[] | null;
}

export interface Table {
  readonly name: string;
  readonly sql: string;
  readonly virtual: boolean;
  /** Virtual table whose content this one holds; null for all others. */
  readonly shadowOf: string | null;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  /** Stored columns: generated ones follow from the others and are left out. */
  readonly columns: readonly TableColumn[];
  readonly uniqueIndexes: readonly UniqueIndex[];
  /** Name by which SQL reaches the rowid; null when there is none or columns hide all its names. */
  readonly rowidName: string | null;
}

export interface SchemaEntry {
  readonly type: SchemaChange['type'];
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

/** What sqlite_schema says, without SQLite's own tables and automatic indexes, and the few numbers that are neither schema nor rows. */
export interface DatabaseSchema {
  /** In the order of their creation. */
  readonly entries: readonly SchemaEntry[];
  /** By `nameKey`. */
  readonly tables: ReadonlyMap<string, Table>;
  /** The largest rowid that an AUTOINCREMENT table ever had, by `nameKey`. */
  readonly sequences: ReadonlyMap<string, bigint>;
  readonly encoding: TextEncodingName;
  /** PRAGMA user_version and application_id: signed 32-bit numbers that programs set as they like. */
  readonly userVersion: number;
  readonly applicationId: number;
}

/** The names by which SQL reaches a rowid, unless columns have them. */
export const ROWID_NAMES = ['rowid', '_rowid_', 'oid'] as const;
const GENERATED = new Set([2n, 3n]);
const TYPE_ORDER = ['table', 'index', 'view', 'trigger'] as const;

/**
 * What two names must share to be the same name for SQLite, which ignores the case of ASCII letters only.
 *
 * @example
 * nameKey('Capacity') === nameKey('CAPACITY'); // true
 */
export function nameKey(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * Reads a database's schema.
 *
 * @example
 * readSchema(pair.before).tables.get('capacity')?.columns;
 */
export function readSchema(database: OpenedDatabase): DatabaseSchema {
  const { connection, schema } = database;
  const entries: SchemaEntry[] = [];
  const rows = queryAll(connection, `SELECT type, name, tbl_name, sql FROM ${schema}.sqlite_schema ORDER BY rowid`);
  for (const [type, name, table, sql] of rows) {
    if (typeof sql !== 'string' || typeof name !== 'string' || /^sqlite_/i.test(name)) continue;
    entries.push({ type: type as SchemaEntry['type'], name, table: String(table), sql });
  }
  const virtualTables = entries.filter(isVirtual).map((entry) => entry.name);
  const options = new Map<string, { readonly withoutRowid: boolean; readonly strict: boolean }>();
  for (const row of queryAll(connection, `PRAGMA ${schema}.table_list`)) {
    options.set(nameKey(String(row[1])), { withoutRowid: row[4] === 1n, strict: row[5] === 1n });
  }
  const tables = new Map<string, Table>();
  for (const entry of entries) {
    if (entry.type !== 'table') continue;
    const virtual = isVirtual(entry);
    const shape = virtual
      ? { columns: [], names: new Set<string>(), uniqueIndexes: [] }
      : tableShape(database, entry.name);
    const { withoutRowid = false, strict = false } = options.get(nameKey(entry.name)) ?? {};
    const noRowid = virtual || withoutRowid;
    tables.set(nameKey(entry.name), {
      name: entry.name,
      sql: entry.sql,
      virtual,
      shadowOf: virtualTables.find((owner) => nameKey(entry.name).startsWith(`${nameKey(owner)}_`)) ?? null,
      withoutRowid: noRowid,
      strict: strict && !virtual,
      columns: shape.columns,
      uniqueIndexes: shape.uniqueIndexes,
      rowidName: noRowid ? null : (ROWID_NAMES.find((name) => !shape.names.has(name)) ?? null),
    });
  }
  const sequences = new Map<string, bigint>();
  if (queryAll(connection, `SELECT 1 FROM ${schema}.sqlite_schema WHERE name='sqlite_sequence'`).length > 0) {
    for (const [name, last] of queryAll(connection, `SELECT name, seq FROM ${schema}.sqlite_sequence`)) {
      if (typeof name === 'string' && typeof last === 'bigint') sequences.set(nameKey(name), last);
    }
  }
  const number = (pragma: string): number => Number(queryAll(connection, `PRAGMA ${schema}.${pragma}`)[0]?.[0] ?? 0);
  const [userVersion, applicationId] = [number('user_version'), number('application_id')];
  return { entries, tables, sequences, encoding: database.encoding, userVersion, applicationId };
}

/**
 * Entries that are new, dropped or differ in their CREATE statement, tables first, then by name.
 *
 * @example
 * changedEntries(readSchema(pair.before), readSchema(pair.after));
 */
export function changedEntries(before: DatabaseSchema, after: DatabaseSchema): SchemaChange[] {
  const key = (entry: SchemaEntry): string => `${entry.type} ${nameKey(entry.name)}`;
  const older = new Map(before.entries.map((entry) => [key(entry), entry]));
  const changes: SchemaChange[] = [];
  for (const entry of after.entries) {
    const old = older.get(key(entry));
    older.delete(key(entry));
    if (old?.sql === entry.sql) continue;
    changes.push({
      type: entry.type,
      name: entry.name,
      table: entry.table,
      before: old?.sql ?? null,
      after: entry.sql,
    });
  }
  for (const entry of older.values()) {
    changes.push({ type: entry.type, name: entry.name, table: entry.table, before: entry.sql, after: null });
  }
  const rank = (change: SchemaChange): number => TYPE_ORDER.indexOf(change.type);
  return changes.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * The primary key's columns in key order; empty when there is none.
 *
 * @example
 * primaryKeyOf(table); // ['region', 'tech']
 */
export function primaryKeyOf(table: Table): string[] {
  return table.columns
    .filter((column) => column.primaryKey > 0)
    .sort((a, b) => a.primaryKey - b.primaryKey)
    .map((column) => column.name);
}

function isVirtual(entry: SchemaEntry): boolean {
  return entry.type === 'table' && /^create\s+virtual\s/i.test(entry.sql);
}

function tableShape(
  { connection, schema }: OpenedDatabase,
  table: string,
): { readonly columns: TableColumn[]; readonly names: Set<string>; readonly uniqueIndexes: UniqueIndex[] } {
  const columns: TableColumn[] = [];
  const names = new Set<string>();
  for (const row of queryAll(connection, `PRAGMA ${schema}.table_xinfo(${sqlName(table)})`)) {
    const [, name, type, notNull, defaultSql, primaryKey, hidden] = row;
    names.add(nameKey(String(name)));
    if (typeof hidden === 'bigint' && GENERATED.has(hidden)) continue;
    columns.push({
      name: String(name),
      type: String(type),
      primaryKey: Number(primaryKey),
      notNull: notNull !== 0n,
      defaultSql: typeof defaultSql === 'string' ? defaultSql : null,
    });
  }
  const uniqueIndexes: UniqueIndex[] = [];
  for (const row of queryAll(connection, `PRAGMA ${schema}.index_list(${sqlName(table)})`)) {
    const [, name, unique, origin, partial] = row;
    if (unique !== 1n) continue;
    uniqueIndexes.push({
      name: String(name),
      origin: origin === 'pk' ? 'primary-key' : origin === 'u' ? 'table' : 'index',
      columns: partial === 1n ? null : indexColumns({ connection, schema }, String(name)),
    });
  }
  uniqueIndexes.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { columns, names, uniqueIndexes };
}

function indexColumns(
  { connection, schema }: Pick<OpenedDatabase, 'connection' | 'schema'>,
  index: string,
): UniqueIndex['columns'] {
  const columns: { name: string; collation: string }[] = [];
  for (const row of queryAll(connection, `PRAGMA ${schema}.index_xinfo(${sqlName(index)})`)) {
    const [, , name, , collation, isKey] = row;
    if (isKey !== 1n) continue;
    if (typeof name !== 'string') return null;
    columns.push({ name, collation: String(collation) });
  }
  return columns;
}
