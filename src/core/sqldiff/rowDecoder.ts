import type { SqlValue } from './model';
import { damaged } from './pages/damage';
import type { TextEncoding } from './pages/header';
import { readPayload, type StoredRow } from './pages/overflow';
import type { PageFile } from './pages/pageFile';
import { fieldValue, integerValue, RecordFields } from './pages/record';
import type { TableLayout } from './pages/tableLayout';

/** Turns stored rows of one table into values, one row at a time. */
export class RowDecoder {
  readonly record = new RecordFields();
  readonly encoding: TextEncoding;
  /** Rowid of the current row as two int32. */
  rowHigh = 0;
  rowLow = 0;
  readonly #columns: number;
  readonly #defaults: (SqlValue | undefined)[] = [];
  #whole: Buffer = Buffer.alloc(0);

  constructor(
    private readonly file: PageFile,
    readonly layout: TableLayout,
    /** False makes `row` give nothing, for those who only count. */
    private readonly rowsWanted: boolean,
  ) {
    this.encoding = file.header.encoding;
    this.#columns = layout.fieldOf.length;
  }

  /** Makes this row the current one. It stays valid until the next call or until the row's buffer is used again. */
  load(row: StoredRow): void {
    this.rowHigh = row.rowHigh;
    this.rowLow = row.rowLow;
    const { fields } = this.layout;
    if (row.overflow === 0) {
      this.record.parse(row.buffer, row.view, row.localStart, row.localSize, fields);
      return;
    }
    // Exactly as large as needed and not kept: one huge row must not cost its size for the rest of the comparison.
    this.#whole = Buffer.allocUnsafeSlow(row.payloadSize + 32);
    readPayload(this.file, row, this.#whole);
    const view = new DataView(this.#whole.buffer, this.#whole.byteOffset, this.#whole.length);
    this.record.parse(this.#whole, view, 0, row.payloadSize, fields);
  }

  /** Record field of a column; -1 when the value is not in the record (rowid, or the record ends before it). */
  fieldOf(column: number): number {
    const field = this.layout.fieldOf[column] as number;
    return field < this.record.count ? field : -1;
  }

  value(column: number): SqlValue {
    const field = this.layout.fieldOf[column] as number;
    if (field < 0) return this.rowid();
    if (field >= this.record.count) return this.#defaultOf(column);
    return fieldValue(this.record, field, this.layout.real[column] === 1, this.encoding);
  }

  isNull(column: number): boolean {
    const field = this.fieldOf(column);
    return field >= 0 && this.record.types[field] !== 7 ? this.record.types[field] === 0 : this.value(column) === null;
  }

  row(): SqlValue[] {
    const values: SqlValue[] = [];
    if (!this.rowsWanted) return values;
    for (let column = 0; column < this.#columns; column++) values.push(this.value(column));
    return values;
  }

  rowid(): bigint {
    const high = this.rowHigh;
    const low = this.rowLow >>> 0;
    if (high >= -0x200000 && high < 0x200000) return integerValue(high * 0x100000000 + low);
    return (BigInt(high) << 32n) | BigInt(low);
  }

  #defaultOf(column: number): SqlValue {
    if (this.record.count === 0 && this.layout.fields > 0) throw damaged('a record has no fields');
    let value = this.#defaults[column];
    if (value === undefined) {
      // SQLite reads a default that is no constant as NULL.
      value = this.layout.defaultOf(column) ?? null;
      this.#defaults[column] = value;
    }
    return value;
  }
}
