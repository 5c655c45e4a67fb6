import type { DiffEvent, DiffSummary, SchemaChange, TableHeader, TableSummary } from './model';

/** A consumer of the events of one comparison: each of them, then `end`. */
export interface EventWriter {
  add(event: DiffEvent): void;
  end(): void;
}

/** Keeps what is left of a comparison when its rows are dropped. */
export class SummaryWriter implements EventWriter {
  private schema: readonly SchemaChange[] = [];
  private readonly tables: TableSummary[] = [];
  private current: TableHeader | null = null;

  add(event: DiffEvent): void {
    if (event.kind === 'schema') this.schema = event.changes;
    else if (event.kind === 'table') this.current = event.table;
    else if (event.kind === 'tableEnd' && this.current) {
      this.tables.push({ name: this.current.name, key: this.current.key, ...event.counts });
    }
  }

  end(): void {}

  summary(): DiffSummary {
    return {
      identical: this.schema.length === 0 && this.tables.length === 0,
      schema: this.schema,
      tables: this.tables,
    };
  }
}
