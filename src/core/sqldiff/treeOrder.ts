import { integerAsNumber, textValue } from './pages/record';
import type { RowCursor } from './pages/rowCursor';
import type { TableLayout } from './pages/tableLayout';
import type { RowDecoder } from './rowDecoder';

const known = new Set(['BINARY', 'NOCASE', 'RTRIM']);

/**
 * True when the order of a WITHOUT ROWID tree can be computed here: no collation that an application defined.
 *
 * @example
 * if (!isKnownOrder(layout)) sortInstead();
 */
export function isKnownOrder(layout: TableLayout): boolean {
  return layout.treeKey?.every((part) => known.has(part.collation)) ?? false;
}

/**
 * Order of the current rows of two WITHOUT ROWID trees with the same key, as SQLite orders their cells. Loads both decoders.
 * Source: sqlite3VdbeRecordCompare in vdbeaux.c; collations in main.c.
 *
 * @example
 * const order = treeOrder(before.decoder, after.decoder);
 */
export function treeOrder(before: RowDecoder, after: RowDecoder): (a: RowCursor, b: RowCursor) => number {
  const parts = before.layout.treeKey ?? [];
  return (a, b) => {
    before.load(a);
    after.load(b);
    for (let field = 0; field < parts.length; field++) {
      const part = parts[field] as (typeof parts)[number];
      const order = compareField(before, after, field, part.collation);
      if (order !== 0) return part.descending ? -order : order;
    }
    return 0;
  };
}

function compareField(before: RowDecoder, after: RowDecoder, field: number, collation: string): number {
  const a = before.record;
  const b = after.record;
  const x = a.types[field] as number;
  const y = b.types[field] as number;
  const rank = rankOf(x) - rankOf(y);
  if (rank !== 0) return rank;
  switch (rankOf(x)) {
    case 0:
      return 0;
    case 1: {
      const [left, right] = [numberAt(before, field), numberAt(after, field)];
      return left < right ? -1 : left > right ? 1 : 0;
    }
    case 2:
      if (collation !== 'BINARY') return compareText(utf8At(before, field), utf8At(after, field), collation);
      break;
  }
  const from = a.starts[field] as number;
  const to = b.starts[field] as number;
  return a.buffer.compare(b.buffer, to, to + b.sizeOf(field), from, from + a.sizeOf(field));
}

function rankOf(type: number): number {
  if (type >= 12) return type % 2 === 1 ? 2 : 3;
  return type === 0 ? 0 : 1;
}

/** Mixed comparisons of bigint and number are exact in JavaScript. */
function numberAt({ record }: RowDecoder, field: number): number | bigint {
  const at = record.starts[field] as number;
  if (record.types[field] === 7) return record.view.getFloat64(at);
  return record.types[field] === 6 ? record.view.getBigInt64(at) : integerAsNumber(record, field);
}

function utf8At({ record, encoding }: RowDecoder, field: number): Buffer {
  const at = record.starts[field] as number;
  const end = at + record.sizeOf(field);
  if (encoding === 'utf-8') return record.buffer.subarray(at, end);
  const text = textValue(record.buffer, at, end, encoding);
  if (typeof text === 'string') return Buffer.from(text, 'utf8');
  return convertedToUtf8(record.buffer.subarray(at, end), encoding === 'utf-16le');
}

/** UTF-16 with lone surrogates as SQLite converts it: a surrogate takes whatever follows it along (READ_UTF16LE in utf.c). */
function convertedToUtf8(bytes: Uint8Array, littleEndian: boolean): Buffer {
  const units = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  if (!littleEndian) units.swap16();
  const utf8: number[] = [];
  for (let at = 0; at < units.length; at += 2) {
    let code = units.readUInt16LE(at);
    if (code >= 0xd800 && code < 0xe000 && at + 2 < units.length) {
      at += 2;
      code = (units.readUInt16LE(at) & 0x3ff) + ((code & 0x3f) << 10) + (((code & 0x3c0) + 0x40) << 10);
    }
    if (code < 0x80) utf8.push(code);
    else if (code < 0x800) utf8.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) utf8.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else {
      const rest = [(code >> 12) & 0x3f, (code >> 6) & 0x3f, code & 0x3f];
      utf8.push(0xf0 | ((code >> 18) & 7), ...rest.map((bits) => 0x80 | bits));
    }
  }
  return Buffer.from(utf8);
}

function compareText(a: Buffer, b: Buffer, collation: string): number {
  if (collation === 'RTRIM') return Buffer.compare(withoutTail(a), withoutTail(b));
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const [x, y] = [lowerCase(a[i] as number), lowerCase(b[i] as number)];
    if (x !== y) return x - y;
    if (x === 0) break; // SQLite stops at a NUL; then the lengths decide
  }
  return a.length - b.length;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function withoutTail(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x20) end--;
  return bytes.subarray(0, end);
}
