import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { ChangeSorter, type EntryKind } from '../../../src/core/sqldiff/changeSorter';
import type { StoredRow } from '../../../src/core/sqldiff/pages/overflow';
import { SortKey } from '../../../src/core/sqldiff/sortKey';
import { tempDir } from '../../support/tempDir';

const kinds: readonly EntryKind[] = ['insert', 'delete', 'update'];

describe('ChangeSorter', () => {
  for (const { name, payload, spills } of [
    { name: 'in memory', payload: 20, spills: false },
    { name: 'in a temporary file', payload: 7000, spills: true },
  ]) {
    it(`gives entries by key, then kind, then arrival: ${name}`, function () {
      this.timeout(20_000);
      const folder = tempDir();
      const sorter = new ChangeSorter(folder);
      let seed = 7;
      const random = (below: number): number => {
        seed = (seed * 48271) % 2147483647;
        return seed % below;
      };
      const expected: { readonly key: Buffer; readonly kind: number; readonly row: number }[] = [];
      for (let row = 0; row < 4000; row++) {
        // Keys that are equal, begin alike beyond what is sorted as a number, or are the beginning of others.
        const tail = Buffer.from(
          Array.from({ length: random(9) }, () => [0, 1, 0x7f, 0x80, 0xff][random(5)] as number),
        );
        const key = Buffer.concat([Buffer.from('shared'), tail]);
        const kind = random(3);
        expected.push({ key, kind, row });
        const sortKey = new SortKey('utf-8');
        sortKey.take(key, 0, key.length);
        const stored = storedRow(row, payload);
        const kindName = kinds[kind] as EntryKind;
        sorter.add(kindName, sortKey, stored, kindName === 'update' ? stored : null);
      }
      assert.equal(readdirSync(folder).length > 0, spills);
      expected.sort((a, b) => Buffer.compare(a.key, b.key) || a.kind - b.kind || a.row - b.row);
      const given: string[] = [];
      for (const { kind, bytes, keyStart, keyEnd, row, second } of sorter.entries()) {
        const start = row.localStart;
        assert.deepEqual(row.buffer.subarray(start, start + payload), storedRow(row.rowLow, payload).buffer);
        assert.equal(second?.rowLow, kind === 'update' ? row.rowLow : undefined);
        given.push(`${bytes.toString('hex', keyStart, keyEnd)} ${kind} ${row.rowLow}`);
      }
      sorter.close();
      assert.deepEqual(
        given,
        expected.map(({ key, kind, row }) => `${key.toString('hex')} ${kinds[kind]} ${row}`),
      );
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});

function storedRow(row: number, size: number): StoredRow {
  const buffer = Buffer.alloc(size, row % 251);
  const view = new DataView(buffer.buffer, buffer.byteOffset, size);
  return { buffer, view, rowHigh: 0, rowLow: row, payloadSize: size, localStart: 0, localSize: size, overflow: 0 };
}
