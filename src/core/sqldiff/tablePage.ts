import { ColumnLayout, SEPARATOR } from './columnLayout';
import type { DocumentPair } from './diffEngine';
import type { Row, RowChange, TableHeader } from './model';
import type { TableNeighbours } from './neighbours';
import { type ShownColumn, ShownColumns } from './shownColumns';
import { oneLine } from './summaryText';
import { sameValue } from './valueOrder';
import { changedTexts, valueText } from './valueText';

/**
 * So many changed rows stand between two lines that are the same on both sides. One block of thousands of changed lines
 * would take the diff editor many seconds, after which it gives up and marks no cell.
 */
const MARK_EVERY = 25;
/** Stands for unchanged rows between neighbours. */
const GAP = '⋯';

export interface PageLimits {
  /** Changed rows of one table; its neighbours have the same limit once more. */
  readonly maxRows: number;
  /** Of UTF-8, a side of one table; its neighbours have the same limit once more. */
  readonly maxBytes: number;
}

/** A line of the documents as cells of text, so that long values are not kept; or words, the same on both sides. */
type PageLine =
  | { readonly kind: 'changed'; readonly before: readonly string[] | null; readonly after: readonly string[] | null }
  /** Cells of the newer table. */
  | { readonly kind: 'neighbour'; readonly cells: readonly string[] }
  | { readonly kind: 'note'; readonly text: string };

/** The changed rows of one table from the one behind `skip` others, with the unchanged rows around them. */
export class TablePage {
  private readonly columns: ShownColumns;
  private readonly lines: PageLine[] = [];
  /** The changed row before the next one, where neighbours are shown. */
  private last: RowChange | null = null;
  private seen = 0;
  private shown = 0;
  private bytes = 0;
  private omitted = 0;
  private neighbourRows = 0;
  private neighbourBytes = 0;

  /**
   * @example
   * const page = new TablePage(header, limits, 0, null);
   */
  constructor(
    private readonly header: TableHeader,
    private readonly limits: PageLimits,
    private readonly skip: number,
    private readonly neighbours: TableNeighbours | null,
  ) {
    this.columns = new ShownColumns(header);
    if (neighbours?.obstacle) this.lines.push({ kind: 'note', text: `... ${neighbours.obstacle}` });
  }

  add(change: RowChange): void {
    this.columns.noteChange(change);
    if (this.seen++ >= this.skip) this.show(change);
    if (this.neighbours) this.last = change;
  }

  /** To be called once, behind the last change. */
  end(): DocumentPair {
    if (this.omitted === 0) this.showBetween(null);
    this.neighbours?.close();
    const { header, shown, omitted } = this;
    const skipped = Math.min(this.skip, this.seen);
    const columns = this.columns.ordered();
    const [before, after] = [this.rowsOf('before', columns), this.rowsOf('after', columns)];
    const layout = new ColumnLayout(
      [...before, ...after].filter((row) => typeof row !== 'string'),
      columns.map((column) => this.columns.isNumeric(column)),
    );
    const text = ([names = [], ...rows]: readonly (readonly string[] | string)[]): string =>
      [
        names,
        ...(skipped > 0 ? [`... ${rowCount(skipped)} before these`] : []),
        ...rows,
        ...(omitted > 0 ? [`... ${rowCount(omitted)} more`] : []),
      ]
        .map((row) => (typeof row === 'string' ? row : layout.line(row)))
        .join('\n');
    return {
      table: header.name,
      before: header.before && text(before),
      after: header.after && text(after),
      skipped,
      shown,
      omitted,
    };
  }

  private show(change: RowChange): void {
    // Once one row is left out, so are those behind it: a gap would look like the end of the change.
    if (this.omitted > 0) {
      this.omitted++;
      return;
    }
    const row = { kind: 'changed', ...this.textsOf(change) } as const;
    const size = Math.max(byteLength(row.before), byteLength(row.after));
    const isFull = this.shown >= this.limits.maxRows || this.bytes + size > this.limits.maxBytes;
    // One row is always shown, or paging would not move on.
    if (isFull && this.shown > 0) {
      this.omitted++;
      this.showBetween(change);
      return;
    }
    this.showBetween(change);
    for (const side of ['before', 'after'] as const) {
      const values = change[side];
      if (values) this.columns.noteValues(values, side);
    }
    this.lines.push(row);
    this.shown++;
    this.bytes += size;
  }

  private textsOf(change: RowChange): { readonly before: string[] | null; readonly after: string[] | null } {
    const [before, after] = [texts(change.before), texts(change.after)];
    if (change.kind !== 'update' || before === null || after === null) return { before, after };
    for (const column of this.columns.all) {
      if (before[column.before] === undefined || after[column.after] === undefined) continue;
      const [older = null, newer = null] = [change.before[column.before], change.after[column.after]];
      if (sameValue(older, newer)) continue;
      [before[column.before], after[column.after]] = changedTexts(older, newer);
    }
    return { before, after };
  }

  /** The unchanged rows between the last changed row and this one, which begins or ends the page where it is not shown. */
  private showBetween(change: RowChange | null): void {
    if (!this.neighbours || this.neighbours.obstacle !== null || this.isCrowded()) return;
    const { above, below, cut } = this.neighbours.between(this.last, change);
    if (this.neighbours.obstacle !== null) this.lines.push({ kind: 'note', text: `... ${this.neighbours.obstacle}` });
    const [begins, ends] = [this.shown === 0, this.omitted > 0];
    if (!(begins && cut)) this.showNeighbours(above);
    if (cut && !begins && !ends) this.lines.push({ kind: 'note', text: GAP });
    if (!(ends && cut)) this.showNeighbours(below);
    if (this.isCrowded()) this.lines.push({ kind: 'note', text: '... neighbouring rows end here: there are too many' });
  }

  private showNeighbours(rows: readonly Row[]): void {
    for (const row of rows) {
      if (this.isCrowded()) return;
      const cells = texts(row) ?? [];
      this.neighbourRows++;
      this.neighbourBytes += byteLength(cells);
      this.columns.noteValues(row, 'after');
      this.lines.push({ kind: 'neighbour', cells });
    }
  }

  private isCrowded(): boolean {
    return this.neighbourRows >= this.limits.maxRows || this.neighbourBytes >= this.limits.maxBytes;
  }

  /** Lines of a side, the names of the columns first. */
  private rowsOf(side: 'before' | 'after', columns: readonly ShownColumn[]): (readonly string[] | string)[] {
    const rows: (readonly string[] | string)[] = [
      columns.map((column) => (column[side] < 0 ? '' : oneLine(column.name))),
    ];
    const changed = this.lines.filter((line) => line.kind === 'changed');
    const marked = changed.some(({ before }) => before !== null) && changed.some(({ after }) => after !== null);
    let row = this.skip;
    let unbroken = 0;
    for (const line of this.lines) {
      if (line.kind !== 'changed') {
        unbroken = 0;
        rows.push(line.kind === 'note' ? line.text : columns.map((column) => sharedCell(line.cells, column)));
        continue;
      }
      row++;
      if (marked && unbroken > 0 && unbroken % MARK_EVERY === 0) rows.push(`... row ${row.toLocaleString('en')}`);
      unbroken++;
      const cells = line[side];
      if (cells) rows.push(columns.map((column) => cells[column[side]] ?? ''));
    }
    return rows;
  }
}

/** A column that only one side has is left blank: a neighbour is the same on both. */
function sharedCell(cells: readonly string[], { before, after }: ShownColumn): string {
  return before < 0 || after < 0 ? '' : (cells[after] ?? '');
}

function rowCount(rows: number): string {
  return rows === 1 ? '1 row' : `${rows.toLocaleString('en')} rows`;
}

function texts(row: Row | null): string[] | null {
  return row?.map(valueText) ?? null;
}

function byteLength(cells: readonly string[] | null): number {
  return (cells ?? []).reduce((sum, cell) => sum + Buffer.byteLength(cell) + SEPARATOR.length, 1);
}
