import { ColumnMapping } from './columnMapping';
import type { Row, RowChange } from './model';
import type { StoredRow } from './pages/overflow';
import type { RowCursor } from './pages/rowCursor';
import { sameTreeOrder, storesAlike } from './pages/tableLayout';
import type { TreeDifference } from './pruneTrees';
import type { RowDecoder } from './rowDecoder';
import { orderOfRowids, RowMerge } from './rowMerge';
import { StoredUpdate } from './storedUpdate';
import type { TableSource } from './tableSource';
import { isKnownOrder, treeOrder } from './treeOrder';

export interface TableComparison {
  readonly before: TableSource | null;
  readonly after: TableSource | null;
  /** Row key declared in the manifest. */
  readonly declared: readonly string[] | undefined;
  /** Row places that may differ; null when nothing is known and all have to be read. */
  readonly difference: TreeDifference | null;
  /** True when an overflow page with the same number is the same in both files. */
  readonly chainsByNumber: boolean;
  /** Folder for sorted runs of more than 16 MiB. */
  readonly tempFolder: string;
  readonly rows: RowsWanted;
  /** Whether unchanged rows are counted, which takes a look at every page of the table. */
  readonly countUnchanged: boolean;
}

/**
 * What is to become of changed rows. `none`: only counts are wanted. `passing`: a change is looked at before the next event is
 * asked for and not kept, so that of most rows only some values need to be decoded. `kept`: changes live on.
 */
export type RowsWanted = 'none' | 'passing' | 'kept';

/**
 * True when both trees have one order, and it can be computed here.
 *
 * @example
 * if (!canMerge(before, after)) sortAllRows();
 */
export function canMerge(before: TableSource, after: TableSource): boolean {
  if (!sameTreeOrder(before.layout, after.layout)) return false;
  if (before.layout.treeKey === null) return true;
  return isKnownOrder(before.layout) && before.file.header.encoding === after.file.header.encoding;
}

/**
 * A row that is in one of the tables only.
 *
 * @example
 * yield oneSided('insert', row);
 */
export function oneSided(kind: 'insert' | 'delete', row: Row): RowChange {
  return kind === 'insert' ? { kind, before: null, after: row } : { kind, before: row, after: null };
}

/** Makes the updates of one table. */
export class Updates {
  readonly mapping: ColumnMapping;
  readonly #older: RowDecoder;
  readonly #newer: RowDecoder;
  /** The one update that stands for all when none is kept. */
  readonly #passing: RowChange | null;

  constructor(before: TableSource, after: TableSource, rows: RowsWanted) {
    this.#older = before.decoder;
    this.#newer = after.decoder;
    this.mapping = new ColumnMapping(this.#older, this.#newer);
    const counted: RowChange = { kind: 'update', before: [], after: [] };
    this.#passing =
      rows === 'kept' ? null : rows === 'none' ? counted : new StoredUpdate(this.mapping, this.#older, this.#newer);
  }

  /** The update that makes the older row the newer one; null when they hold the same. Loads both decoders. */
  of(older: StoredRow, newer: StoredRow): RowChange | null {
    this.#older.load(older);
    this.#newer.load(newer);
    if (this.mapping.sameRow()) return null;
    if (this.#passing !== null) return this.#passing;
    const before = this.#older.row();
    return { kind: 'update', before, after: this.mapping.rowAfter(before) };
  }
}

export interface Cursors {
  readonly before: RowCursor;
  readonly after: RowCursor;
}

/**
 * Cursors over the rows of both tables that may differ.
 *
 * @example
 * const cursors = openCursors(comparison, before, after);
 */
export function openCursors(comparison: TableComparison, before: TableSource, after: TableSource): Cursors {
  const { difference } = comparison;
  return { before: before.openRows(difference?.before ?? null), after: after.openRows(difference?.after ?? null) };
}

/**
 * The merge of two cursors in the order of their trees.
 *
 * @example
 * const merge = openMerge(comparison, before, after, cursors);
 */
export function openMerge(
  comparison: TableComparison,
  before: TableSource,
  after: TableSource,
  cursors: Cursors,
): RowMerge {
  return new RowMerge({
    beforeFile: before.file,
    afterFile: after.file,
    before: cursors.before,
    after: cursors.after,
    order: before.layout.treeKey === null ? orderOfRowids : treeOrder(before.decoder, after.decoder),
    bytesDecide: before.file.header.encoding === after.file.header.encoding && storesAlike(before.layout, after.layout),
    chainsByNumber: comparison.chainsByNumber,
  });
}
