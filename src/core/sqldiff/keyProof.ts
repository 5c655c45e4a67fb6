import { ChangeSorter } from './changeSorter';
import type { PairingKey } from './rowKey';
import { SortKey } from './sortKey';
import type { TableSource } from './tableSource';

/**
 * True when no two rows of a table have the same key, counting NULL as equal to NULL. Reads the whole table and sorts its
 * keys, so it is asked only where no constraint answers. `onlyNulls` leaves out keys without a NULL.
 *
 * @example
 * if (!keyIsUnique(side, key, false, tmpdir())) tryTheNextKey();
 */
export function keyIsUnique(side: TableSource, key: PairingKey, onlyNulls: boolean, tempFolder: string): boolean {
  const columns = side.placesOf(key.columns);
  const sortKey = new SortKey(side.file.header.encoding);
  const sorter = new ChangeSorter(tempFolder);
  try {
    const cursor = side.openRows(null);
    for (; !cursor.done; cursor.next()) {
      side.decoder.load(cursor);
      sortKey.clear();
      columns.forEach((column, i) => {
        sortKey.add(side.decoder.value(column), key.collations[i] ?? 'BINARY', false);
      });
      if (!onlyNulls || sortKey.hasNull) sorter.add('insert', sortKey, nothing, null);
    }
    const last = new SortKey(null);
    let first = true;
    for (const { bytes, keyStart, keyEnd } of sorter.entries()) {
      if (!first && last.equals(bytes, keyStart, keyEnd)) return false;
      last.take(bytes, keyStart, keyEnd);
      first = false;
    }
    return true;
  } finally {
    sorter.close();
  }
}

const nothing = {
  buffer: Buffer.alloc(0),
  view: new DataView(new ArrayBuffer(0)),
  rowHigh: 0,
  rowLow: 0,
  payloadSize: 0,
  localStart: 0,
  localSize: 0,
  overflow: 0,
} as const;
