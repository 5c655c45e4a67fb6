import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareByBestForm } from '../../../src/core/sqldiff/compareByPages';
import type { DiffRequest } from '../../../src/core/sqldiff/diffEngine';
import { equalBlocksOf } from '../../../src/core/sqldiff/equalBlocks';
import { comparePages } from '../../../src/core/sqldiff/pageCompare';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
import { createCache, type ObjectCache } from '../../../src/core/store/cache';
import { makeSqlite, newSqlJs } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<60000) SELECT i FROM n';

describe('comparison of cached versions', function () {
  this.timeout(30_000);
  let cache: ObjectCache;
  let olderSha: string;
  let newerSha: string;
  let request: DiffRequest;

  before(async () => {
    cache = createCache({ folder: tempDir() });
    const older = await makeSqlite(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t SELECT i, hex(i*i*i)||hex(zeroblob(60)) FROM (${numbers})`,
    );
    const newer = await makeSqlite("UPDATE t SET v='x' WHERE id IN (5, 30000)", { from: older });
    [olderSha, newerSha] = [await addToCache(older), await addToCache(newer)];
    request = {
      before: cache.path(olderSha),
      after: cache.path(newerSha),
      labels: { before: 'a', after: 'b' },
      blockIndexes: {
        before: cache.indexPath(olderSha),
        after: cache.indexPath(newerSha),
      },
      output: { kind: 'rows', limit: null },
    };
  });

  async function addToCache(path: string): Promise<string> {
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    assert.ok(await cache.addFile(path, sha256));
    return sha256;
  }

  /** Bytes that finding the changed pages reads from both files. */
  function bytesRead(equalBlocks: Uint8Array | undefined): number {
    let read = 0;
    const count = (bytes: number): void => {
      read += bytes;
    };
    const files = [olderSha, newerSha].map((sha256) => PageFile.open(cache.path(sha256), count) as PageFile);
    const [older, newer] = files as [PageFile, PageFile];
    comparePages(older, newer, { equalBlocks });
    for (const file of files) file.close();
    return read;
  }

  it('gives the same with block indexes as without, and reads far less', async () => {
    const hooks = { isCancelled: () => false, onProgress: () => undefined, onText: () => undefined };
    const compare = (asked: DiffRequest) => compareByBestForm(asked, hooks, { tempFolder: tempDir() }, newSqlJs);
    const plain = await compare({ ...request, blockIndexes: undefined });
    assert.deepEqual(await compare(request), plain);
    assert.equal(plain.rows?.tables[0]?.rows.length, 2);
    const equalBlocks = await equalBlocksOf(request);
    assert.ok(equalBlocks);
    assert.ok(
      bytesRead(equalBlocks) * 5 < bytesRead(undefined),
      `${bytesRead(equalBlocks)} of ${bytesRead(undefined)}`,
    );
  });

  it('takes no index that is of another version, or damaged, or missing', async () => {
    const { blockIndexes } = request;
    assert.ok(blockIndexes);
    const crossed = { before: blockIndexes.after, after: blockIndexes.after };
    assert.equal(await equalBlocksOf({ ...request, blockIndexes: crossed }), undefined, 'the wrong one was asked for');
    const swapped = { ...request, before: request.after, after: request.before as string };
    assert.equal(await equalBlocksOf(swapped), undefined, 'both of the other file');
    const folder = tempDir();
    const unnamed = join(folder, 'copy.sqlite');
    copyFileSync(request.after, unnamed);
    assert.equal(
      await equalBlocksOf({ ...request, after: unnamed }),
      undefined,
      'a file that is not named by its hash',
    );
    const wrong = join(folder, 'wrong.idx');
    copyFileSync(blockIndexes.after, wrong);
    const foreign = { ...blockIndexes, before: wrong };
    assert.equal(await equalBlocksOf({ ...request, blockIndexes: foreign }), undefined, 'well-formed, of another file');
    chmodSync(wrong, 0o644);
    writeFileSync(wrong, Buffer.alloc(readFileSync(blockIndexes.before).length));
    assert.equal(await equalBlocksOf({ ...request, blockIndexes: foreign }), undefined, 'zeros');
    const missing = { ...blockIndexes, before: join(folder, 'none') };
    assert.equal(await equalBlocksOf({ ...request, blockIndexes: missing }), undefined, 'none there');
  });
});
