import { definitionLines } from './definitionText';
import type { DocumentPair } from './diffEngine';
import type { EventWriter } from './eventWriter';
import type { DiffEvent, Row, RowChange, SchemaChange, TableHeader } from './model';
import { nameKey } from './schema';
import { oneLine } from './summaryText';
import { sameValue } from './valueOrder';
import { valueText } from './valueText';

/** A longer value does not push the columns behind it to the right. */
const MAX_CELL_WIDTH = 40;
const SEPARATOR = '  ';

/** A changed row as cells of text, so that long values are not kept. */
interface TextRow {
  readonly before: readonly string[] | null;
  readonly after: readonly string[] | null;
}

/**
 * Writes pairs of documents for a side-by-side editor: the schema, then each changed table with its changed rows only, a row
 * a line, the first line naming the columns: those of the key, those that changed, the rest. Values as `valueText` writes
 * them, so that NULL, 'NULL', 1, 1.0 and '1' differ at a glance; two or more spaces separate columns, which no bare text has.
 */
export class SidesWriter implements EventWriter {
  readonly pairs: DocumentPair[] = [];
  private table: TableHeader | null = null;
  private rows: TextRow[] = [];
  private changed = new Set<string>();
  private bytes = 0;
  private omitted = 0;

  /**
   * @example
   * const writer = new SidesWriter(5000, 2 * 1024 * 1024);
   */
  constructor(
    private readonly maxRows: number,
    private readonly maxBytes: number,
  ) {}

  add(event: DiffEvent): void {
    switch (event.kind) {
      case 'schema':
        if (event.changes.length > 0) this.pairs.push(schemaPair(event.changes));
        break;
      case 'table':
        this.table = event.table;
        this.rows = [];
        this.changed = new Set();
        this.bytes = 0;
        this.omitted = 0;
        break;
      case 'row':
        // Once one row is left out, so are those behind it: a gap would look like the end of the change.
        if (this.omitted > 0 || this.rows.length >= this.maxRows || !this.keep(event.change)) this.omitted++;
        break;
      case 'tableEnd':
        if (this.table) this.pairs.push(tablePair(this.table, this.rows, this.changed, this.omitted));
        this.rows = [];
        break;
    }
  }

  end(): void {}

  /** False when the row would exceed the bytes a side. */
  private keep(change: RowChange): boolean {
    const row: TextRow = { before: texts(change.before), after: texts(change.after) };
    const size = Math.max(byteLength(row.before), byteLength(row.after));
    if (this.bytes + size > this.maxBytes) return false;
    this.bytes += size;
    this.rows.push(row);
    if (change.kind === 'update' && this.table)
      for (const name of changedColumns(this.table, change)) this.changed.add(name);
    return true;
  }
}

function schemaPair(changes: readonly SchemaChange[]): DocumentPair {
  const side = (which: 'before' | 'after'): string =>
    changes
      .flatMap((change) => {
        const sql = change[which];
        return sql === null ? [] : [`${definitionLines(sql).join('\n')};\n`];
      })
      .join('\n');
  return { table: null, before: side('before'), after: side('after'), omitted: 0 };
}

function tablePair(
  table: TableHeader,
  rows: readonly TextRow[],
  changed: ReadonlySet<string>,
  omitted: number,
): DocumentPair {
  const order = columnOrder(table, changed);
  const lines = (which: 'before' | 'after'): string[][] | null => {
    const columns = table[which];
    if (columns === null) return null;
    const at = order.map((name) => columns.findIndex((column) => nameKey(column.name) === nameKey(name)));
    const shown = order.filter((_, place) => (at[place] ?? -1) >= 0).map(oneLine);
    const cells = rows.flatMap((change) => {
      const row = change[which];
      return row === null ? [] : [at.filter((place) => place >= 0).map((place) => row[place] ?? '')];
    });
    return [shown, ...cells];
  };
  const before = lines('before');
  const after = lines('after');
  // Same widths on both sides, or every line would differ; but only where both have the same columns.
  const names = (side: string[][] | null): string => JSON.stringify(side?.[0] ?? null);
  const common = names(before) === names(after) ? widthsOf([...(before ?? []), ...(after ?? [])]) : null;
  const text = (side: string[][] | null): string | null =>
    side &&
    `${side.map((row) => padded(row, common ?? widthsOf(side))).join('\n')}\n${omitted > 0 ? `... ${omitted} more rows\n` : ''}`;
  return { table: table.name, before: text(before), after: text(after), omitted };
}

/** Key columns, then those that changed, then the rest, each group in the order of the newer table. */
function columnOrder(table: TableHeader, changed: ReadonlySet<string>): string[] {
  const columns = [...(table.after ?? table.before ?? [])];
  const dropped = (table.after && table.before ? table.before : []).filter(
    (column) => !columns.some((other) => nameKey(other.name) === nameKey(column.name)),
  );
  const key = table.key.columns.map(nameKey);
  const names = [...columns, ...dropped].map((column) => column.name);
  const rank = (name: string): number => (key.includes(nameKey(name)) ? 0 : changed.has(name) ? 1 : 2);
  return names
    .map((name, place) => ({ name, place: rank(name) === 0 ? key.indexOf(nameKey(name)) : place }))
    .sort((a, b) => rank(a.name) - rank(b.name) || a.place - b.place)
    .map((entry) => entry.name);
}

function widthsOf(rows: readonly string[][]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, place) => {
      widths[place] = Math.max(widths[place] ?? 0, Math.min(cell.length, MAX_CELL_WIDTH));
    });
  }
  return widths;
}

function padded(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, place) => cell.padEnd(widths[place] ?? 0))
    .join(SEPARATOR)
    .trimEnd();
}

function changedColumns(table: TableHeader, change: Extract<RowChange, { kind: 'update' }>): string[] {
  return (table.after ?? []).flatMap((column, place) => {
    const older = (table.before ?? []).findIndex((other) => nameKey(other.name) === nameKey(column.name));
    const same = older >= 0 && sameValue(change.before[older] ?? null, change.after[place] ?? null);
    return same ? [] : [column.name];
  });
}

function texts(row: Row | null): string[] | null {
  return row?.map(valueText) ?? null;
}

function byteLength(cells: readonly string[] | null): number {
  return (cells ?? []).reduce((sum, cell) => sum + Buffer.byteLength(cell) + SEPARATOR.length, 1);
}
