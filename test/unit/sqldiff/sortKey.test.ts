import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { ChangeSorter } from '../../../src/core/sqldiff/changeSorter';
import type { SqlValue } from '../../../src/core/sqldiff/model';
import type { StoredRow } from '../../../src/core/sqldiff/pages/overflow';
import { SortKey } from '../../../src/core/sqldiff/sortKey';
import { compareValues } from '../../../src/core/sqldiff/valueOrder';
import { randomNumbers } from '../../support/randomPair';
import { tempDir } from '../../support/tempDir';

const values: readonly SqlValue[] = [
  null,
  -(2n ** 63n),
  Number.NEGATIVE_INFINITY,
  -1e300,
  -9007199254740993n,
  -9007199254740992n,
  -1.5,
  -1n,
  -0,
  0,
  0n,
  5e-324,
  1n,
  1,
  1.5,
  2n,
  10n,
  9007199254740992,
  9007199254740993n,
  9007199254740994n,
  2n ** 63n - 1n,
  2 ** 63,
  1e300,
  Number.POSITIVE_INFINITY,
  '',
  'a',
  'A',
  'a ',
  'a\0',
  'a\0b',
  'A\0c',
  'ab',
  'b',
  'ü',
  '\uffff',
  '😀',
  'x'.repeat(2000),
  new Uint8Array([]),
  new Uint8Array([0]),
  new Uint8Array([0, 0]),
  new Uint8Array([0, 1]),
  new Uint8Array([255]),
];

describe('SortKey', () => {
  for (const collation of ['BINARY', 'NOCASE', 'RTRIM']) {
    it(`orders bytes as SQLite orders values under ${collation}`, () => {
      for (const a of values) {
        for (const b of values) {
          const expected = Math.sign(compareValues(a, b, collation, 'UTF-8'));
          assert.equal(
            Math.sign(Buffer.compare(keyOf(a, collation), keyOf(b, collation))),
            expected,
            `${String(a)} ${String(b)}`,
          );
        }
      }
    });
  }

  it('is equal for exact keys only when type and bits are', () => {
    const keys = values.map((value) => keyOf(value, 'BINARY', true).toString('hex'));
    assert.equal(new Set(keys).size, values.length);
  });

  it('tells long values apart behind the place where it cuts them', () => {
    const [a, b] = ['x'.repeat(3000), `${'x'.repeat(2999)}y`];
    assert.notDeepEqual(keyOf(a, 'BINARY'), keyOf(b, 'BINARY'));
    assert.deepEqual(keyOf(a, 'BINARY'), keyOf(a, 'BINARY'));
  });

  function keyOf(value: SqlValue, collation: string, exact = false): Buffer {
    const key = new SortKey('utf-8');
    key.add(value, collation, exact);
    return Buffer.from(key.bytes.subarray(0, key.length));
  }
});

describe('ChangeSorter', () => {
  it('sorts more than fits into memory, keeps what it was given, and cleans up', () => {
    const folder = tempDir();
    const sorter = new ChangeSorter(folder);
    const random = randomNumbers(7);
    const count = 60_000;
    const key = new SortKey('utf-8');
    for (let i = 0; i < count; i++) {
      key.clear();
      key.add(BigInt(Math.floor(random() * 40_000)), 'BINARY', false);
      const row = storedRow(i, Buffer.alloc(Math.floor(random() * 1600), i));
      if (i % 3 === 0) sorter.add('update', key, row, storedRow(i + 1, Buffer.from([i & 255])));
      else sorter.add(i % 3 === 1 ? 'delete' : 'insert', key, row, null);
    }
    assert.equal(readdirSync(folder).length, 1);
    const order = ['insert', 'delete', 'update'];
    const seen = new Set<number>();
    let last: { key: Buffer; kind: number } | null = null;
    for (const entry of sorter.entries()) {
      const current = {
        key: Buffer.from(entry.bytes.subarray(entry.keyStart, entry.keyEnd)),
        kind: order.indexOf(entry.kind),
      };
      if (last) assert.ok((Buffer.compare(last.key, current.key) || last.kind - current.kind) <= 0);
      last = current;
      const { row, second } = entry;
      seen.add(row.rowLow);
      const local = row.buffer.subarray(row.localStart, row.localStart + row.localSize);
      assert.ok(local.every((byte) => byte === (row.rowLow & 255)));
      assert.equal(entry.kind === 'update', row.rowLow % 3 === 0);
      if (second) assert.equal(second.buffer[second.localStart], row.rowLow & 255);
    }
    assert.equal(seen.size, count);
    sorter.close();
    assert.deepEqual(readdirSync(folder), []);
  });

  function storedRow(number: number, buffer: Buffer): StoredRow {
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const local = { localStart: 0, localSize: buffer.length, payloadSize: buffer.length, overflow: 0 };
    return { buffer, view, rowHigh: 0, rowLow: number, ...local };
  }
});
