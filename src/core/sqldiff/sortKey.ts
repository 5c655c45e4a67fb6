import { createHash } from 'node:crypto';
import type { MalformedText, SqlValue } from './model';
import type { TextEncoding } from './pages/header';

/** Longer values are cut and told apart by a hash, so that keys stay small. */
const longest = 1024;

const tagNull = 0x05;
const tagNumber = 0x10;
const tagText = 0x20;
const tagMalformed = 0x21;
const tagBlob = 0x30;

/**
 * Writes values as bytes whose order under memcmp is SQLite's (NULL, numbers, TEXT, BLOB) and which are equal exactly when
 * the values are: keys can be sorted, merged and spilled to disk as bytes. Numbers are the 64 bits of the nearest double
 * below, made ordered, and the rest that an integer beyond 2^53 has; bytes are closed by 00 00, and a 00 in them is 00 FF.
 */
export class SortKey {
  bytes: Buffer = Buffer.alloc(1024);
  length = 0;
  /** True when a value of the key is NULL. */
  hasNull = false;

  /** `encoding` is that in which both databases store TEXT; null when they differ. */
  constructor(private readonly encoding: TextEncoding | null) {}

  clear(): void {
    this.length = 0;
    this.hasNull = false;
  }

  /**
   * Adds a value. Under a collation, values that it takes for equal give the same bytes; `exact` tells 1 from 1.0 and
   * 0.0 from -0.0, too.
   */
  add(value: SqlValue, collation: string, exact: boolean): void {
    if (value === null) {
      this.hasNull = true;
      this.mark(tagNull);
    } else if (typeof value === 'bigint') {
      this.#integer(value);
      if (exact) this.mark(0);
    } else if (typeof value === 'number') {
      this.#number(value, 0);
      if (exact) this.mark(Object.is(value, -0) ? 2 : 1);
    } else if (value instanceof Uint8Array) {
      this.mark(tagBlob);
      this.#closedBytes(value, 0, value.length);
    } else {
      this.#text(value, collation);
    }
  }

  /**
   * Adds a TEXT as `add` does under BINARY, from its bytes in a record of a database with this encoding; false, and nothing
   * added, for a key that compares several encodings.
   */
  addStoredText(bytes: Buffer, start: number, size: number, encoding: TextEncoding): boolean {
    if (this.encoding !== encoding) return false;
    this.mark(tagText);
    this.#closedBytes(bytes, start, size);
    return true;
  }

  equals(bytes: Buffer, start: number, end: number): boolean {
    return this.bytes.compare(bytes, start, end, 0, this.length) === 0;
  }

  /** Becomes a copy of a key. */
  take(bytes: Buffer, start: number, end: number): void {
    this.clear();
    this.#reserve(end - start);
    this.length = bytes.copy(this.bytes, 0, start, end);
  }

  /** Adds a single byte that is no value. */
  mark(byte: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = byte;
  }

  #integer(value: bigint): void {
    let double = Number(value);
    if (Number.isSafeInteger(double)) {
      this.#number(double, 0);
      return;
    }
    if (BigInt(double) > value) double = nextBelow(double);
    this.#number(double, Number(value - BigInt(double)));
  }

  #number(value: number, rest: number): void {
    this.mark(tagNumber);
    this.#reserve(10);
    this.bytes.writeDoubleBE(value === 0 ? 0 : value, this.length);
    // A double's bits are ordered once the sign is turned round, for negative ones all bits.
    const negative = (this.bytes[this.length] as number) >= 0x80;
    for (let i = 0; i < 8; i++) {
      const byte = this.bytes[this.length + i] as number;
      this.bytes[this.length + i] = negative ? ~byte & 0xff : i === 0 ? byte | 0x80 : byte;
    }
    this.bytes.writeUInt16BE(rest, this.length + 8);
    this.length += 10;
  }

  #text(value: string | MalformedText, collation: string): void {
    // Of two encodings, bytes that are no text in theirs say nothing about each other.
    this.mark(typeof value !== 'string' && this.encoding === null ? tagMalformed : tagText);
    if (collation === 'NOCASE') {
      const bytes = textBytes(value, 'utf-8');
      const total = bytes.length;
      // sqlite3StrNICmp stops at a NUL; then the lengths decide.
      const nul = bytes.indexOf(0);
      const end = nul < 0 ? total : nul;
      for (let i = 0; i < end; i++) {
        const byte = bytes[i] as number;
        if (byte >= 0x41 && byte <= 0x5a) bytes[i] = byte + 0x20;
      }
      this.#closedBytes(bytes, 0, end);
      this.#reserve(4);
      this.length = this.bytes.writeUInt32BE(total, this.length);
      return;
    }
    const bytes = textBytes(value, collation === 'RTRIM' ? 'utf-8' : (this.encoding ?? 'utf-8'));
    let end = bytes.length;
    while (collation === 'RTRIM' && end > 0 && bytes[end - 1] === 0x20) end--;
    this.#closedBytes(bytes, 0, end);
  }

  #closedBytes(source: Uint8Array, start: number, size: number): void {
    const kept = Math.min(size, longest);
    this.#reserve(2 * kept + 40);
    const target = this.bytes;
    let at = this.length;
    for (let i = start; i < start + kept; i++) {
      const byte = source[i] as number;
      target[at++] = byte;
      if (byte === 0) target[at++] = 0xff;
    }
    target[at++] = 0;
    target[at++] = size > longest ? 1 : 0;
    if (size > longest) {
      const hash = createHash('sha256').update(source.subarray(start, start + size));
      at += hash.digest().copy(target, at);
    }
    this.length = at;
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.alloc(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** Bytes of a text, as a copy. */
function textBytes(value: string | MalformedText, encoding: TextEncoding): Buffer {
  if (typeof value !== 'string') return Buffer.from(value.malformedText);
  const bytes = Buffer.from(value, encoding === 'utf-8' ? 'utf8' : 'utf16le');
  return encoding === 'utf-16be' ? bytes.swap16() : bytes;
}

const scratch = new DataView(new ArrayBuffer(8));

function nextBelow(value: number): number {
  scratch.setFloat64(0, value);
  scratch.setBigInt64(0, scratch.getBigInt64(0) + (value > 0 ? -1n : 1n));
  return scratch.getFloat64(0);
}
