import type { Column, Row, RowChange, TableHeader } from './model';
import { nameKey } from './schema';
import { sameValue } from './valueOrder';

/** A column of a pair of documents and where each side has it; -1 where it has not. */
export interface ShownColumn {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** The columns of a table's documents: both sides have the same ones at the same places. */
export class ShownColumns {
  /** The newer table's columns in their order, then those that it dropped. */
  readonly all: readonly ShownColumn[];
  /** Columns in which some row differs. */
  private readonly changed = new Set<ShownColumn>();
  /** Columns that hold something else than numbers and NULL. */
  private readonly wordy = new Set<ShownColumn>();

  /**
   * @example
   * const columns = new ShownColumns(header);
   */
  constructor(private readonly header: TableHeader) {
    const { before, after } = header;
    const place = (columns: readonly Column[] | null, name: string): number =>
      (columns ?? []).findIndex((column) => nameKey(column.name) === nameKey(name));
    const newer = (after ?? []).map(({ name }, at) => ({ name, before: place(before, name), after: at }));
    const dropped = (before ?? []).flatMap(({ name }, at) =>
      place(after, name) < 0 ? [{ name, before: at, after: -1 }] : [],
    );
    this.all = [...newer, ...dropped];
  }

  /** Takes note of which columns a row changes, also a row that is not shown: every page has the same order. */
  noteChange(change: RowChange): void {
    if (change.kind !== 'update' || this.changed.size === this.all.length) return;
    for (const column of this.all) {
      if (this.changed.has(column)) continue;
      const onBoth = column.before >= 0 && column.after >= 0;
      if (!onBoth || !sameValue(change.before[column.before] ?? null, change.after[column.after] ?? null)) {
        this.changed.add(column);
      }
    }
  }

  /** Takes note of what a row holds that is shown. */
  noteValues(row: Row, side: 'before' | 'after'): void {
    for (const column of this.all) {
      const value = row[column[side]] ?? null;
      if (value !== null && typeof value !== 'bigint' && typeof value !== 'number') this.wordy.add(column);
    }
  }

  /** Numbers stand under each other at their right ends. */
  isNumeric(column: ShownColumn): boolean {
    return !this.wordy.has(column);
  }

  /** Key columns, then those that changed, then the rest, each group in the order of the newer table. */
  ordered(): readonly ShownColumn[] {
    const { before, after, key } = this.header;
    const names = key.columns.map(nameKey);
    const rank = (column: ShownColumn): number => {
      const inKey = names.indexOf(nameKey(column.name));
      if (inKey >= 0) return inKey;
      // A column that is new or dropped is what changed, even if every row holds its default.
      const onOneSide = before !== null && after !== null && (column.before < 0 || column.after < 0);
      return names.length + (this.changed.has(column) || onOneSide ? 0 : 1);
    };
    // Sorting is stable.
    return [...this.all].sort((a, b) => rank(a) - rank(b));
  }
}
