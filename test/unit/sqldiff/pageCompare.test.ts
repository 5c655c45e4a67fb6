import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { commonBlocks, comparePages } from '../../../src/core/sqldiff/pageCompare';
import { preparePagedDiff } from '../../../src/core/sqldiff/pagedDiff';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
import { indexedBlock } from '../../../src/core/store/blockIndex';
import { makeSqlite } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000) SELECT i FROM n';

describe('comparePages', () => {
  let olderPath: string;
  let newerPath: string;

  before(async () => {
    olderPath = await makeSqlite(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t SELECT i, hex(i*i*i)||hex(zeroblob(60)) FROM (${numbers})`,
    );
    newerPath = await makeSqlite("UPDATE t SET v='x' WHERE id IN (5, 9000, 19999)", { from: olderPath });
  });

  it('finds exactly the pages whose bytes differ', () => {
    const [a, b] = [readFileSync(olderPath), readFileSync(newerPath)];
    withFiles((older, newer) => {
      const changes = comparePages(older, newer);
      for (let page = 1; page <= older.pageCount; page++) {
        const [from, to] = [(page - 1) * older.pageSize, page * older.pageSize];
        assert.equal(changes.isChanged(page), a.compare(b, from, to, from, to) !== 0, `page ${page}`);
      }
      assert.equal(changes.identical, false);
      assert.equal(changes.everything, false);
    });
  });

  it('reads no block that the indexes show to be the same, and gives the same result', () => {
    const equalBlocks = commonBlocks(blockIndex(olderPath), blockIndex(newerPath), 16);
    let read = 0;
    const without = withFiles((older, newer) => [
      ...preparePagedDiff({ before: older, after: newer, tempFolder: tempDir() }).events(),
    ]);
    const result = withFiles(
      (older, newer) => [
        ...preparePagedDiff({ before: older, after: newer, tempFolder: tempDir(), equalBlocks }).events(),
      ],
      (bytes) => {
        read += bytes;
      },
    );
    assert.deepEqual(result, without);
    assert.ok(read < readFileSync(olderPath).length / 2, `${read} bytes were read`);
  });

  it('reads hardly more than the changed pages, the interior ones and each file once', () => {
    let read = 0;
    withFiles(
      (older, newer) => [...preparePagedDiff({ before: older, after: newer, tempFolder: tempDir() }).events()],
      (bytes) => {
        read += bytes;
      },
    );
    assert.ok(read < readFileSync(olderPath).length * 2.4, `${read} bytes were read`);
  });

  it('takes everything for changed at once when a sample shows nothing in common', async () => {
    const rows = `INSERT INTO t SELECT i, replace(hex(zeroblob(120)), '00', i || '-') FROM (${numbers})`;
    const table = 'PRAGMA page_size=512; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)';
    const [a, b] = [
      await makeSqlite(`${table}; ${rows}`),
      await makeSqlite(`${table}; ${rows.replace('i ||', '(i+7) ||')}`),
    ];
    let read = 0;
    const older = PageFile.open(a, (bytes) => {
      read += bytes;
    });
    const newer = PageFile.open(b);
    assert.ok(older && newer);
    assert.equal(comparePages(older, newer).everything, true);
    assert.ok(read < readFileSync(a).length / 8, `${read} bytes were read`);
    older.close();
    newer.close();
  });

  function withFiles<T>(use: (older: PageFile, newer: PageFile) => T, onRead?: (bytes: number) => void): T {
    const older = PageFile.open(olderPath, onRead);
    const newer = PageFile.open(newerPath, onRead);
    assert.ok(older && newer);
    try {
      return use(older, newer);
    } finally {
      older.close();
      newer.close();
    }
  }

  function blockIndex(path: string): Uint8Array {
    const bytes = readFileSync(path);
    const hashes: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += indexedBlock) {
      hashes.push(
        createHash('sha256')
          .update(bytes.subarray(at, at + indexedBlock))
          .digest()
          .subarray(0, 16),
      );
    }
    return Buffer.concat(hashes);
  }
});
