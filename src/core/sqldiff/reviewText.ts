import { createTwoFilesPatch } from 'diff';
import { definitionLines } from './definitionText';
import type { EventWriter } from './eventWriter';
import { SummaryWriter } from './eventWriter';
import type { Column, DiffEvent, Row, RowChange, SchemaChange, SqlValue, TableHeader } from './model';
import type { FindNeighbours, TableNeighbours } from './neighbours';
import { nameKey } from './schema';
import { oneLine, summaryTable } from './summaryText';
import type { TextPieces } from './textPieces';
import { sameValue } from './valueOrder';
import { valueText } from './valueText';

const CONTEXT_LINES = 3;

/**
 * Writes a comparison for a person in a terminal: what is compared, counts, schema changes as a line diff, then changed rows
 * of each table, at most `limit` a table, and the unchanged rows around them where neighbours are asked for. With a limit the counts come first and the rows wait for them; without one rows
 * are written as they come and the counts come last.
 */
export class ReviewWriter implements EventWriter {
  private readonly summary = new SummaryWriter();
  private readonly body: string[] = [];
  private table: TableHeader | null = null;
  private neighbours: TableNeighbours | null = null;
  private last: RowChange | null = null;
  private written = 0;

  /**
   * @example
   * const writer = new ReviewWriter({ before: 'a@v1', after: 'a@v2' }, 20, out);
   */
  constructor(
    labels: { readonly before: string; readonly after: string },
    private readonly limit: number | null,
    private readonly out: TextPieces,
    private readonly findNeighbours: FindNeighbours | null = null,
  ) {
    out.line(`${oneLine(labels.before)} -> ${oneLine(labels.after)}`);
  }

  add(event: DiffEvent): void {
    this.summary.add(event);
    switch (event.kind) {
      case 'schema':
        if (event.changes.length > 0) this.line('', 'schema');
        for (const change of event.changes) this.line(...this.schemaDiff(change));
        break;
      case 'table':
        this.table = event.table;
        this.neighbours = this.findNeighbours?.(event.table) ?? null;
        this.last = null;
        this.written = 0;
        this.line('', this.heading(event.table));
        if (this.neighbours?.obstacle) this.line(`  ... ${this.neighbours.obstacle}`);
        break;
      case 'row':
        if (this.table) this.row(this.table, event.change);
        break;
      case 'tableEnd':
        if (this.table && !this.isCut(this.written - 1)) this.between(this.table, null, false);
        this.neighbours?.close();
        if (this.limit !== null && this.written > this.limit) this.line(`  ... ${this.written - this.limit} more rows`);
        break;
    }
  }

  end(): void {
    const { identical, tables } = this.summary.summary();
    if (identical) this.out.line('no difference');
    else if (tables.length > 0) for (const line of ['', ...summaryTable(tables)]) this.out.line(line);
    for (const line of this.body) this.out.line(line);
  }

  private row(table: TableHeader, change: RowChange): void {
    const written = this.written++;
    if (this.isCut(written)) {
      if (written === this.limit) this.between(table, change, true);
      return;
    }
    this.between(table, change, false);
    this.line(...rowLines(table, change));
    if (this.neighbours) this.last = change;
  }

  /** True when a row with so many before it is left out. */
  private isCut(before: number): boolean {
    return this.limit !== null && before >= this.limit;
  }

  /** The unchanged rows before a change, which itself is left out when the text is cut there. */
  private between(table: TableHeader, change: RowChange | null, isCut: boolean): void {
    if (!this.neighbours || this.neighbours.obstacle !== null) return;
    const { above, below, cut } = this.neighbours.between(this.last, change);
    if (this.neighbours.obstacle !== null) this.line(`  ... ${this.neighbours.obstacle}`);
    const rows = (unchanged: readonly Row[]): string[] =>
      unchanged.map((row) => `    ${cells(table.after ?? [], row, table)}`);
    this.line(...rows(above));
    if (!isCut) this.line(...(cut ? ['  ⋯'] : []), ...rows(below));
  }

  private line(...lines: readonly string[]): void {
    if (this.limit === null) for (const line of lines) this.out.line(line);
    else this.body.push(...lines);
  }

  private heading(table: TableHeader): string {
    const state = table.before === null ? 'new ' : table.after === null ? 'dropped ' : '';
    const key =
      table.key.kind === 'content' ? 'no key: rows matched by content' : `key: ${table.key.columns.join(', ')}`;
    return `${state}table ${oneLine(table.name)} (${oneLine(key)})`;
  }

  private schemaDiff(change: SchemaChange): string[] {
    const text = (sql: string | null): string => (sql === null ? '' : `${definitionLines(sql).join('\n')}\n`);
    const patch = createTwoFilesPatch('', '', text(change.before), text(change.after), '', '', {
      context: CONTEXT_LINES,
    });
    const state = change.before === null ? 'new' : change.after === null ? 'dropped' : 'changed';
    const lines = patch.split('\n').filter((line) => /^[ +-]/.test(line) && !/^(?:---|\+\+\+) ?\t?$/.test(line));
    return [`  ${state} ${change.type} ${oneLine(change.name)}`, ...lines.map((line) => `  ${line}`.trimEnd())];
  }
}

function rowLines(table: TableHeader, change: RowChange): string[] {
  if (change.kind === 'insert') return [`  + ${cells(table.after ?? [], change.after, table)}`];
  if (change.kind === 'delete') return [`  - ${cells(table.before ?? [], change.before, table)}`];
  const changed = (table.after ?? []).flatMap((column, place) => {
    const older = cell(table.before ?? [], change.before, column.name);
    const newer = change.after[place] ?? null;
    if (older !== undefined && sameValue(older, newer)) return [];
    return [`${oneLine(column.name)}: ${older === undefined ? '(new)' : valueText(older)} -> ${valueText(newer)}`];
  });
  const key = table.key.columns.map(
    (name) => `${oneLine(name)}=${valueText(cell(table.after ?? [], change.after, name) ?? null)}`,
  );
  return [`  ~ ${key.join(', ')}  ${changed.join(', ')}`];
}

/** All cells, those of the key first. */
function cells(columns: readonly Column[], row: Row, table: TableHeader): string {
  const isKey = new Set(table.key.columns.map(nameKey));
  const entries = columns.map((column, place) => ({ name: column.name, text: valueText(row[place] ?? null) }));
  const inKey = entries.filter((entry) => isKey.has(nameKey(entry.name)));
  const others = entries.filter((entry) => !isKey.has(nameKey(entry.name)));
  return [inKey, others]
    .filter((group) => group.length > 0)
    .map((group) => group.map((entry) => `${oneLine(entry.name)}=${entry.text}`).join(', '))
    .join('  ');
}

function cell(columns: readonly Column[], row: Row, name: string): SqlValue | undefined {
  const place = columns.findIndex((column) => nameKey(column.name) === nameKey(name));
  return place < 0 ? undefined : (row[place] ?? null);
}
