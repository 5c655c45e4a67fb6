import type { SqlValue } from './model';
import type { RowDecoder } from './rowDecoder';
import { nameKey } from './schema';
import { isMalformed } from './valueOrder';

/**
 * Which columns of two tables are the same: by name. A row that holds, in each column that is new, the value that ADD COLUMN
 * would have given it, is not changed by that column; nor is it by a dropped one. Works on the current rows of two decoders.
 */
export class ColumnMapping {
  /** Pairs of columns that both tables have, in the order of the older one. */
  readonly shared: readonly { readonly before: number; readonly after: number }[];
  /** Columns after that the older table lacks. */
  readonly added: readonly number[];
  readonly #defaults: readonly SqlValue[];
  /** Column before of each column after; -1 when it is new. */
  readonly #source: Int32Array;
  /** 1 for a column after whose bytes mean the same as those of its source. */
  readonly #comparable: Uint8Array;
  /** What `sameRow` found for each column after: 1 when it holds the same as its source. */
  readonly #same: Uint8Array;

  constructor(
    private readonly before: RowDecoder,
    private readonly after: RowDecoder,
  ) {
    const columns = after.layout.table.columns;
    const newer = new Map(columns.map((column, place) => [nameKey(column.name), place]));
    this.#source = new Int32Array(columns.length).fill(-1);
    this.shared = before.layout.table.columns.flatMap((column, place) => {
      const target = newer.get(nameKey(column.name));
      if (target === undefined) return [];
      this.#source[target] = place;
      return [{ before: place, after: target }];
    });
    this.added = [...this.#source.keys()].filter((column) => this.#source[column] === -1);
    this.#defaults = this.added.map((column) => after.layout.defaultOf(column) ?? null);
    this.#same = new Uint8Array(columns.length);
    this.#comparable = new Uint8Array(columns.length);
    for (const pair of this.shared) {
      const sameMeaning = before.layout.real[pair.before] === after.layout.real[pair.after];
      this.#comparable[pair.after] = sameMeaning && before.encoding === after.encoding ? 1 : 0;
    }
  }

  /** True when the newer row holds the default in every new column. */
  holdsDefaults(): boolean {
    return this.added.every((column, i) => sameStoredValue(this.after.value(column), this.#defaults[i] ?? null));
  }

  /** True when the two rows are the same under this mapping. */
  sameRow(): boolean {
    let all = true;
    for (let column = 0; column < this.#source.length; column++) {
      const source = this.#source[column] as number;
      if (source < 0) continue;
      const same = this.#sameColumn(source, column);
      this.#same[column] = same ? 1 : 0;
      if (!same) all = false;
    }
    return all && this.holdsDefaults();
  }

  /** After `sameRow`: true when a column after is new or holds something else than its source. */
  differs(column: number): boolean {
    return this.#same[column] === 0;
  }

  /** Values of the newer row after `sameRow`; those that equal the older row's are not decoded again. */
  rowAfter(rowBefore: readonly SqlValue[]): SqlValue[] {
    const row: SqlValue[] = [];
    for (let column = 0; column < this.#source.length; column++) {
      const source = this.#source[column] as number;
      const known = source >= 0 && this.#same[column] === 1;
      row.push(known ? (rowBefore[source] as SqlValue) : this.after.value(column));
    }
    return row;
  }

  #sameColumn(columnBefore: number, columnAfter: number): boolean {
    const x = this.before.fieldOf(columnBefore);
    const y = this.after.fieldOf(columnAfter);
    if (x >= 0 && y >= 0 && this.#comparable[columnAfter] === 1) {
      if (this.before.record.sameField(x, this.after.record, y)) return true;
    }
    return sameStoredValue(this.before.value(columnBefore), this.after.value(columnAfter));
  }
}

/**
 * True when two values are the same in type and bits: 1, 1.0 and '1' differ, and so do 0.0 and -0.0.
 *
 * @example
 * sameStoredValue(0, -0); // false
 */
export function sameStoredValue(a: SqlValue, b: SqlValue): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  return isMalformed(a) && isMalformed(b) && Buffer.compare(a.malformedText, b.malformedText) === 0;
}
