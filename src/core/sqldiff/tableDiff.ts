import { DataManagerError } from '../errors';
import { ChangeSorter, type EntryKind, type SortedEntry } from './changeSorter';
import { ColumnMapping } from './columnMapping';
import { keyIsUnique } from './keyProof';
import type { DiffEvent, Row, RowChange, TableHeader } from './model';
import { type KeyCandidate, keyCandidates } from './pairingKey';
import { sameTreeOrder, storesAlike } from './pages/catalog';
import { damaged } from './pages/damage';
import type { StoredRow } from './pages/overflow';
import type { RowCursor } from './pages/rowCursor';
import { isEmpty, type TreeDifference } from './pruneTrees';
import { orderOfRowids, RowMerge, Step } from './rowMerge';
import type { PairingKey } from './rowKey';
import { nameKey } from './schema';
import { SortKey } from './sortKey';
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
}

/**
 * Compares one table. Where the key is the order of storage (INTEGER PRIMARY KEY, WITHOUT ROWID), rows stream out of a merge
 * of both trees. Otherwise the merge of the trees only takes equal rows away, and what is left is sorted by the key and paired
 * then, so that a renumbered rowid is not a change.
 *
 * @example
 * for (const event of diffTable(comparison)) ...
 */
export function* diffTable(comparison: TableComparison): Generator<DiffEvent, void, undefined> {
  const { before, after, difference } = comparison;
  const header = { before: before?.columns() ?? null, after: after?.columns() ?? null };
  const sameColumns = JSON.stringify(header.before) === JSON.stringify(header.after);
  const nothingToRead = difference && isEmpty(difference.before.places) && isEmpty(difference.after.places);
  if (sameColumns && nothingToRead) return;

  const { key, changes } = pair(comparison);
  const name = after?.layout.table.name ?? before?.layout.table.name ?? '';
  const table: TableHeader = { name, ...header, key: { kind: key.kind, columns: key.columns } };
  const counts = { insert: 0, update: 0, delete: 0 };
  let begun = false;
  if (!sameColumns) {
    begun = true;
    yield { kind: 'table', table };
  }
  for (const change of changes) {
    if (!begun) yield { kind: 'table', table };
    begun = true;
    counts[change.kind]++;
    if (comparison.rows) yield { kind: 'row', change };
  }
  if (!begun) return;
  yield {
    kind: 'tableEnd',
    counts: { inserted: counts.insert, updated: counts.update, deleted: counts.delete, unchanged: null },
  };
}

interface Pairing {
  readonly key: PairingKey;
  readonly changes: Iterable<RowChange>;
}

/** The best key that holds, and the changes under it. */
function pair(comparison: TableComparison): Pairing {
  const { before, after, declared, tempFolder } = comparison;
  const sides = [before, after].filter((side) => side !== null);
  const tables = sides.map((side) => side.layout.table);
  const sameEncoding = new Set(sides.map((side) => side.file.header.encoding)).size === 1;
  for (const candidate of keyCandidates(tables, declared, sameEncoding)) {
    const { key, proofs } = candidate;
    if (proofs.some((proof, i) => proof === 'unknown' && !keyIsUnique(at(sides, i), key, false, tempFolder))) continue;
    const stream = streamed(comparison, key);
    if (stream) return { key, changes: stream };
    const sorted = new SortedPairing(comparison, key);
    if (!sorted.sawNull || nullsAreUnique(sides, candidate, tempFolder)) return { key, changes: sorted.changes() };
    sorted.close();
  }
  throw new DataManagerError('DIFF_UNSUPPORTED', 'No way was found to pair the rows of a table.');
}

function nullsAreUnique(sides: readonly TableSource[], { key, proofs }: KeyCandidate, tempFolder: string): boolean {
  return proofs.every((proof, i) => proof !== 'unique-but-nulls' || keyIsUnique(at(sides, i), key, true, tempFolder));
}

function at(sides: readonly TableSource[], index: number): TableSource {
  return sides[index] as TableSource;
}

/** Changes in the order of storage, when that is the order of the key; else null. */
function streamed(comparison: TableComparison, key: PairingKey): Generator<RowChange, void, undefined> | null {
  const { before, after } = comparison;
  if (key.kind !== 'primary-key') return null;
  for (const side of [before, after]) if (side !== null && !isStoredBy(side, key)) return null;
  if (before === null) return after && allOf(after, 'insert');
  if (after === null) return allOf(before, 'delete');
  return canMerge(before, after) ? merged(comparison, before, after) : null;
}

/** True when both trees have one order, and it can be computed here. */
function canMerge(before: TableSource, after: TableSource): boolean {
  if (!sameTreeOrder(before.layout, after.layout)) return false;
  if (before.layout.treeKey === null) return true;
  return isKnownOrder(before.layout) && before.file.header.encoding === after.file.header.encoding;
}

function isStoredBy({ layout }: TableSource, key: PairingKey): boolean {
  if (layout.treeKey !== null) {
    const ascends = layout.treeKey.every((part, i) => !part.descending && part.column === nameKey(key.columns[i] ?? ''));
    return ascends && isKnownOrder(layout) && layout.treeKey.length === key.columns.length;
  }
  const column = layout.table.columns[layout.rowidColumn];
  return column !== undefined && key.columns.length === 1 && nameKey(column.name) === nameKey(key.columns[0] ?? '');
}

function* allOf(side: TableSource, kind: 'insert' | 'delete'): Generator<RowChange, void, undefined> {
  for (const cursor = side.openRows(null); !cursor.done; cursor.next()) {
    side.decoder.load(cursor);
    yield oneSided(kind, side.decoder.row());
  }
}

function oneSided(kind: 'insert' | 'delete', row: Row): RowChange {
  return kind === 'insert' ? { kind, before: null, after: row } : { kind, before: row, after: null };
}

function* merged(
  comparison: TableComparison,
  before: TableSource,
  after: TableSource,
): Generator<RowChange, void, undefined> {
  const mapping = new ColumnMapping(before.layout, after.layout);
  const cursors = openCursors(comparison, before, after);
  const merge = openMerge(comparison, before, after, cursors);
  for (;;) {
    switch (merge.next()) {
      case Step.End:
        return;
      case Step.OnlyBefore:
        before.decoder.load(cursors.before);
        yield oneSided('delete', before.decoder.row());
        break;
      case Step.OnlyAfter:
        after.decoder.load(cursors.after);
        yield oneSided('insert', after.decoder.row());
        break;
      case Step.Both: {
        const update = updateOf(mapping, before, cursors.before, after, cursors.after);
        if (update) yield update;
        break;
      }
    }
  }
}

function updateOf(
  mapping: ColumnMapping,
  before: TableSource,
  older: StoredRow,
  after: TableSource,
  newer: StoredRow,
): RowChange | null {
  before.decoder.load(older);
  after.decoder.load(newer);
  if (mapping.sameRow(before.decoder, after.decoder)) return null;
  const rowBefore = before.decoder.row();
  return { kind: 'update', before: rowBefore, after: mapping.rowAfter(before.decoder, rowBefore, after.decoder) };
}

interface Cursors {
  readonly before: RowCursor;
  readonly after: RowCursor;
}

function openCursors(comparison: TableComparison, before: TableSource, after: TableSource): Cursors {
  const { difference } = comparison;
  return { before: before.openRows(difference?.before ?? null), after: after.openRows(difference?.after ?? null) };
}

function openMerge(comparison: TableComparison, before: TableSource, after: TableSource, cursors: Cursors): RowMerge {
  return new RowMerge({
    beforeFile: before.file,
    afterFile: after.file,
    before: cursors.before,
    after: cursors.after,
    order: before.layout.treeKey === null ? orderOfRowids : treeOrder(before.decoder, after.decoder),
    bytesDecide:
      before.file.header.encoding === after.file.header.encoding && storesAlike(before.layout, after.layout),
    chainsByNumber: comparison.chainsByNumber,
  });
}

/** Collects rows that may have changed, sorted by key, and pairs them. */
class SortedPairing {
  sawNull = false;
  readonly #sorter: ChangeSorter;
  readonly #key: SortKey;
  readonly #mapping: ColumnMapping | null;

  constructor(
    private readonly comparison: TableComparison,
    private readonly pairingKey: PairingKey,
  ) {
    const { before, after, tempFolder } = comparison;
    this.#sorter = new ChangeSorter(tempFolder);
    const encodings = new Set([before, after].flatMap((side) => (side ? [side.file.header.encoding] : [])));
    const [only = null] = encodings;
    this.#key = new SortKey(encodings.size === 1 ? only : null);
    this.#mapping = before && after ? new ColumnMapping(before.layout, after.layout) : null;
    try {
      if (before && after && canMerge(before, after)) {
        this.#collectDifferences(before, after);
      } else {
        if (before) this.#collectAll(before, 'delete');
        if (after) this.#collectAll(after, 'insert');
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#sorter.close();
  }

  *changes(): Generator<RowChange, void, undefined> {
    try {
      if (this.pairingKey.kind === 'content') yield* this.#byContent();
      else yield* this.#byKey();
    } finally {
      this.close();
    }
  }

  #collectAll(side: TableSource, kind: 'insert' | 'delete'): void {
    // What a walk found unchanged is unchanged under any order of comparison.
    const place = kind === 'delete' ? this.comparison.difference?.before : this.comparison.difference?.after;
    const cursor = side.openRows(place ?? null);
    const columns = this.#keyColumns(side);
    for (; !cursor.done; cursor.next()) {
      side.decoder.load(cursor);
      this.#setKey(side, columns);
      this.#add(kind, cursor, null);
    }
  }

  #collectDifferences(before: TableSource, after: TableSource): void {
    const cursors = openCursors(this.comparison, before, after);
    const merge = openMerge(this.comparison, before, after, cursors);
    const columnsBefore = this.#keyColumns(before);
    const columnsAfter = this.#keyColumns(after);
    const other = new SortKey(null);
    for (;;) {
      const step = merge.next();
      if (step === Step.End) return;
      if (step === Step.OnlyAfter) {
        after.decoder.load(cursors.after);
        this.#setKey(after, columnsAfter);
        this.#add('insert', cursors.after, null);
        continue;
      }
      before.decoder.load(cursors.before);
      this.#setKey(before, columnsBefore);
      if (step === Step.OnlyBefore) {
        this.#add('delete', cursors.before, null);
        continue;
      }
      after.decoder.load(cursors.after);
      if (this.#mapping?.sameRow(before.decoder, after.decoder)) continue;
      other.take(this.#key.bytes, 0, this.#key.length);
      this.#setKey(after, columnsAfter);
      if (this.pairingKey.kind !== 'content' && other.equals(this.#key.bytes, 0, this.#key.length)) {
        this.#add('update', cursors.before, cursors.after);
        continue;
      }
      this.#add('insert', cursors.after, null);
      this.#setKey(before, columnsBefore);
      this.#add('delete', cursors.before, null);
    }
  }

  #keyColumns(side: TableSource): number[] {
    const { kind, columns } = this.pairingKey;
    if (kind !== 'content') return side.placesOf(columns);
    if (this.#mapping === null) return side.layout.table.columns.map((_, place) => place);
    return this.#mapping.shared.map((shared) => (side === this.comparison.before ? shared.before : shared.after));
  }

  #setKey(side: TableSource, columns: readonly number[]): void {
    const exact = this.pairingKey.kind === 'content';
    this.#key.clear();
    for (let i = 0; i < columns.length; i++) {
      const value = side.decoder.value(columns[i] as number);
      this.#key.add(value, exact ? 'BINARY' : (this.pairingKey.collations[i] ?? 'BINARY'), exact);
    }
    if (!exact || this.#mapping === null || side !== this.comparison.after) return;
    // Such a row has no counterpart: without a shared column, or with more than defaults in the new ones.
    if (columns.length > 0 && this.#mapping.holdsDefaults(side.decoder)) return;
    this.#key.mark(0xff);
    for (const column of this.#mapping.added) this.#key.add(side.decoder.value(column), 'BINARY', true);
  }

  #add(kind: EntryKind, row: StoredRow, second: StoredRow | null): void {
    if (this.#key.hasNull) this.sawNull = true;
    this.#sorter.add(kind, this.#key, row, second);
  }

  /** Each key has at most one older and one newer row. */
  *#byKey(): Generator<RowChange, void, undefined> {
    const held = new HeldRow();
    for (const entry of this.#sorter.entries()) {
      if (entry.kind === 'update') {
        if (held.matches(entry)) throw damaged('two rows have the same unique key');
        const update = this.#update(entry.row, entry.second as StoredRow);
        if (held.row) yield this.#oneSided('insert', held.row);
        held.row = null;
        if (update) yield update;
      } else if (entry.kind === 'insert') {
        if (held.matches(entry)) throw damaged('two rows have the same unique key');
        if (held.row) yield this.#oneSided('insert', held.row);
        held.hold(entry);
      } else if (held.row && held.matches(entry)) {
        const update = this.#update(entry.row, held.row);
        held.row = null;
        if (update) yield update;
      } else {
        if (held.row) yield this.#oneSided('insert', held.row);
        held.row = null;
        yield this.#oneSided('delete', entry.row);
      }
    }
    if (held.row) yield this.#oneSided('insert', held.row);
  }

  /** Equal rows cancel one by one; what is left over of a group is deleted or inserted. */
  *#byContent(): Generator<RowChange, void, undefined> {
    const held = new HeldRow();
    let copies = 0;
    for (const entry of this.#sorter.entries()) {
      if (entry.kind === 'insert') {
        if (held.row && held.matches(entry)) {
          copies++;
          continue;
        }
        for (; held.row && copies > 0; copies--) yield this.#oneSided('insert', held.row);
        held.hold(entry);
        copies = 1;
      } else if (held.row && copies > 0 && held.matches(entry)) {
        copies--;
      } else {
        for (; held.row && copies > 0; copies--) yield this.#oneSided('insert', held.row);
        held.row = null;
        yield this.#oneSided('delete', entry.row);
      }
    }
    for (; held.row && copies > 0; copies--) yield this.#oneSided('insert', held.row);
  }

  #oneSided(kind: 'insert' | 'delete', row: StoredRow): RowChange {
    const side = (kind === 'insert' ? this.comparison.after : this.comparison.before) as TableSource;
    side.decoder.load(row);
    return oneSided(kind, side.decoder.row());
  }

  #update(older: StoredRow, newer: StoredRow): RowChange | null {
    const { before, after } = this.comparison;
    if (!this.#mapping || !before || !after) return null;
    return updateOf(this.#mapping, before, older, after, newer);
  }
}

/** A copy of an inserted row that waits for the deleted one with the same key. */
class HeldRow {
  row: StoredRow | null = null;
  readonly #key = new SortKey(null);

  hold(entry: SortedEntry): void {
    this.#key.take(entry.bytes, entry.keyStart, entry.keyEnd);
    const { row } = entry;
    const buffer = Buffer.alloc(row.localSize + 32);
    row.buffer.copy(buffer, 0, row.localStart, row.localStart + row.localSize);
    this.row = { ...row, buffer, view: new DataView(buffer.buffer, buffer.byteOffset, buffer.length), localStart: 0 };
  }

  /** True when the held row's key is this entry's. */
  matches(entry: SortedEntry): boolean {
    return this.row !== null && this.#key.equals(entry.bytes, entry.keyStart, entry.keyEnd);
  }
}
