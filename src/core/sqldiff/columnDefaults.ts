import { DataManagerError } from '../errors';
import type { AddedColumn } from './compareRows';
import { columnAffinity, defaultValue } from './pages/defaultValue';
import { sqlTokens } from './pages/sqlTokens';
import { exactColumns, readRows } from './rowReader';
import type { Table, TableColumn } from './schema';
import { nameKey } from './schema';
import type { SqlJs } from './sqlJs';
import { sqlLiteral, sqlName } from './sqlLiteral';

/** A literal: what ALTER TABLE ADD COLUMN accepts. Anything else is computed a row and cannot be foreseen. */
const LITERAL = /^\(*\s*(?:[+-]?\s*(?:\d|\.\d)[\w.+-]*|x?'(?:[^']|'')*'|"[^"]*"|null|true|false)\s*\)*$/i;

/**
 * Columns that the newer table has and the older lacks, each with the value that ADD COLUMN would have given to old rows:
 * the declared default after the column's affinity, or NULL.
 *
 * @example
 * addedColumns(sqlJs, before, after); // [{ place: 3, defaultValue: 5n, defaultLiteral: '5' }]
 */
export function addedColumns(sqlJs: SqlJs, before: Table, after: Table): AddedColumn[] {
  const known = new Set(before.columns.map((column) => nameKey(column.name)));
  const added: AddedColumn[] = [];
  after.columns.forEach((column, place) => {
    if (known.has(nameKey(column.name))) return;
    const defaultValue = storedDefault(sqlJs, column.type, foreseeableDefault(column), after.strict);
    added.push({ place, defaultValue, defaultLiteral: sqlLiteral(defaultValue) });
  });
  return added;
}

/**
 * The SQL literal that old rows get for a column that is added; NULL when the default is none or computed.
 *
 * @example
 * foreseeableDefault(column); // 'x'
 */
export function foreseeableDefault({ defaultSql }: TableColumn): string {
  if (defaultSql === null) return 'NULL';
  // A bare word stands for its text.
  if (/^(?!current_|null$|true$|false$)[a-z_][\w$]*$/i.test(defaultSql)) return sqlLiteral(defaultSql);
  if (!LITERAL.test(defaultSql)) return 'NULL';
  // In double quotes it is text here, but would be a column in a query.
  return defaultSql.replace(/"((?:[^"]|"")*)"/, (_, text: string) => sqlLiteral(text.replaceAll('""', '"')));
}

/**
 * The value that rows get for a column that is added, as a SQL literal that no affinity changes any more.
 *
 * @example
 * addedLiteral(column, table.strict); // '5'
 */
export function addedLiteral(column: TableColumn, strict: boolean): string {
  const clause = foreseeableDefault(column);
  try {
    return sqlLiteral(defaultValue(sqlTokens(clause), columnAffinity(column.type, strict)) ?? null);
  } catch (error) {
    if (DataManagerError.is(error, 'DIFF_UNSUPPORTED')) return clause;
    throw error;
  }
}

/** Lets SQLite add such a column to a row: an inserted row may get another value, TEXT DEFAULT 1e3 is '1e3' here and '1000.0' there. */
function storedDefault(sqlJs: SqlJs, type: string, defaultSql: string, strict: boolean): AddedColumn['defaultValue'] {
  const scratch = new sqlJs.Database();
  try {
    scratch.exec(`CREATE TABLE t(a${strict ? ' ANY) STRICT' : ')'}; INSERT INTO t VALUES(1)`);
    // The type may be several words with a length, which is no name; as one quoted name its affinity is the same.
    scratch.exec(`ALTER TABLE t ADD COLUMN b ${type === '' ? '' : sqlName(type)} DEFAULT (${defaultSql})`);
    for (const row of readRows(scratch, `SELECT ${exactColumns(['b'])} FROM t`, 1, 'UTF-8')) return row[0] ?? null;
    return null;
  } finally {
    scratch.close();
  }
}
