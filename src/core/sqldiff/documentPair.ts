import { definitionLines } from './definitionText';
import type { DocumentPair } from './diffEngine';
import type { EventWriter } from './eventWriter';
import type { DiffEvent, SchemaChange, TableHeader } from './model';
import type { FindNeighbours } from './neighbours';
import { oneLine } from './summaryText';
import { type PageLimits, TablePage } from './tablePage';

export interface SidesLimits extends PageLimits {
  /** Only this table, from the changed row behind `skip` others; without it all tables from their first. */
  readonly page?: { readonly table: string; readonly skip: number } | undefined;
  /** Unchanged rows before and after each changed one, where the rows of a table have an order; by default none. */
  readonly contextRows?: number | undefined;
}

/**
 * Writes pairs of documents for a side-by-side editor: the schema, then each changed table with its changed rows, a row a
 * line, the first line naming the columns: those of the key, those that changed, the rest. Both sides have the same columns
 * at the same places, blank where a side lacks one, so that the eye and the editor's colours find the changed cell. Values as
 * `valueText` writes them; two or more spaces separate columns, which no bare text has.
 */
export class SidesWriter implements EventWriter {
  readonly pairs: DocumentPair[] = [];
  private table: TablePage | null = null;

  /**
   * @example
   * const writer = new SidesWriter({ maxRows: 5000, maxBytes: 2 * 1024 * 1024 });
   */
  constructor(
    private readonly limits: SidesLimits,
    private readonly findNeighbours: FindNeighbours | null = null,
  ) {}

  add(event: DiffEvent): void {
    const { page } = this.limits;
    switch (event.kind) {
      case 'schema':
        if (event.changes.length > 0 && !page) this.pairs.push(schemaPair(event.changes));
        break;
      case 'table':
        this.table = page && page.table !== event.table.name ? null : this.openPage(event.table);
        break;
      case 'row':
        this.table?.add(event.change);
        break;
      case 'tableEnd':
        if (this.table) this.pairs.push(this.table.end());
        this.table = null;
        break;
    }
  }

  end(): void {}

  private openPage(header: TableHeader): TablePage {
    return new TablePage(header, this.limits, this.limits.page?.skip ?? 0, this.findNeighbours?.(header) ?? null);
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
