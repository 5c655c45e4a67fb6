import type { EventWriter } from './eventWriter';
import type { Column, DiffEvent, Row, SqlValue, TableHeader } from './model';
import { nameKey } from './schema';
import { sameValue } from './valueOrder';
import { valueText } from './valueText';

/** Numbers listed of each kind. */
const LISTED_SHIFTS = 10;

/** A column in which rows that are on both sides differ. */
export interface ColumnChange {
  readonly table: string;
  readonly column: string;
  readonly cells: number;
  /**
   * Least and greatest change relative to the older value, 0.1 for ten percent, without those from 0; null unless all changed
   * cells are numbers.
   */
  readonly relative: { readonly least: number; readonly greatest: number } | null;
}

/** A number that changed. */
export interface NumberShift {
  readonly table: string;
  /** The values of the row's key: `R1, E01`. */
  readonly row: string;
  readonly column: string;
  readonly before: bigint | number;
  readonly after: bigint | number;
  readonly change: number;
  /** Change by the older value; null when that is 0. */
  readonly relative: number | null;
}

/** Columns of a table that came, went or changed their type or place in the primary key. */
export interface TableColumns {
  readonly table: string;
  readonly before: readonly Column[] | null;
  readonly after: readonly Column[] | null;
}

/** What a reviewer wants to see before any row. */
export interface DiffOverview {
  readonly tables: readonly TableColumns[];
  readonly columns: readonly ColumnChange[];
  /** Greatest first; ties in the order of the rows. */
  readonly shifts: { readonly relative: readonly NumberShift[]; readonly absolute: readonly NumberShift[] };
}

/** A column on both sides, while its table is read. */
interface PairedColumn {
  readonly name: string;
  readonly before: number;
  readonly after: number;
  cells: number;
  numbers: number;
  least: number;
  greatest: number;
}

/** Gathers the overview of a comparison. Its size follows the schema, not the rows. */
export class OverviewWriter implements EventWriter {
  private readonly tables: TableColumns[] = [];
  private readonly columns: ColumnChange[] = [];
  private readonly relative = new Greatest(({ relative }) => Math.abs(relative ?? 0));
  private readonly absolute = new Greatest(({ change }) => Math.abs(change));
  private table: TableHeader | null = null;
  private paired: PairedColumn[] = [];

  add(event: DiffEvent): void {
    if (event.kind === 'table') this.open(event.table);
    else if (event.kind === 'row' && event.change.kind === 'update')
      this.compare(event.change.before, event.change.after);
    else if (event.kind === 'tableEnd') this.close();
  }

  end(): void {}

  overview(): DiffOverview {
    const { tables, columns, relative, absolute } = this;
    return { tables, columns, shifts: { relative: relative.found, absolute: absolute.found } };
  }

  private open(table: TableHeader): void {
    this.table = table;
    this.tables.push({ table: table.name, before: table.before, after: table.after });
    this.paired = (table.after ?? []).map(({ name }, after) => ({
      name,
      after,
      before: (table.before ?? []).findIndex((column) => nameKey(column.name) === nameKey(name)),
      cells: 0,
      numbers: 0,
      least: Number.POSITIVE_INFINITY,
      greatest: Number.NEGATIVE_INFINITY,
    }));
  }

  private compare(before: Row, after: Row): void {
    for (const column of this.paired) {
      const older = column.before < 0 ? null : (before[column.before] ?? null);
      const newer = after[column.after] ?? null;
      if (sameValue(older, newer)) continue;
      column.cells++;
      if (isNumber(older) && isNumber(newer)) this.shift(column, older, newer, after);
    }
  }

  private shift(column: PairedColumn, before: bigint | number, after: bigint | number, row: Row): void {
    const { table } = this;
    const change = difference(before, after);
    if (!table || !Number.isFinite(change)) return;
    const relative = Number(before) === 0 ? null : change / Math.abs(Number(before));
    column.numbers++;
    if (relative !== null) {
      column.least = Math.min(column.least, relative);
      column.greatest = Math.max(column.greatest, relative);
    }
    // 1 and 1.0 differ, but by nothing.
    if (change === 0) return;
    const shift = (): NumberShift => ({
      table: table.name,
      row: keyText(table, row),
      column: column.name,
      before,
      after,
      change,
      relative,
    });
    if (relative !== null) this.relative.offer(Math.abs(relative), shift);
    this.absolute.offer(Math.abs(change), shift);
  }

  private close(): void {
    const { table } = this;
    if (!table) return;
    for (const { name, cells, numbers, least, greatest } of this.paired) {
      if (cells === 0) continue;
      const relative = numbers === cells && least <= greatest ? { least, greatest } : null;
      this.columns.push({ table: table.name, column: name, cells, relative });
    }
    this.table = null;
    this.paired = [];
  }
}

/** Keeps the few greatest of many. */
class Greatest {
  readonly found: NumberShift[] = [];

  constructor(private readonly size: (shift: NumberShift) => number) {}

  /** `shift` is made only if it is among the greatest. */
  offer(size: number, shift: () => NumberShift): void {
    const last = this.found.at(-1);
    if (last && this.found.length >= LISTED_SHIFTS && this.size(last) >= size) return;
    const at = this.found.findIndex((other) => this.size(other) < size);
    this.found.splice(at < 0 ? this.found.length : at, 0, shift());
    if (this.found.length > LISTED_SHIFTS) this.found.pop();
  }
}

/**
 * How a row is called: the values of its key.
 *
 * @example
 * keyText(table, row); // R1, E01
 */
function keyText(table: TableHeader, row: Row): string {
  return table.key.columns
    .map((name) => {
      const place = (table.after ?? []).findIndex((column) => nameKey(column.name) === nameKey(name));
      return valueText(row[place] ?? null);
    })
    .join(', ');
}

function isNumber(value: SqlValue): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

/** Exact for integers that a double could not hold. */
function difference(before: bigint | number, after: bigint | number): number {
  return typeof before === 'bigint' && typeof after === 'bigint'
    ? Number(after - before)
    : Number(after) - Number(before);
}
