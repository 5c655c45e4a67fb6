import type { MalformedText, SqlValue } from './model';
import type { TextEncodingName } from './openDatabase';

/**
 * True when two stored values are the same: type and content, so 1, 1.0 and '1' differ, and so do 0.0 and -0.0.
 *
 * @example
 * sameValue(1n, 1); // false
 */
export function sameValue(a: SqlValue, b: SqlValue): boolean {
  if (Object.is(a, b)) return true;
  const left = bytesOf(a);
  const right = bytesOf(b);
  return left !== null && right !== null && isMalformed(a) === isMalformed(b) && Buffer.compare(left, right) === 0;
}

/**
 * Orders two values as ORDER BY does (NULL, numbers, TEXT, BLOB) under the collation BINARY, NOCASE or RTRIM of a database
 * with this text encoding. Source: https://www.sqlite.org/datatype3.html#sort_order and sqlite3StrNICmp in util.c.
 *
 * @example
 * compareValues(2n, 10n, 'BINARY', 'UTF-8'); // < 0
 */
export function compareValues(a: SqlValue, b: SqlValue, collation: string, encoding: TextEncodingName): number {
  const rank = valueRank(a) - valueRank(b);
  if (rank !== 0) return rank;
  switch (valueRank(a)) {
    case 0:
      return 0;
    case 1: {
      const [x, y] = [a as bigint | number, b as bigint | number];
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case 2:
      return compareTexts(a as string | MalformedText, b as string | MalformedText, collation, encoding);
    default:
      return Buffer.compare(a as Uint8Array, b as Uint8Array);
  }
}

/**
 * Text as the bytes that a database of this encoding stores.
 *
 * @example
 * encodeText('a', 'UTF-16le'); // 61 00
 */
export function encodeText(text: string, encoding: TextEncodingName): Buffer {
  if (encoding === 'UTF-8') return Buffer.from(text, 'utf8');
  const bytes = Buffer.from(text, 'utf16le');
  return encoding === 'UTF-16be' ? bytes.swap16() : bytes;
}

/**
 * True for TEXT that is kept as bytes.
 *
 * @example
 * isMalformed({ malformedText: new Uint8Array([255]) }); // true
 */
export function isMalformed(value: SqlValue): value is MalformedText {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function valueRank(value: SqlValue): number {
  if (value === null) return 0;
  if (typeof value === 'bigint' || typeof value === 'number') return 1;
  return value instanceof Uint8Array ? 3 : 2;
}

function bytesOf(value: SqlValue): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  return isMalformed(value) ? value.malformedText : null;
}

function compareTexts(
  a: string | MalformedText,
  b: string | MalformedText,
  collation: string,
  encoding: TextEncodingName,
): number {
  if (collation === 'NOCASE') return compareNoCase(textBytes(a, 'UTF-8'), textBytes(b, 'UTF-8'));
  const left = textBytes(a, encoding);
  const right = textBytes(b, encoding);
  return collation === 'RTRIM' ? Buffer.compare(trimEnd(left), trimEnd(right)) : Buffer.compare(left, right);
}

function textBytes(text: string | MalformedText, encoding: TextEncodingName): Uint8Array {
  return typeof text === 'string' ? encodeText(text, encoding) : text.malformedText;
}

function compareNoCase(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const [x, y] = [lowerCase(a[at] ?? 0), lowerCase(b[at] ?? 0)];
    if (x !== y) return x - y;
    if (x === 0) break; // SQLite stops at a NUL, then lets the length decide
  }
  return a.length - b.length;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function trimEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x20) end--;
  return bytes.subarray(0, end);
}
