import type { DatabaseSchema, SchemaEntry, Table, TableColumn, UniqueIndex } from '../schema';
import { nameKey } from '../schema';
import { walkTree } from './btree';
import { type KeyPart, type ParsedTable, parseCreateTable, parseUniqueIndex } from './createTable';
import { damaged } from './damage';

import { readPayload } from './overflow';
import type { PageFile } from './pageFile';
import { fieldValue, integerAsNumber, RecordFields } from './record';
import { RowCursor } from './rowCursor';
import { layOut, primaryKeyParts, rowidAlias, type TableLayout, treeParts } from './tableLayout';

/** What sqlite_schema says, read without SQLite. */
export interface Catalog {
  readonly schema: DatabaseSchema;
  /** Layouts of all tables that have rows of their own, by `nameKey`; read when asked for. */
  layoutOf(name: string): TableLayout | null;
  /** Root pages of ordinary tables, by `nameKey`. */
  readonly roots: ReadonlyMap<string, number>;
}

const emptyCatalog: Catalog = {
  schema: {
    entries: [],
    tables: new Map(),
    sequences: new Map(),
    encoding: 'UTF-8',
    userVersion: 0,
    applicationId: 0,
  },
  layoutOf: () => null,
  roots: new Map(),
};

const rowidNames = ['rowid', '_rowid_', 'oid'];

/**
 * Reads and parses the schema of a database file; null is the empty database.
 *
 * Throws SQLITE_DAMAGED, and DIFF_UNSUPPORTED for CREATE statements that only SQLite understands.
 *
 * @example
 * readCatalog(file).schema.tables.get('capacity')?.columns;
 */
export function readCatalog(file: PageFile | null): Catalog {
  if (file === null || file.pageCount === 0) return emptyCatalog;
  const entries: SchemaEntry[] = [];
  const roots = new Map<string, number>();
  let sequences: ReadonlyMap<string, bigint> = new Map();
  for (const [entry, root] of schemaRows(file)) {
    if (entry.name === 'sqlite_sequence') sequences = readSequences(file, root);
    if (/^sqlite_/i.test(entry.name)) continue;
    entries.push(entry);
    if (entry.type === 'table' && root > 0) roots.set(nameKey(entry.name), root);
  }
  const virtualTables = entries.filter(isVirtual).map((entry) => entry.name);
  const indexes = uniqueIndexesByTable(entries);
  const parsed = new Map<string, ParsedTable>();
  const tables = new Map<string, Table>();
  for (const entry of entries) {
    if (entry.type !== 'table') continue;
    const key = nameKey(entry.name);
    const shadowOf = virtualTables.find((owner) => key.startsWith(`${nameKey(owner)}_`)) ?? null;
    if (isVirtual(entry)) {
      const rest = { strict: false, columns: [], uniqueIndexes: [], rowidName: null };
      tables.set(key, { name: entry.name, sql: entry.sql, virtual: true, shadowOf, withoutRowid: true, ...rest });
    } else {
      const table = parseCreateTable(entry.sql);
      parsed.set(key, table);
      tables.set(key, describe(entry, table, shadowOf, indexes.get(key) ?? []));
    }
  }
  const { userVersion, applicationId } = file.header;
  const encoding = file.header.encoding.replace('utf', 'UTF') as DatabaseSchema['encoding'];
  return {
    schema: { entries, tables, sequences, encoding, userVersion, applicationId },
    roots,
    layoutOf(name) {
      const key = nameKey(name);
      const table = tables.get(key);
      const source = parsed.get(key);
      const root = roots.get(key);
      if (table === undefined || source === undefined || root === undefined) return null;
      return layOut(table, source, root, file.header.schemaFormat >= 4);
    },
  };
}

/** Entries of sqlite_schema with their root pages, without automatic indexes. */
function* schemaRows(file: PageFile): Generator<[SchemaEntry, number]> {
  const { encoding } = file.header;
  for (const record of records(file, 1, 5)) {
    const [type, name, table, sql] = [0, 1, 2, 4].map((field) => fieldValue(record, field, false, encoding));
    if (typeof sql !== 'string' || typeof name !== 'string') continue;
    const isNumber = (record.types[3] as number) < 12 && record.types[3] !== 7;
    yield [
      { type: type as SchemaEntry['type'], name, table: String(table), sql },
      isNumber ? integerAsNumber(record, 3) : 0,
    ];
  }
}

function readSequences(file: PageFile, root: number): Map<string, bigint> {
  const sequences = new Map<string, bigint>();
  for (const record of records(file, root, 2)) {
    const [name, last] = [0, 1].map((field) => fieldValue(record, field, false, file.header.encoding));
    if (typeof name === 'string' && typeof last === 'bigint') sequences.set(nameKey(name), last);
  }
  return sequences;
}

/** Records of a small table that have at least so many fields. */
function* records(file: PageFile, root: number, fields: number): Generator<RecordFields> {
  const tree = walkTree(file, root, { enter: onceEach(), wants: () => true });
  const cursor = new RowCursor(file, tree.kind, tree.places);
  const record = new RecordFields();
  for (; !cursor.done; cursor.next()) {
    const payload = Buffer.alloc(cursor.payloadSize);
    readPayload(file, cursor, payload);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    record.parse(payload, view, 0, payload.length, fields);
    if (record.count >= fields) yield record;
  }
}

function onceEach(): (page: number) => void {
  const seen = new Set<number>();
  return (page) => {
    if (seen.has(page)) throw damaged('a page is used twice', page);
    seen.add(page);
  };
}

function isVirtual(entry: SchemaEntry): boolean {
  return entry.type === 'table' && /^create\s+virtual\s/i.test(entry.sql);
}

interface DeclaredIndex {
  readonly name: string;
  readonly parts: readonly KeyPart[] | null;
}

function uniqueIndexesByTable(entries: readonly SchemaEntry[]): Map<string, DeclaredIndex[]> {
  const indexes = new Map<string, DeclaredIndex[]>();
  for (const entry of entries) {
    if (entry.type !== 'index' || !/^create\s+unique\s/i.test(entry.sql)) continue;
    const list = indexes.get(nameKey(entry.table)) ?? [];
    list.push({ name: entry.name, parts: parseUniqueIndex(entry.sql) });
    indexes.set(nameKey(entry.table), list);
  }
  return indexes;
}

function describe(
  entry: SchemaEntry,
  parsed: ParsedTable,
  shadowOf: string | null,
  indexes: readonly DeclaredIndex[],
): Table {
  const keyPlace = placesInKey(parsed);
  const alias = rowidAlias(parsed);
  const collations = new Map(parsed.columns.map((column) => [nameKey(column.name), column.collation]));
  const columns: TableColumn[] = [];
  parsed.columns.forEach((column, place) => {
    if (column.generated !== null) return;
    const primaryKey = keyPlace.get(nameKey(column.name)) ?? 0;
    const impliedNotNull = primaryKey > 0 && (parsed.withoutRowid || (parsed.strict && place !== alias));
    columns.push({
      name: column.name,
      type: column.type,
      primaryKey,
      notNull: column.notNull || impliedNotNull,
      defaultSql: column.defaultSql,
    });
  });
  const describedParts = (parts: readonly KeyPart[]): UniqueIndex['columns'] =>
    parts.map((part) => ({
      name: part.column,
      collation: part.collation ?? collations.get(nameKey(part.column)) ?? 'BINARY',
    }));
  const uniqueIndexes: UniqueIndex[] = [];
  const autoName = (): string => `sqlite_autoindex_${entry.name}_${uniqueIndexes.length + 1}`;
  if (parsed.primaryKey.length > 0 && alias < 0) {
    uniqueIndexes.push({ name: autoName(), origin: 'primary-key', columns: describedParts(primaryKeyParts(parsed)) });
  }
  for (const parts of parsed.uniques) {
    uniqueIndexes.push({ name: autoName(), origin: 'table', columns: describedParts(parts) });
  }
  for (const index of indexes) {
    uniqueIndexes.push({ name: index.name, origin: 'index', columns: index.parts && describedParts(index.parts) });
  }
  uniqueIndexes.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    name: entry.name,
    sql: entry.sql,
    virtual: false,
    shadowOf,
    withoutRowid: parsed.withoutRowid,
    strict: parsed.strict,
    columns,
    uniqueIndexes,
    rowidName: parsed.withoutRowid ? null : (rowidNames.find((name) => !collations.has(name)) ?? null),
  };
}

/** Places of columns in the primary key, from 1 on; a column that comes twice counts where it comes first. */
function placesInKey(parsed: ParsedTable): Map<string, number> {
  const columns = parsed.withoutRowid
    ? treeParts(parsed).map((part) => part.column)
    : parsed.primaryKey.map((part) => nameKey(part.column));
  return new Map(columns.map((column, place) => [column, place + 1] as const).reverse());
}
