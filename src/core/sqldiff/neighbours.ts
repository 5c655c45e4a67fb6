import { DataManagerError } from '../errors';
import { type KeyOrder, type KeyValues, openKeyOrder } from './keyOrder';
import type { Row, RowChange, TableHeader } from './model';
import type { OpenedDatabase } from './openDatabase';
import { keyCandidates } from './pairingKey';
import { type DatabaseSchema, nameKey } from './schema';

/** Unchanged rows between two changed ones, in key order, as the newer table has them. */
export interface Between {
  /** Behind the first; all there are when nothing is `cut`. */
  readonly above: readonly Row[];
  /** Before the second. */
  readonly below: readonly Row[];
  /** True when rows between `above` and `below` are left out. */
  readonly cut: boolean;
}

/** The unchanged rows around the changed ones of one table. To be closed. */
export interface TableNeighbours {
  /** Why there are none, or no more, for people; null when there are. May change with `between`. */
  readonly obstacle: string | null;
  /** The nearest rows between two changed ones that follow each other; null stands for the table's ends. */
  between(from: RowChange | null, to: RowChange | null): Between;
  close(): void;
}

/** Finds neighbours for one comparison; null where a table has no unchanged rows, as a new one. */
export type FindNeighbours = (table: TableHeader) => TableNeighbours | null;

export interface NeighbourInput {
  /** How many rows on each side of a changed one. */
  readonly rows: number;
  /** The newer database. Called when the first table asks. */
  readonly openNewer: () => OpenedDatabase;
  readonly schemas: { readonly before: DatabaseSchema; readonly after: DatabaseSchema };
  /** Whether both databases store TEXT in the same encoding. */
  readonly sameEncoding: boolean;
}

const nothing: Between = { above: [], below: [], cut: false };
const unordered = 'rows have no key: there are no neighbouring rows to show';
const unreadable = 'this table cannot be read by its key: no neighbouring rows';

/**
 * Finds the unchanged rows next to changed ones, as the context lines of a text diff. A row that lies strictly between two
 * changed rows which follow each other in key order is unchanged, so it is looked up in the newer database alone.
 *
 * The functions throw CANCELLED and FILE_CHANGED; what else stops SQLite from reading a table is told as its obstacle.
 *
 * @example
 * const find = findNeighbours({ rows: 3, openNewer: () => pair.after, schemas, sameEncoding: pair.attached });
 */
export function findNeighbours(input: NeighbourInput): FindNeighbours {
  let newer: OpenedDatabase | null = null;
  return (header) => {
    if (header.before === null || header.after === null) return null;
    if (header.key.kind === 'content') return without(unordered);
    try {
      newer ??= input.openNewer();
      const order = orderOf(header, input, newer);
      return order ? new OrderedNeighbours(order, header, input.rows) : without(unreadable);
    } catch (error) {
      if (!isObstacle(error)) throw error;
      return without(unreadable);
    }
  };
}

/** True for what keeps SQLite from reading a file, such as damage where no changed row is: its own errors are plain ones. */
function isObstacle(error: unknown): boolean {
  if (DataManagerError.is(error)) return error.code !== 'CANCELLED' && error.code !== 'FILE_CHANGED';
  return error instanceof Error && error.constructor === Error;
}

function without(obstacle: string): TableNeighbours {
  return { obstacle, between: () => nothing, close: () => undefined };
}

/** The table in the order in which its changed rows come. */
function orderOf(
  { name, key }: TableHeader,
  { schemas, sameEncoding }: NeighbourInput,
  database: OpenedDatabase,
): KeyOrder | null {
  const before = schemas.before.tables.get(nameKey(name));
  const after = schemas.after.tables.get(nameKey(name));
  // Rows of files in two encodings come in the order of UTF-8.
  if (!before || !after || (!sameEncoding && database.encoding !== 'UTF-8')) return null;
  const declared = key.kind === 'declared' ? key.columns : undefined;
  const chosen = keyCandidates([before, after], declared, sameEncoding).find(
    (candidate) => candidate.key.kind === key.kind && isSameKey(candidate.key.columns, key.columns),
  );
  if (!chosen) return null;
  const columns = chosen.key.columns.map(
    (column) => after.columns.find((entry) => nameKey(entry.name) === nameKey(column))?.name ?? column,
  );
  return openKeyOrder(database, after, { ...chosen.key, columns });
}

function isSameKey(a: readonly string[], b: readonly string[]): boolean {
  return a.map(nameKey).join('\0') === b.map(nameKey).join('\0');
}

class OrderedNeighbours implements TableNeighbours {
  obstacle: string | null = null;
  /** Where the last gap was left: most changed rows stand close to each other, and need no seek of their own. */
  private cursor: { readonly rows: Generator<Row, void, undefined>; next: Row | null } | null = null;
  private readonly keyBefore: readonly number[];

  constructor(
    private readonly order: KeyOrder,
    header: TableHeader,
    private readonly rows: number,
  ) {
    this.keyBefore = header.key.columns.map((name) =>
      (header.before ?? []).findIndex((column) => nameKey(column.name) === nameKey(name)),
    );
  }

  between(from: RowChange | null, to: RowChange | null): Between {
    if (this.obstacle !== null) return nothing;
    try {
      return this.find(from, to);
    } catch (error) {
      if (!isObstacle(error)) throw error;
      this.obstacle = unreadable;
      this.close();
      return nothing;
    }
  }

  close(): void {
    this.cursor?.rows.return();
    this.cursor = null;
  }

  private find(from: RowChange | null, to: RowChange | null): Between {
    const [start, end] = [from && this.keyOf(from), to && this.keyOf(to)];
    if (start === null) return end === null ? nothing : { above: [], below: this.lastBefore(end), cut: false };
    // A mark for rows left out takes a line: where it would stand for one row, that row is shown.
    const above = this.firstAfter(start, end, end === null ? this.rows : 2 * this.rows + 1);
    if (end === null || this.cursor === null || !this.isInside(this.cursor.next, end)) {
      return { above, below: [], cut: false };
    }
    this.close();
    return { above: above.slice(0, this.rows), below: this.lastBefore(end), cut: true };
  }

  private firstAfter(start: KeyValues, end: KeyValues | null, count: number): Row[] {
    if (this.cursor === null) {
      const rows = this.order.after(start);
      this.cursor = { rows, next: rows.next().value ?? null };
    }
    const { cursor } = this;
    const advance = (): void => {
      cursor.next = cursor.rows.next().value ?? null;
    };
    while (cursor.next !== null && this.order.compare(this.order.keyOf(cursor.next), start) <= 0) advance();
    const found: Row[] = [];
    for (; found.length < count && cursor.next !== null && this.isInside(cursor.next, end); advance()) {
      found.push(cursor.next);
    }
    return found;
  }

  private lastBefore(end: KeyValues): Row[] {
    const found: Row[] = [];
    for (const row of this.order.before(end)) if (found.push(row) >= this.rows) break;
    return found.reverse();
  }

  private isInside(row: Row | null, end: KeyValues | null): boolean {
    return row !== null && (end === null || this.order.compare(this.order.keyOf(row), end) < 0);
  }

  private keyOf(change: RowChange): KeyValues {
    return change.after ? this.order.keyOf(change.after) : this.keyBefore.map((place) => change.before[place] ?? null);
  }
}
