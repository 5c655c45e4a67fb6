import { isUtf8 } from 'node:buffer';
import type { SqlValue } from '../model';
import { damaged } from './damage';
import type { TextEncoding } from './header';

const smallIntegers = Array.from({ length: 1024 + 128 }, (_, i) => BigInt(i - 128));

/**
 * The fields of one record, found but not decoded: serial types and where their bytes start.
 * One object serves millions of records.
 * Source: https://www.sqlite.org/fileformat2.html#record_format
 */
export class RecordFields {
  buffer: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  count = 0;
  /** Serial type of each field; a double, as a type may need 33 bits. */
  types = new Float64Array(32);
  starts = new Int32Array(32);

  /**
   * Finds the fields of the record that lies at `start` of `buffer` and is `size` bytes long; at most `limit` of them.
   *
   * Throws SQLITE_DAMAGED when header and body don't fit into `size`.
   */
  parse(buffer: Buffer, view: DataView, start: number, size: number, limit: number): void {
    this.buffer = buffer;
    this.view = view;
    this.count = 0;
    if (limit > this.types.length) this.#grow(limit);
    const end = start + size;
    let at = start;
    let byte = buffer[at++] as number;
    let headerBytes = byte & 0x7f;
    while (byte >= 0x80 && at - start < 5) {
      byte = buffer[at++] as number;
      headerBytes = headerBytes * 128 + (byte & 0x7f);
    }
    if (headerBytes > size || headerBytes < at - start) throw damaged('a record is larger than its cell');
    const headerEnd = start + headerBytes;
    let body = headerEnd;
    let field = 0;
    while (at < headerEnd && field < limit) {
      byte = buffer[at++] as number;
      let type = byte;
      if (byte >= 0x80) {
        type = byte & 0x7f;
        for (let i = 1; byte >= 0x80 && i < 6; i++) {
          byte = buffer[at++] as number;
          type = type * 128 + (byte & 0x7f);
        }
      }
      this.types[field] = type;
      this.starts[field] = body;
      body += type >= 12 ? (type - 12 - (type & 1)) / 2 : (bodyBytes[type] as number);
      if (body > end) throw damaged('a record is larger than its cell');
      field++;
    }
    if (at > headerEnd) throw damaged('a record header is cut');
    this.count = field;
  }

  /** Bytes of a field's body. */
  sizeOf(field: number): number {
    const type = this.types[field] as number;
    return type >= 12 ? (type - 12 - (type % 2)) / 2 : (bodyBytes[type] as number);
  }

  /** True when a field has the type and the bytes of another record's field. */
  sameField(field: number, other: RecordFields, otherField: number): boolean {
    if (this.types[field] !== other.types[otherField]) return false;
    const size = this.sizeOf(field);
    let x = this.starts[field] as number;
    let y = other.starts[otherField] as number;
    if (size > 256) return this.buffer.compare(other.buffer, y, y + size, x, x + size) === 0;
    const left = this.view;
    const right = other.view;
    const end = x + size;
    for (; x + 4 <= end; x += 4, y += 4) if (left.getInt32(x) !== right.getInt32(y)) return false;
    for (; x < end; x++, y++) if (left.getUint8(x) !== right.getUint8(y)) return false;
    return true;
  }

  #grow(limit: number): void {
    this.types = new Float64Array(limit);
    this.starts = new Int32Array(limit);
  }
}

/** Body sizes of serial types 0 to 11; the last two are reserved and never stored. */
const bodyBytes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];

/** An integer field (serial types 1 to 6, 8, 9) as a double; exact except for type 6. */
export function integerAsNumber(record: RecordFields, field: number): number {
  const { view } = record;
  const at = record.starts[field] as number;
  switch (record.types[field]) {
    case 1:
      return view.getInt8(at);
    case 2:
      return view.getInt16(at);
    case 3:
      return view.getInt8(at) * 65536 + view.getUint16(at + 1);
    case 4:
      return view.getInt32(at);
    case 5:
      return view.getInt16(at) * 0x100000000 + view.getUint32(at + 2);
    case 6:
      return Number(view.getBigInt64(at));
    case 9:
      return 1;
    default:
      return 0;
  }
}

/**
 * Decodes a field. `real` says that the column has REAL affinity, where SQLite stores whole numbers as integers.
 *
 * @example
 * const value = fieldValue(record, 2, false, 'utf-8'); // 'Utopia'
 */
export function fieldValue(record: RecordFields, field: number, real: boolean, encoding: TextEncoding): SqlValue {
  const type = record.types[field] as number;
  const at = record.starts[field] as number;
  if (type >= 12) {
    const size = (type - 12 - (type % 2)) / 2;
    if (type % 2 === 1) return textValue(record.buffer, at, at + size, encoding);
    return new Uint8Array(record.buffer.subarray(at, at + size));
  }
  if (type === 0) return null;
  if (type === 7) {
    const value = record.view.getFloat64(at);
    return Number.isNaN(value) ? null : value;
  }
  if (real) return integerAsNumber(record, field);
  if (type === 6) return record.view.getBigInt64(at);
  return integerValue(integerAsNumber(record, field));
}

/** A bigint for an integer below 2^53; everyday ones are not made anew. */
export function integerValue(value: number): bigint {
  return value >= -128 && value < 1024 ? (smallIntegers[value + 128] as bigint) : BigInt(value);
}

/**
 * TEXT as a string, or its bytes when they are not valid in the database's encoding.
 *
 * @example
 * textValue(Buffer.from('abc'), 0, 3, 'utf-8'); // 'abc'
 */
export function textValue(buffer: Buffer, start: number, end: number, encoding: TextEncoding): SqlValue {
  if (encoding === 'utf-8') {
    const text = buffer.toString('utf8', start, end);
    // A decoder puts U+FFFD for what it can't read, but the character may also really be there.
    if (!text.includes('\ufffd') || isUtf8(buffer.subarray(start, end))) return text;
  } else if ((end - start) % 2 === 0) {
    const text = encoding === 'utf-16le' ? buffer.toString('utf16le', start, end) : bigEndianText(buffer, start, end);
    if (!loneSurrogate.test(text)) return text;
  }
  return { malformedText: new Uint8Array(buffer.subarray(start, end)) };
}

/** With the u flag, surrogates that form a pair are one character of another class. */
const loneSurrogate = /\p{Surrogate}/u;

function bigEndianText(buffer: Buffer, start: number, end: number): string {
  return Buffer.from(buffer.subarray(start, end)).swap16().toString('utf16le');
}
