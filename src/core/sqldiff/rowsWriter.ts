import type { TableRows } from './diffEngine';
import type { EventWriter } from './eventWriter';
import type { DiffEvent, RowChange, SchemaChange, TableHeader } from './model';

/** Collects changed rows as data, at most `limit` a table; null keeps all of them in memory. */
export class RowsWriter implements EventWriter {
  schema: readonly SchemaChange[] = [];
  readonly tables: TableRows[] = [];
  private table: TableHeader | null = null;
  private rows: RowChange[] = [];
  private omitted = 0;

  /**
   * @example
   * const writer = new RowsWriter(100);
   */
  constructor(private readonly limit: number | null) {}

  add(event: DiffEvent): void {
    switch (event.kind) {
      case 'schema':
        this.schema = event.changes;
        break;
      case 'table':
        this.table = event.table;
        this.rows = [];
        this.omitted = 0;
        break;
      case 'row':
        if (this.limit !== null && this.rows.length >= this.limit) this.omitted++;
        else this.rows.push(event.change);
        break;
      case 'tableEnd': {
        const { table } = this;
        if (!table) break;
        const counts = { name: table.name, key: table.key, ...event.counts };
        this.tables.push({ table, counts, rows: this.rows, omitted: this.omitted });
        break;
      }
    }
  }

  end(): void {}
}
