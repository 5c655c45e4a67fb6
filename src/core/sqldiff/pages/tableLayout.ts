import type { SqlValue } from '../model';
import type { Table } from '../schema';
import { nameKey } from '../schema';
import type { KeyPart, ParsedColumn, ParsedTable } from './createTable';
import { type Affinity, columnAffinity, defaultValue } from './defaultValue';

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

/**
 * Place of the INTEGER PRIMARY KEY that is another name for the rowid; -1 when there is none.
 *
 * @example
 * rowidAlias(parseCreateTable('CREATE TABLE t(id INTEGER PRIMARY KEY)')); // 0
 */
export function rowidAlias(parsed: ParsedTable): number {
  const [only] = parsed.primaryKey;
  if (only === undefined || parsed.primaryKey.length !== 1 || parsed.withoutRowid || parsed.descendingColumnKey)
    return -1;
  return parsed.columns.findIndex(
    (column) => nameKey(column.name) === nameKey(only.column) && /^integer$/i.test(column.type),
  );
}

/**
 * Works out how the rows of a table are stored. `honoursDescending` is false for old files (schema format below 4).
 *
 * @example
 * const layout = layOut(table, parseCreateTable(table.sql), 2, true);
 */
export function layOut(table: Table, parsed: ParsedTable, root: number, honoursDescending: boolean): TableLayout {
  const stored = storageOrder(parsed);
  const alias = rowidAlias(parsed);
  const visible = parsed.columns.flatMap((column, place) => (column.generated === null ? [place] : []));
  const columnAt = (place: number): ParsedColumn => parsed.columns[place] as ParsedColumn;
  const affinities: Affinity[] = visible.map((place) => columnAffinity(columnAt(place).type, parsed.strict));
  const treeKey = parsed.withoutRowid
    ? treeParts(parsed).map((part) => ({
        column: part.column,
        collation: part.collation,
        descending: part.descending && honoursDescending,
      }))
    : null;
  const shape = stored.map((place) => {
    const column = columnAt(place);
    const real = columnAffinity(column.type, parsed.strict) === 'real';
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

export interface OrderedPart extends TreeKeyPart {
  readonly place: number;
}

/**
 * The primary key as SQLite builds its index: that of a WITHOUT ROWID table over one INTEGER column is made anew from the
 * column, which drops a COLLATE in the key (convertToWithoutRowidTable in build.c).
 *
 * @example
 * primaryKeyParts(parsed).map((part) => part.column);
 */
export function primaryKeyParts(parsed: ParsedTable): readonly KeyPart[] {
  return rowidAlias({ ...parsed, withoutRowid: false }) < 0
    ? parsed.primaryKey
    : parsed.primaryKey.map((part) => ({ ...part, collation: null }));
}

/**
 * Primary key parts as a WITHOUT ROWID tree has them: a column repeated with the same collation counts once.
 *
 * @example
 * treeParts(parsed).map((part) => part.column);
 */
export function treeParts(parsed: ParsedTable): OrderedPart[] {
  const places = placesByName(parsed);
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
function storageOrder(parsed: ParsedTable): number[] {
  const stored = parsed.columns.flatMap((column, place) => (column.generated === 'virtual' ? [] : [place]));
  if (!parsed.withoutRowid) return stored;
  const key = treeParts(parsed).map((part) => part.place);
  return [...key, ...stored.filter((place) => !key.includes(place))];
}

function placesByName(parsed: ParsedTable): Map<string, number> {
  return new Map(parsed.columns.map((column, place) => [nameKey(column.name), place]));
}
