import type { MalformedText, Row, SqlValue } from './model';
import type { TextEncodingName } from './openDatabase';
import { queryEach } from './openDatabase';
import type { RawValue, SqlConnection } from './sqlJs';

/** Flags a bit mask, so that a table of 2,000 columns needs few columns more: SQLite gives at most 2,000. */
const FLAGS_A_MASK = 30;

/**
 * The result columns from which `readRows` gets exact values: TEXT as bytes, and for every 30 columns a mask that tells which
 * of them were TEXT. sql.js alone would turn invalid text into replacement characters.
 *
 * @example
 * `SELECT ${exactColumns(['t."name"'])} FROM capacity t`;
 */
export function exactColumns(expressions: readonly string[]): string {
  const values = expressions.map(
    (column) => `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END`,
  );
  const masks: string[] = [];
  for (let start = 0; start < expressions.length; start += FLAGS_A_MASK) {
    const flags = expressions.slice(start, start + FLAGS_A_MASK);
    masks.push(flags.map((column, bit) => `((typeof(${column})='text')<<${bit})`).join('|'));
  }
  return [...values, ...masks].join(', ');
}

/**
 * Rows of a query whose result columns were made by `exactColumns`, one at a time.
 *
 * @example
 * for (const row of readRows(connection, sql, 3, 'UTF-8')) ...
 */
export function* readRows(
  connection: SqlConnection,
  sql: string,
  columns: number,
  encoding: TextEncodingName,
): Generator<Row, void, undefined> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  for (const raw of queryEach(connection, sql)) {
    const row: SqlValue[] = [];
    for (let place = 0; place < columns; place++) {
      const mask = raw[columns + Math.floor(place / FLAGS_A_MASK)] as bigint;
      const isText = ((Number(mask) >> (place % FLAGS_A_MASK)) & 1) === 1;
      row.push(isText ? decodeText(decoder, raw[place] ?? null) : (raw[place] ?? null));
    }
    yield row;
  }
}

function decodeText(decoder: InstanceType<typeof TextDecoder>, raw: RawValue): string | MalformedText {
  const bytes = raw as Uint8Array;
  try {
    return decoder.decode(bytes);
  } catch {
    return { malformedText: bytes };
  }
}
