import { createHash } from 'node:crypto';
import { HashSum } from './murmur';
import { readCatalog } from './pages/catalog';
import type { PageFile } from './pages/pageFile';
import { integerAsNumber } from './pages/record';
import type { RowDecoder } from './rowDecoder';
import { TableSource } from './tableSource';

/**
 * A hash of what a database says, whatever its bytes are: page size, text encoding, free pages, VACUUM, indexes, rowids that
 * are no column, and the order of rows don't change it. Two databases with the same hash hold the same tables, columns and
 * rows; definitions beyond that (constraints, views, triggers) are not part of it. Null is the empty database.
 *
 * Form 1: the SHA-256, as 64 hexadecimal digits, of UTF-8 lines, each ended by LF:
 * - `datamanager content 1`
 * - for each table, by the bytes of its name: the JSON array `[name, [column, ...], rows, sum]` without spaces. Columns are in
 *   their order, generated ones left out; SQLite's own tables (`sqlite_...`) and virtual tables are left out, the shadow tables
 *   of the latter are not. `sum` is the sum modulo 2^128 of the MurmurHash3_x86_128 (seed 0, words 4 to 1 from the highest
 *   bits down) of all rows, as 32 hexadecimal digits.
 * A row is its values one after the other. Each begins with a byte for its type as SQLite's typeof gives it: 0 NULL; 1 INTEGER
 * and 2 REAL followed by their 64 bits, highest first; 3 TEXT and 4 BLOB followed by the length in 4 bytes, highest first, and
 * the bytes, TEXT in UTF-8; 5 TEXT of a UTF-16 database that is no text, as it is.
 *
 * A sum instead of sorted rows makes the hash a single pass in constant memory. It keeps 128 bits against accidents (a wrong or
 * incomplete patch, a bad restore); against somebody who builds collisions on purpose, the version's SHA-256 of the file
 * stands, which is recorded beside it.
 *
 * Throws SQLITE_DAMAGED, DIFF_UNSUPPORTED, and what the file's `onRead` throws.
 *
 * @example
 * contentHash(PageFile.open('utopia.sqlite')); // '5f1c...'
 */
export function contentHash(file: PageFile | null): string {
  const hash = createHash('sha256').update('datamanager content 1\n');
  const catalog = readCatalog(file);
  const names = [...catalog.schema.tables.values()].map((table) => table.name);
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) {
    const layout = catalog.layoutOf(name);
    if (file === null || layout === null) continue;
    const source = new TableSource(file, layout);
    const { rows, sum } = sumOfRows(source);
    const columns = layout.table.columns.map((column) => column.name);
    hash.update(`${JSON.stringify([name, columns, rows, sum])}\n`);
  }
  return hash.digest('hex');
}

function sumOfRows(source: TableSource): { readonly rows: number; readonly sum: string } {
  const bytes = new RowBytes();
  const sum = new HashSum();
  const { decoder } = source;
  const columns = source.layout.table.columns.length;
  let rows = 0;
  for (const cursor = source.openRows(null); !cursor.done; cursor.next()) {
    decoder.load(cursor);
    bytes.length = 0;
    for (let column = 0; column < columns; column++) bytes.add(decoder, column);
    sum.add(bytes.view, bytes.length);
    rows++;
  }
  return { rows, sum: sum.hex() };
}

const noType = 0;
const integerType = 1;
const realType = 2;
const textType = 3;
const blobType = 4;
const malformedType = 5;

/** The bytes of one row, see `contentHash`. */
class RowBytes {
  view = new DataView(new ArrayBuffer(4096));
  length = 0;
  #bytes = Buffer.from(this.view.buffer);

  add(decoder: RowDecoder, column: number): void {
    const field = decoder.fieldOf(column);
    if (field < 0) {
      if (column === decoder.layout.rowidColumn) this.#integer(decoder.rowHigh, decoder.rowLow);
      else this.#value(decoder, column);
      return;
    }
    const { record } = decoder;
    const type = record.types[field] as number;
    const at = record.starts[field] as number;
    const real = decoder.layout.real[column] === 1;
    if (type >= 12) {
      const end = at + record.sizeOf(field);
      if (type % 2 === 0) this.#bytesOf(blobType, record.buffer, record.view, at, end);
      else if (decoder.encoding === 'utf-8') this.#bytesOf(textType, record.buffer, record.view, at, end);
      else this.#value(decoder, column);
    } else if (type === 0) {
      this.#head(noType, 0);
    } else if (type === 7) {
      const value = record.view.getFloat64(at);
      if (Number.isNaN(value)) this.#head(noType, 0);
      else this.#real(value);
    } else if (real) {
      this.#real(integerAsNumber(record, field));
    } else if (type === 6) {
      this.#integer(record.view.getInt32(at), record.view.getInt32(at + 4));
    } else {
      const value = integerAsNumber(record, field);
      this.#integer(Math.floor(value / 0x100000000), value | 0);
    }
  }

  /** A value that is not in the record as it is hashed. */
  #value(decoder: RowDecoder, column: number): void {
    const value = decoder.value(column);
    if (value === null) this.#head(noType, 0);
    else if (typeof value === 'bigint') {
      this.#integer(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
    } else if (typeof value === 'number') this.#real(value);
    else if (typeof value === 'string') this.#copyOf(textType, Buffer.from(value, 'utf8'));
    else if (value instanceof Uint8Array) this.#copyOf(blobType, Buffer.from(value));
    else this.#copyOf(malformedType, Buffer.from(value.malformedText));
  }

  #copyOf(type: number, bytes: Buffer): void {
    this.#bytesOf(type, bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  }

  #integer(high: number, low: number): void {
    this.#head(integerType, 8);
    this.view.setInt32(this.length, high);
    this.view.setInt32(this.length + 4, low);
    this.length += 8;
  }

  #real(value: number): void {
    this.#head(realType, 8);
    this.view.setFloat64(this.length, value);
    this.length += 8;
  }

  #bytesOf(type: number, source: Buffer, sourceView: DataView, from: number, to: number): void {
    const size = to - from;
    this.#head(type, 4 + size);
    this.view.setUint32(this.length, size);
    this.length += 4;
    if (size > 48) {
      source.copy(this.#bytes, this.length, from, to);
      this.length += size;
    } else {
      let at = from;
      for (; at + 4 <= to; at += 4, this.length += 4) this.view.setInt32(this.length, sourceView.getInt32(at));
      for (; at < to; at++) this.#bytes[this.length++] = source[at] as number;
    }
  }

  #head(type: number, following: number): void {
    const needed = this.length + 1 + following + 16;
    if (needed > this.view.byteLength) {
      const larger = new Uint8Array(Math.max(needed, this.view.byteLength * 2));
      larger.set(this.#bytes.subarray(0, this.length));
      this.view = new DataView(larger.buffer);
      this.#bytes = Buffer.from(larger.buffer);
    }
    this.#bytes[this.length++] = type;
  }
}
