import type { TextEncodingName } from './openDatabase';
import { fieldValue, integerAsNumber } from './pages/record';
import type { RowDecoder } from './rowDecoder';
import { realLiteral, sqlLiteral } from './sqlLiteral';

const pieceBytes = 64 * 1024;
/** Longer texts are handed on as they are. */
const longest = 16 * 1024;

/**
 * Gathers SQL in pieces of about 64 KiB. Literals of values that lie in a record are copied as bytes where they can be, without
 * a string for each: a patch may hold millions of them.
 */
export class PatchText {
  readonly #bytes = Buffer.allocUnsafeSlow(pieceBytes + 4 * longest);
  #length = 0;
  #ascii = true;

  /**
   * @example
   * const out = new PatchText(onText, 'UTF-8');
   * out.line('BEGIN;');
   * out.flush();
   */
  constructor(
    private readonly onText: (piece: string) => void,
    /** That of the database which the SQL is for. */
    private readonly encoding: TextEncodingName,
  ) {}

  line(text: string): void {
    this.text(text);
    this.endLine();
  }

  endLine(): void {
    this.#bytes[this.#length++] = 0x0a;
    if (this.#length >= pieceBytes) this.flush();
  }

  text(text: string): void {
    if (text.length > longest) {
      this.flush();
      this.onText(text);
      return;
    }
    this.#reserve(3 * text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.#ascii = false;
        this.#length += bytes.write(text, this.#length);
        return;
      }
      bytes[at++] = code;
    }
    this.#length = at;
  }

  /** The literal of a column of the decoder's current row: what `sqlLiteral` gives for its value. */
  value(decoder: RowDecoder, column: number): void {
    const { record, layout } = decoder;
    const field = layout.fieldOf[column] as number;
    if (field < 0 && decoder.rowHigh === 0 && decoder.rowLow >= 0) {
      this.#integer(decoder.rowLow);
      return;
    }
    if (field >= 0 && field < record.count) {
      const type = record.types[field] as number;
      const real = layout.real[column] === 1;
      if (type >= 13 && type % 2 === 1) {
        if (
          decoder.encoding === 'utf-8' &&
          this.#plainText(record.buffer, record.starts[field] as number, (type - 13) / 2)
        )
          return;
      } else if (type === 7) {
        const value = record.view.getFloat64(record.starts[field] as number);
        this.text(Number.isNaN(value) ? 'NULL' : realLiteral(value));
        return;
      } else if (type >= 1 && type <= 9 && type !== 6 && !real) {
        this.#integer(integerAsNumber(record, field));
        return;
      }
      this.text(sqlLiteral(fieldValue(record, field, real, decoder.encoding), this.encoding));
      return;
    }
    this.text(sqlLiteral(decoder.value(column), this.encoding));
  }

  flush(): void {
    if (this.#length > 0) this.onText(this.#bytes.toString(this.#ascii ? 'latin1' : 'utf8', 0, this.#length));
    this.#length = 0;
    this.#ascii = true;
  }

  /** One byte is always left for the end of a line. */
  #reserve(count: number): void {
    if (this.#length + count + 1 > this.#bytes.length) this.flush();
  }

  #integer(value: number): void {
    if (value < 0 || value > 0x7fffffff) {
      this.text(String(value));
      return;
    }
    this.#reserve(10);
    let digits = 1;
    for (let power = 10; value >= power; power *= 10) digits++;
    this.#length += digits;
    let rest = value | 0;
    for (let at = this.#length - 1; digits > 0; digits--, at--) {
      const tenth = (rest / 10) | 0;
      this.#bytes[at] = 0x30 + rest - 10 * tenth;
      rest = tenth;
    }
  }

  /** Copies ASCII text that needs no escape but doubled quotes; false when it is anything else. */
  #plainText(buffer: Buffer, start: number, size: number): boolean {
    if (size > longest) return false;
    this.#reserve(2 * size + 2);
    const bytes = this.#bytes;
    const end = start + size;
    let at = this.#length;
    bytes[at++] = 0x27;
    for (let from = start; from < end; from++) {
      const byte = buffer[from] as number;
      if (byte >= 0x80 || byte === 0x0a || byte === 0x0d || byte === 0) return false;
      bytes[at++] = byte;
      if (byte === 0x27) bytes[at++] = byte;
    }
    bytes[at++] = 0x27;
    this.#length = at;
    return true;
  }
}
