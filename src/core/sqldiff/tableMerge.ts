import type { ColumnMapping } from './columnMapping';
import type { Row, RowChange } from './model';
import type { StoredRow } from './pages/overflow';
import type { RowCursor } from './pages/rowCursor';
import { sameTreeOrder, storesAlike } from './pages/tableLayout';
import type { TreeDifference } from './pruneTrees';
import { orderOfRowids, RowMerge } from './rowMerge';
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
  /** False leaves out the rows: only counts are wanted, and most values need not be decoded. */
  readonly rows: boolean;
  /** Whether unchanged rows are counted, which takes a look at every page of the table. */
  readonly countUnchanged: boolean;
}

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

/**
 * The update that makes the older row the newer one; null when they hold the same. Loads both decoders.
 *
 * @example
 * const update = updateOf(mapping, before, older, after, newer);
 */
export function updateOf(
  mapping: ColumnMapping,
  before: TableSource,
  older: StoredRow,
  after: TableSource,
  newer: StoredRow,
): RowChange | null {
  before.decoder.load(older);
  after.decoder.load(newer);
  if (mapping.sameRow()) return null;
  const rowBefore = before.decoder.row();
  if (rowBefore.length === 0) return { kind: 'update', before: rowBefore, after: rowBefore }; // only counted
  return { kind: 'update', before: rowBefore, after: mapping.rowAfter(rowBefore) };
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
