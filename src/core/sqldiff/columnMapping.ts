import type { SqlValue } from './model';
import type { TableLayout } from './pages/tableLayout';
import type { RowDecoder } from './rowDecoder';
import { nameKey } from './schema';
import { isMalformed } from './valueOrder';

/**
 * Which columns of two tables are the same: by name. A row that holds, in each column that is new, the value that ADD COLUMN
 * would have given it, is not changed by that column; nor is it by a dropped one.
 */
export class ColumnMapping {
  /** Column before of each column after; -1 when it is new. */
  readonly source: Int32Array;
  /** Pairs of columns that both tables have, in the order of the older one. */
  readonly shared: readonly { readonly before: number; readonly after: number }[];
  /** Columns after that the older table lacks. */
  readonly added: readonly number[];
  readonly #defaults: readonly SqlValue[];

  constructor(before: TableLayout, after: TableLayout) {
    const newer = new Map(after.table.columns.map((column, place) => [nameKey(column.name), place]));
    this.source = new Int32Array(after.table.columns.length).fill(-1);
    this.shared = before.table.columns.flatMap((column, place) => {
      const target = newer.get(nameKey(column.name));
      if (target === undefined) return [];
      this.source[target] = place;
      return [{ before: place, after: target }];
    });
    this.added = [...this.source.keys()].filter((column) => this.source[column] === -1);
    this.#defaults = this.added.map((column) => after.defaultOf(column) ?? null);
  }

  /** True when the current row of the newer table holds the default in every new column. */
  holdsDefaults(after: RowDecoder): boolean {
    return this.added.every((column, i) => sameStoredValue(after.value(column), this.#defaults[i] ?? null));
  }

  /** True when the current rows of both decoders are the same row under this mapping. */
  sameRow(before: RowDecoder, after: RowDecoder): boolean {
    for (const pair of this.shared) if (!sameColumn(before, pair.before, after, pair.after)) return false;
    return this.holdsDefaults(after);
  }

  /** Values of the newer row; those that equal the older row's are taken from there instead of being decoded again. */
  rowAfter(before: RowDecoder, rowBefore: readonly SqlValue[], after: RowDecoder): SqlValue[] {
    const row: SqlValue[] = [];
    for (let column = 0; column < this.source.length; column++) {
      const source = this.source[column] as number;
      const known = source >= 0 && sameField(before, source, after, column);
      row.push(known ? (rowBefore[source] as SqlValue) : after.value(column));
    }
    return row;
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

function sameColumn(before: RowDecoder, columnBefore: number, after: RowDecoder, columnAfter: number): boolean {
  return (
    sameField(before, columnBefore, after, columnAfter) ||
    sameStoredValue(before.value(columnBefore), after.value(columnAfter))
  );
}

/** True when both records store the same bytes with the same meaning; false says nothing. */
function sameField(before: RowDecoder, columnBefore: number, after: RowDecoder, columnAfter: number): boolean {
  const x = before.fieldOf(columnBefore);
  const y = after.fieldOf(columnAfter);
  if (x < 0 || y < 0 || before.encoding !== after.encoding) return false;
  if (before.layout.real[columnBefore] !== after.layout.real[columnAfter]) return false;
  const a = before.record;
  const b = after.record;
  if (a.types[x] !== b.types[y]) return false;
  let from = a.starts[x] as number;
  let to = b.starts[y] as number;
  const size = a.sizeOf(x);
  if (size > 64) return a.buffer.compare(b.buffer, to, to + size, from, from + size) === 0;
  for (const end = from + size; from < end; from++, to++) if (a.buffer[from] !== b.buffer[to]) return false;
  return true;
}
