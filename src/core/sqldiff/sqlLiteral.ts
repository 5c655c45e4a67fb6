import type { SqlValue } from './model';
import type { TextEncodingName } from './openDatabase';
import { encodeText } from './valueOrder';

/**
 * A name as SQL, always quoted, so that keywords, spaces and quotes need no thought.
 *
 * @example
 * sqlName('my "table"'); // "my ""table"""
 */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A value as a SQL literal on one line that SQLite reads back as exactly the same value: REAL in its shortest form that
 * round-trips (infinity as 9e999), line ends and NUL in TEXT through char().
 *
 * `encoding` is that of the database that reads it: into UTF-16, SQLite carries U+FFFE and U+FFFF as U+FFFD, so that they have
 * to be written as bytes (READ_UTF8 in utf.c).
 *
 * Old SQLite versions read a few such REAL literals wrongly by one unit in the last place; 3.54 (sql.js 1.16) reads all.
 *
 * @example
 * sqlLiteral(1); // 1.0
 * sqlLiteral('a\nb'); // replace('a\nb','\n',char(10))
 */
export function sqlLiteral(value: SqlValue, encoding: TextEncodingName = 'UTF-8'): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return realLiteral(value);
  if (typeof value === 'string') {
    if (encoding === 'UTF-8' || !/[\ufffe\uffff]/.test(value)) return textLiteral(value);
    return `CAST(x'${hex(encodeText(value, encoding))}' AS TEXT)`;
  }
  if (value instanceof Uint8Array) return `x'${hex(value)}'`;
  return `CAST(x'${hex(value.malformedText)}' AS TEXT)`;
}

/**
 * A REAL in its shortest decimal form that round-trips, always with a point or an exponent.
 *
 * @example
 * realLiteral(-0); // -0.0
 */
export function realLiteral(value: number): string {
  if (value === Infinity) return '9e999';
  if (value === -Infinity) return '-9e999';
  const text = Object.is(value, -0) ? '-0' : String(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

/**
 * Bytes as lower-case hex.
 *
 * @example
 * hex(new Uint8Array([255])); // ff
 */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Characters that would break a line or end SQL text, with a readable stand-in for each. */
const SPECIAL = [
  { character: '\n', code: 10, name: 'n' },
  { character: '\r', code: 13, name: 'r' },
  { character: '\0', code: 0, name: '0' },
] as const;

function textLiteral(text: string): string {
  let rest = text;
  let opening = '';
  let closing = '';
  // replace() rather than ||: a text of a thousand lines would exceed SQLite's expression depth.
  for (const { character, code, name } of SPECIAL) {
    if (!rest.includes(character)) continue;
    const parts = rest.split(character);
    let standIn = `\\${name}`;
    for (let count = 1; ; count++) {
      const replaced = parts.join(standIn);
      if (replaced.split(standIn).join(character) === rest) {
        rest = replaced;
        break;
      }
      standIn = `\\${name}${count};`;
    }
    opening = `replace(${opening}`;
    closing += `,'${standIn}',char(${code}))`;
  }
  return `${opening}'${rest.replaceAll("'", "''")}'${closing}`;
}
