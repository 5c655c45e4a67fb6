import { DataManagerError } from '../errors';
import { countRows } from './countRows';
import { keyIsUnique } from './keyProof';
import type { DiffEvent, RowChange, TableHeader } from './model';
import { type KeyCandidate, keyCandidates } from './pairingKey';
import { isEmpty } from './pruneTrees';
import type { PairingKey } from './rowKey';
import { Step } from './rowMerge';
import { nameKey } from './schema';
import { SortedPairing } from './sortedPairing';
import { canMerge, oneSided, openCursors, openMerge, type TableComparison, Updates } from './tableMerge';
import type { TableSource } from './tableSource';
import { isKnownOrder } from './treeOrder';

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

  const pairing = pair(comparison);
  const { kind, columns } = pairing.key;
  const name = after?.layout.table.name ?? before?.layout.table.name ?? '';
  const table: TableHeader = { name, ...header, key: { kind, columns } };
  const counts = { insert: 0, update: 0, delete: 0 };
  let begun = false;
  try {
    if (!sameColumns) {
      begun = true;
      yield { kind: 'table', table };
    }
    for (const change of pairing.changes) {
      if (!begun) yield { kind: 'table', table };
      begun = true;
      counts[change.kind]++;
      if (comparison.rows !== 'none') yield { kind: 'row', change };
    }
  } finally {
    pairing.sorted?.close();
  }
  if (!begun) return;
  const { insert: inserted, update: updated, delete: deleted } = counts;
  const unchanged = comparison.countUnchanged ? (after ? countRows(after) : 0) - inserted - updated : null;
  yield { kind: 'tableEnd', counts: { inserted, updated, deleted, unchanged } };
}

interface Pairing {
  readonly key: PairingKey;
  readonly changes: Iterable<RowChange>;
  /** To be closed, also when nobody reads the changes. */
  readonly sorted: SortedPairing | null;
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
    if (stream) return { key, changes: stream, sorted: null };
    const sorted = new SortedPairing(comparison, key);
    try {
      if (!sorted.sawNull || nullsAreUnique(sides, candidate, tempFolder)) {
        return { key, changes: sorted.changes(), sorted };
      }
    } catch (error) {
      sorted.close();
      throw error;
    }
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

function isStoredBy({ layout }: TableSource, key: PairingKey): boolean {
  if (layout.treeKey !== null) {
    const ascends = layout.treeKey.every(
      (part, i) => !part.descending && part.column === nameKey(key.columns[i] ?? ''),
    );
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

function* merged(
  comparison: TableComparison,
  before: TableSource,
  after: TableSource,
): Generator<RowChange, void, undefined> {
  const updates = new Updates(before, after, comparison.rows);
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
        const update = updates.of(cursors.before, cursors.after);
        if (update) yield update;
        break;
      }
    }
  }
}
