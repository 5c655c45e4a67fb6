import { ChangeSorter, type EntryKind, type SortedEntry } from './changeSorter';
import type { ColumnMapping } from './columnMapping';
import type { RowChange } from './model';
import { damaged } from './pages/damage';
import type { StoredRow } from './pages/overflow';
import type { RowDecoder } from './rowDecoder';
import type { PairingKey } from './rowKey';
import { Step } from './rowMerge';
import { SortKey } from './sortKey';
import { canMerge, oneSided, openCursors, openMerge, type TableComparison, Updates } from './tableMerge';
import type { TableSource } from './tableSource';

/**
 * Pairs rows by a key that is not the order of storage: collects those that may have changed, sorts them by the key and goes
 * through them. After construction `sawNull` tells whether a key with a NULL is among them. To be closed.
 */
export class SortedPairing {
  sawNull = false;
  readonly #sorter: ChangeSorter;
  readonly #key: SortKey;
  readonly #updates: Updates | null;
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
    this.#updates = before && after && new Updates(before, after, comparison.rows);
    this.#mapping = this.#updates?.mapping ?? null;
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

  changes(): Generator<RowChange, void, undefined> {
    return this.pairingKey.kind === 'content' ? this.#byContent() : this.#byKey();
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
      if (this.#mapping?.sameRow()) continue;
      if (this.pairingKey.kind !== 'content' && !columnsAfter.some((column) => this.#mapping?.differs(column))) {
        this.#add('update', cursors.before, cursors.after);
        continue;
      }
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
      const collation = exact ? 'BINARY' : (this.pairingKey.collations[i] ?? 'BINARY');
      if (collation === 'BINARY' && this.#addText(side.decoder, columns[i] as number)) continue;
      this.#key.add(side.decoder.value(columns[i] as number), collation, exact);
    }
    if (!exact || this.#mapping === null || side !== this.comparison.after) return;
    // Such a row has no counterpart: without a shared column, or with more than defaults in the new ones.
    if (columns.length > 0 && this.#mapping.holdsDefaults()) return;
    this.#key.mark(0xff);
    for (const column of this.#mapping.added) this.#key.add(side.decoder.value(column), 'BINARY', true);
  }

  /** Adds a TEXT without decoding it; false when the value is none, or can't be added like that. */
  #addText(decoder: RowDecoder, column: number): boolean {
    const { record, encoding } = decoder;
    const field = decoder.fieldOf(column);
    const type = field < 0 ? 0 : (record.types[field] as number);
    if (type < 13 || type % 2 === 0) return false;
    return this.#key.addStoredText(record.buffer, record.starts[field] as number, record.sizeOf(field), encoding);
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
        if (held.row) yield this.#oneSided('insert', held.row);
        held.row = null;
        const update = this.#update(entry.row, entry.second as StoredRow);
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
    return this.#updates?.of(older, newer) ?? null;
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
