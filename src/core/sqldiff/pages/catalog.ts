import type { SqlValue } from '../model';
import type { DatabaseSchema, SchemaEntry, Table, TableColumn, UniqueIndex } from '../schema';
import { nameKey } from '../schema';
import { walkTree } from './btree';
import { type KeyPart, type ParsedColumn, type ParsedTable, parseCreateTable, parseUniqueIndex } from './createTable';
import { damaged } from './damage';
import { type Affinity, affinityOf, defaultValue } from './defaultValue';
import { readPayload } from './overflow';
import type { PageFile } from './pageFile';
import { fieldValue, integerAsNumber, RecordFields } from './record';
import { RowCursor } from './rowCursor';

/** A part of the key by which a WITHOUT ROWID table's tree is ordered; it is field number n of a record for part n. */
export interface TreeKeyPart {
  /** Column, by `nameKey`. */
  readonly column: string;
  readonly collation: string;
  readonly descending: boolean;
}

/** How the rows of a table lie in its records. Columns are counted as in `table.columns`: without generated ones. */
export interface TableLayout {
  readonly table: Table;
  readonly root: number;
  /** Record field of each column; -1 for the one that is the rowid. */
  readonly fieldOf: Int32Array;
  /** Fields of a full record. */
  readonly fields: number;
  /** 1 for columns of REAL affinity, whose whole numbers are stored as integers. */
  readonly real: Uint8Array;
  /** Column that is the rowid; -1 when none is. */
  readonly rowidColumn: number;
  /** Order of a WITHOUT ROWID table's tree; null for all others. */
  readonly treeKey: readonly TreeKeyPart[] | null;
  /** Value of a column for records that end before it and for rows that never had it. */
  defaultOf(column: number): SqlValue | undefined;
  /** What the bytes of each field mean, as text to be compared. */
  readonly shape: readonly string[];
}

/** What sqlite_schema says, read without SQLite. */
export interface Catalog {
  readonly schema: DatabaseSchema;
  /** Layouts of all tables that have rows of their own, by `nameKey`; read when asked for. */
  layoutOf(name: string): TableLayout | null;
  /** Root pages of ordinary tables, by `nameKey`. */
  readonly roots: ReadonlyMap<string, number>;
}

const emptyCatalog: Catalog = {
  schema: { entries: [], tables: new Map() },
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
  for (const [entry, root] of schemaRows(file)) {
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
      const rest = { columns: [], uniqueIndexes: [], rowidName: null };
      tables.set(key, { name: entry.name, sql: entry.sql, virtual: true, shadowOf, withoutRowid: true, ...rest });
    } else {
      const table = parseCreateTable(entry.sql);
      parsed.set(key, table);
      tables.set(key, describe(entry, table, shadowOf, indexes.get(key) ?? []));
    }
  }
  return {
    schema: { entries, tables },
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

/**
 * True when equal record bytes (and rowids) in two tables mean equal rows: the same fields in the same order, of which one
 * table may have more at the end (ADD COLUMN), because a record that lacks them stands for their defaults.
 *
 * @example
 * storesAlike(before.layoutOf('capacity'), after.layoutOf('capacity'));
 */
export function storesAlike(a: TableLayout, b: TableLayout): boolean {
  const common = Math.min(a.shape.length, b.shape.length);
  for (let i = 0; i < common; i++) if (a.shape[i] !== b.shape[i]) return false;
  return sameTreeOrder(a, b);
}

/**
 * True when both are rowid tables, or both WITHOUT ROWID with the same key.
 *
 * @example
 * sameTreeOrder(before.layoutOf('capacity'), after.layoutOf('capacity'));
 */
export function sameTreeOrder(a: TableLayout, b: TableLayout): boolean {
  return JSON.stringify(a.treeKey) === JSON.stringify(b.treeKey);
}

/** Entries of sqlite_schema with their root pages, without SQLite's own tables and automatic indexes. */
function* schemaRows(file: PageFile): Generator<[SchemaEntry, number]> {
  const tree = walkTree(file, 1, { enter: onceEach(), wants: () => true });
  const cursor = new RowCursor(file, tree.kind, tree.places);
  const record = new RecordFields();
  const { encoding } = file.header;
  for (; !cursor.done; cursor.next()) {
    const payload = Buffer.alloc(cursor.payloadSize);
    readPayload(file, cursor, payload);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    record.parse(payload, view, 0, payload.length, 5);
    if (record.count < 5) continue;
    const [type, name, table, sql] = [0, 1, 2, 4].map((field) => fieldValue(record, field, false, encoding));
    if (typeof sql !== 'string' || typeof name !== 'string' || /^sqlite_/i.test(name)) continue;
    const isNumber = (record.types[3] as number) < 12 && record.types[3] !== 7;
    yield [
      { type: type as SchemaEntry['type'], name, table: String(table), sql },
      isNumber ? integerAsNumber(record, 3) : 0,
    ];
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
  const keyPlace = new Map(parsed.primaryKey.map((part, place) => [nameKey(part.column), place + 1]));
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
    columns,
    uniqueIndexes,
    rowidName: parsed.withoutRowid ? null : (rowidNames.find((name) => !collations.has(name)) ?? null),
  };
}

/** Place of the INTEGER PRIMARY KEY that is another name for the rowid; -1 when there is none. */
function rowidAlias(parsed: ParsedTable): number {
  const [only] = parsed.primaryKey;
  if (only === undefined || parsed.primaryKey.length !== 1 || parsed.withoutRowid || parsed.descendingColumnKey)
    return -1;
  return parsed.columns.findIndex(
    (column) => nameKey(column.name) === nameKey(only.column) && /^integer$/i.test(column.type),
  );
}

function layOut(table: Table, parsed: ParsedTable, root: number, honoursDescending: boolean): TableLayout {
  const places = new Map(parsed.columns.map((column, place) => [nameKey(column.name), place]));
  const stored = storageOrder(parsed, places);
  const alias = rowidAlias(parsed);
  const visible = parsed.columns.flatMap((column, place) => (column.generated === null ? [place] : []));
  const columnAt = (place: number): ParsedColumn => parsed.columns[place] as ParsedColumn;
  const affinities: Affinity[] = visible.map((place) => affinityOf(columnAt(place).type));
  const treeKey = parsed.withoutRowid
    ? treeParts(parsed, places).map((part) => ({
        column: part.column,
        collation: part.collation,
        descending: part.descending && honoursDescending,
      }))
    : null;
  const shape = stored.map((place) => {
    const column = columnAt(place);
    const real = affinityOf(column.type) === 'real';
    return JSON.stringify([nameKey(column.name), real, column.generated !== null, column.defaultSql, place === alias]);
  });
  return {
    table,
    root,
    fieldOf: Int32Array.from(visible, (place) => (place === alias ? -1 : stored.indexOf(place))),
    fields: stored.length,
    real: Uint8Array.from(affinities, (affinity) => (affinity === 'real' ? 1 : 0)),
    rowidColumn: visible.indexOf(alias),
    treeKey,
    defaultOf(column) {
      return defaultValue(columnAt(visible[column] as number).defaultTokens, affinities[column] as Affinity);
    },
    shape,
  };
}

interface OrderedPart extends TreeKeyPart {
  readonly place: number;
}

/**
 * The primary key as SQLite builds its index: that of a WITHOUT ROWID table over one INTEGER column is made anew from the
 * column, which drops a COLLATE in the key (convertToWithoutRowidTable in build.c).
 */
function primaryKeyParts(parsed: ParsedTable): readonly KeyPart[] {
  return rowidAlias({ ...parsed, withoutRowid: false }) < 0
    ? parsed.primaryKey
    : parsed.primaryKey.map((part) => ({ ...part, collation: null }));
}

/** Primary key parts as a WITHOUT ROWID tree has them: a column repeated with the same collation counts once. */
function treeParts(parsed: ParsedTable, places: ReadonlyMap<string, number>): OrderedPart[] {
  const parts: OrderedPart[] = [];
  for (const part of primaryKeyParts(parsed)) {
    const place = places.get(nameKey(part.column)) ?? 0;
    const collation = (part.collation ?? (parsed.columns[place] as ParsedColumn).collation).toUpperCase();
    if (parts.some((known) => known.place === place && known.collation === collation)) continue;
    parts.push({ place, column: nameKey(part.column), collation, descending: part.descending });
  }
  return parts;
}

/** Places of columns in the order of record fields. */
function storageOrder(parsed: ParsedTable, places: ReadonlyMap<string, number>): number[] {
  const stored = parsed.columns.flatMap((column, place) => (column.generated === 'virtual' ? [] : [place]));
  if (!parsed.withoutRowid) return stored;
  const key = treeParts(parsed, places).map((part) => part.place);
  return [...key, ...stored.filter((place) => !key.includes(place))];
}
