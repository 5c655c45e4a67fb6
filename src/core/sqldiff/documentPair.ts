import { definitionLines } from './definitionText';
import type { DocumentPair } from './diffEngine';
import type { EventWriter } from './eventWriter';
import type { Column, DiffEvent, Row, RowChange, SchemaChange, TableHeader } from './model';
import { nameKey } from './schema';
import { oneLine } from './summaryText';
import { sameValue } from './valueOrder';
import { valueText } from './valueText';

/** A longer value does not push the columns behind it to the right. */
const MAX_CELL_WIDTH = 40;
const SEPARATOR = '  ';
/**
 * So many changed rows stand between two lines that are the same on both sides. One block of thousands of changed lines
 * would take the diff editor many seconds, after which it gives up and marks no cell.
 */
const MARK_EVERY = 25;

export interface SidesLimits {
  /** Changed rows of one table. */
  readonly maxRows: number;
  /** Of UTF-8, a side of one table. */
  readonly maxBytes: number;
  /** Only this table, from the changed row behind `skip` others; without it all tables from their first. */
  readonly page?: { readonly table: string; readonly skip: number } | undefined;
}

/** A changed row as cells of text, so that long values are not kept. */
interface TextRow {
  readonly before: readonly string[] | null;
  readonly after: readonly string[] | null;
}

/** A column of the documents and where each side has it; -1 where it has not. */
interface ShownColumn {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** The table whose rows are being written. */
interface OpenTable {
  readonly header: TableHeader;
  readonly columns: readonly ShownColumn[];
  readonly skip: number;
  readonly rows: TextRow[];
  /** Columns in which some changed row differs, also one that is not shown: every page has the same order. */
  readonly changed: Set<ShownColumn>;
  seen: number;
  bytes: number;
  omitted: number;
}

/**
 * Writes pairs of documents for a side-by-side editor: the schema, then each changed table with its changed rows only, a row
 * a line, the first line naming the columns: those of the key, those that changed, the rest. Both sides have the same columns
 * at the same places, blank where a side lacks one, so that the eye and the editor's colours find the changed cell. Values as
 * `valueText` writes them; two or more spaces separate columns, which no bare text has.
 */
export class SidesWriter implements EventWriter {
  readonly pairs: DocumentPair[] = [];
  private table: OpenTable | null = null;

  /**
   * @example
   * const writer = new SidesWriter({ maxRows: 5000, maxBytes: 2 * 1024 * 1024 });
   */
  constructor(private readonly limits: SidesLimits) {}

  add(event: DiffEvent): void {
    const { page } = this.limits;
    switch (event.kind) {
      case 'schema':
        if (event.changes.length > 0 && !page) this.pairs.push(schemaPair(event.changes));
        break;
      case 'table':
        this.table = page && page.table !== event.table.name ? null : openTable(event.table, page?.skip ?? 0);
        break;
      case 'row':
        if (this.table) this.addRow(this.table, event.change);
        break;
      case 'tableEnd':
        if (this.table) this.pairs.push(tablePair(this.table));
        this.table = null;
        break;
    }
  }

  end(): void {}

  private addRow(table: OpenTable, change: RowChange): void {
    if (change.kind === 'update') noteChanged(table, change.before, change.after);
    if (table.seen++ < table.skip) return;
    // Once one row is left out, so are those behind it: a gap would look like the end of the change.
    if (table.omitted > 0 || table.rows.length >= this.limits.maxRows || !this.keep(table, change)) table.omitted++;
  }

  /** False when the row would exceed the bytes a side; one row is always kept, or paging would not move on. */
  private keep(table: OpenTable, change: RowChange): boolean {
    const row: TextRow = { before: texts(change.before), after: texts(change.after) };
    const size = Math.max(byteLength(row.before), byteLength(row.after));
    if (table.rows.length > 0 && table.bytes + size > this.limits.maxBytes) return false;
    table.bytes += size;
    table.rows.push(row);
    return true;
  }
}

function openTable(header: TableHeader, skip: number): OpenTable {
  const columns = shownColumns(header);
  return { header, columns, skip, rows: [], changed: new Set(), seen: 0, bytes: 0, omitted: 0 };
}

/** The newer table's columns in their order, then those that it dropped. */
function shownColumns({ before, after }: TableHeader): ShownColumn[] {
  const place = (columns: readonly Column[] | null, name: string): number =>
    (columns ?? []).findIndex((column) => nameKey(column.name) === nameKey(name));
  const newer = (after ?? []).map(({ name }, at) => ({ name, before: place(before, name), after: at }));
  const dropped = (before ?? []).flatMap(({ name }, at) =>
    place(after, name) < 0 ? [{ name, before: at, after: -1 }] : [],
  );
  return [...newer, ...dropped];
}

function noteChanged({ columns, changed }: OpenTable, before: Row, after: Row): void {
  if (changed.size === columns.length) return;
  for (const column of columns) {
    if (changed.has(column)) continue;
    const same =
      column.before >= 0 && column.after >= 0 && sameValue(before[column.before] ?? null, after[column.after] ?? null);
    if (!same) changed.add(column);
  }
}

function schemaPair(changes: readonly SchemaChange[]): DocumentPair {
  const side = (which: 'before' | 'after'): string =>
    changes
      .map((change) => {
        const sql = change[which];
        return [heading(change), ...(sql === null ? [] : [`${definitionLines(sql).join('\n')};`])].join('\n');
      })
      .join('\n\n');
  return { table: null, before: side('before'), after: side('after'), skipped: 0, shown: 0, omitted: 0 };
}

/** On both sides: without it the definition of one entry would be paired with that of another. */
function heading({ type, name, before, after }: SchemaChange): string {
  const state = before === null ? 'new' : after === null ? 'dropped' : 'changed';
  return `-- ${state} ${type} ${oneLine(name)}`;
}

function tablePair(table: OpenTable): DocumentPair {
  const { header, rows, omitted } = table;
  const columns = ordered(table);
  const marked = rows.some(({ before }) => before !== null) && rows.some(({ after }) => after !== null);
  const lines = (which: 'before' | 'after'): string[][] => [
    columns.map((column) => (column[which] < 0 ? '' : oneLine(column.name))),
    ...rows.flatMap((change, at) => {
      const row = change[which];
      const mark = marked && at > 0 && at % MARK_EVERY === 0 ? [[markText(table.skip + at)]] : [];
      return row === null ? mark : [...mark, columns.map((column) => row[column[which]] ?? '')];
    }),
  ];
  const [before, after] = [lines('before'), lines('after')];
  const widths = widthsOf([...before, ...after].filter((row) => row.length === columns.length));
  const skipped = Math.min(table.skip, table.seen);
  const text = ([names = [], ...cells]: string[][]): string =>
    [
      padded(names, widths),
      ...(skipped > 0 ? [`... ${rowCount(skipped)} before these`] : []),
      ...cells.map((row) => padded(row, widths)),
      ...(omitted > 0 ? [`... ${rowCount(omitted)} more`] : []),
    ].join('\n');
  return {
    table: header.name,
    before: header.before && text(before),
    after: header.after && text(after),
    skipped,
    shown: rows.length,
    omitted,
  };
}

/** Changed rows are counted from 1. */
function markText(at: number): string {
  return `... row ${(at + 1).toLocaleString('en')}`;
}

function rowCount(rows: number): string {
  return rows === 1 ? '1 row' : `${rows.toLocaleString('en')} rows`;
}

/** Key columns, then those that changed, then the rest, each group in the order of the newer table. */
function ordered({ header, columns, changed }: OpenTable): readonly ShownColumn[] {
  const key = header.key.columns.map(nameKey);
  const rank = (column: ShownColumn): number => {
    const inKey = key.indexOf(nameKey(column.name));
    if (inKey >= 0) return inKey;
    // A column that is new or dropped is what changed, even if every row holds its default.
    const bothTables = header.before !== null && header.after !== null;
    const onOneSide = bothTables && (column.before < 0 || column.after < 0);
    return key.length + (changed.has(column) || onOneSide ? 0 : 1);
  };
  // Sorting is stable.
  return [...columns].sort((a, b) => rank(a) - rank(b));
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

function texts(row: Row | null): string[] | null {
  return row?.map(valueText) ?? null;
}

function byteLength(cells: readonly string[] | null): number {
  return (cells ?? []).reduce((sum, cell) => sum + Buffer.byteLength(cell) + SEPARATOR.length, 1);
}
