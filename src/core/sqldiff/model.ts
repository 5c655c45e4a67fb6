/**
 * The model of a comparison of two SQLite files: a schema part, then tables, then rows. It is made as a stream of events,
 * so that its size in memory does not follow the size of the change; every output (review text, JSON, stored .diff,
 * editor documents) is a consumer of the same events.
 */

/** TEXT whose bytes are not valid UTF-8 (or UTF-16): kept as bytes, because a string could not hold it. */
export interface MalformedText {
  readonly malformedText: Uint8Array;
}

/**
 * A stored value; its JavaScript type is its SQLite type: null NULL, bigint INTEGER, number REAL, string TEXT,
 * Uint8Array BLOB. So 1, 1.0 and '1' stay apart.
 */
export type SqlValue = null | bigint | number | string | Uint8Array | MalformedText;

export type Row = readonly SqlValue[];

export interface Column {
  readonly name: string;
  /** Declared type, as written; '' when there is none. */
  readonly type: string;
  /** 1-based place in the primary key; 0 when not part of it. */
  readonly primaryKey: number;
}

/** An entry of sqlite_schema that changed. Tables, indexes, views and triggers. */
export interface SchemaChange {
  readonly type: 'table' | 'index' | 'view' | 'trigger';
  readonly name: string;
  /** Table that it belongs to; its own name for a table or a view. */
  readonly table: string;
  /** CREATE statement; null when it is new (before) or dropped (after). */
  readonly before: string | null;
  readonly after: string | null;
}

/** How rows of a table were paired. `content` pairs only rows that are equal: what differs is inserted and deleted. */
export interface RowKey {
  readonly kind: 'primary-key' | 'declared' | 'unique-index' | 'content' | 'rowid';
  readonly columns: readonly string[];
}

export interface TableHeader {
  readonly name: string;
  /** Columns before; null for a new table. */
  readonly before: readonly Column[] | null;
  /** Columns after; null for a dropped table. */
  readonly after: readonly Column[] | null;
  readonly key: RowKey;
}

/** One changed row; `before` follows the table's columns before, `after` those after. */
export type RowChange =
  | { readonly kind: 'insert'; readonly before: null; readonly after: Row }
  | { readonly kind: 'delete'; readonly before: Row; readonly after: null }
  | { readonly kind: 'update'; readonly before: Row; readonly after: Row };

export interface RowCounts {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Rows that are in both and equal; null when they were not counted. */
  readonly unchanged: number | null;
}

/**
 * Events come in this order: one `schema` (perhaps empty), then for each table with a change of rows or columns, by name:
 * `table`, its `row`s in key order, `tableEnd`. Tables without a change are left out.
 */
export type DiffEvent =
  | { readonly kind: 'schema'; readonly changes: readonly SchemaChange[] }
  | { readonly kind: 'table'; readonly table: TableHeader }
  | { readonly kind: 'row'; readonly change: RowChange }
  | { readonly kind: 'tableEnd'; readonly counts: RowCounts };

export interface TableSummary extends RowCounts {
  readonly name: string;
  readonly key: RowKey;
}

/** A file that was compared as a whole. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** What is left of a comparison when its rows are dropped. */
export interface DiffSummary {
  /** True when the two hold the same schema and rows, even if their bytes differ (VACUUM). */
  readonly identical: boolean;
  readonly schema: readonly SchemaChange[];
  readonly tables: readonly TableSummary[];
  /** Where the two are no SQLite databases. */
  readonly files?: { readonly before: FileFacts | null; readonly after: FileFacts };
  /** Where both are texts short enough to compare their lines, and not the same. */
  readonly lines?: { readonly added: number; readonly removed: number };
}
