import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { compareByBestForm, compareByPages } from '../../../src/core/sqldiff/compareByPages';
import { compareFiles } from '../../../src/core/sqldiff/compareFiles';
import { contentHash } from '../../../src/core/sqldiff/contentHash';
import type { DiffOutput, DiffRequest } from '../../../src/core/sqldiff/diffEngine';
import { preparePagedDiff } from '../../../src/core/sqldiff/pagedDiff';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
import { PatchWriter } from '../../../src/core/sqldiff/patchSql';
import { PatchText } from '../../../src/core/sqldiff/patchText';
import type { SqlConnection } from '../../../src/core/sqldiff/sqlJs';
import { StoredUpdate } from '../../../src/core/sqldiff/storedUpdate';
import { randomPair } from '../../support/randomPair';
import { makeSqlite, newSqlJs } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const pairCount = Number(process.env.DATAMANAGER_PATCH_PAIRS ?? 60);
const firstSeed = Number(process.env.DATAMANAGER_DIFF_SEED ?? 1);
const labels = { before: 'before', after: 'after' };

describe('compareByPages', function () {
  this.timeout(0);
  let folder: string;

  before(() => {
    folder = tempDir();
  });

  function hooks(onText: (piece: string) => void = () => undefined) {
    return { isCancelled: () => false, onProgress: () => undefined, onText };
  }

  function requestFor(before: string, after: string, output: DiffOutput): DiffRequest {
    return { before, after, labels, output };
  }

  function hashOf(path: string): string {
    const file = PageFile.open(path);
    try {
      return contentHash(file);
    } finally {
      file?.close();
    }
  }

  it('writes a row straight from its page as it writes a decoded one', async () => {
    const sqlJs = await newSqlJs();
    const [a, b] = [join(folder, 'a.sqlite'), join(folder, 'b.sqlite')];
    let updates = 0;
    for (let seed = firstSeed; seed < firstSeed + pairCount; seed++) {
      const pair = randomPair(sqlJs, seed);
      writeFileSync(a, pair.before);
      writeFileSync(b, pair.after);
      const files = { before: PageFile.open(a), after: PageFile.open(b) };
      try {
        const texts = (['kept', 'passing'] as const).map((rows) => {
          const { schemas, events } = preparePagedDiff({ ...files, keys: pair.keys, tempFolder: folder, rows });
          const pieces: string[] = [];
          const out = new PatchText((piece) => pieces.push(piece), schemas.before.encoding);
          const writer = new PatchWriter(schemas, (statement) => out.line(statement), out);
          for (const event of events()) {
            writer.add(event);
            if (event.kind === 'row' && event.change instanceof StoredUpdate) updates++;
          }
          writer.end();
          out.flush();
          return pieces.join('');
        });
        assert.equal(texts[1], texts[0], `seed ${seed}`);
      } catch (error) {
        if (!DataManagerError.is(error, 'DIFF_UNSUPPORTED')) throw error;
      } finally {
        files.before?.close();
        files.after?.close();
      }
    }
    assert.ok(updates > pairCount, `${updates} updates`);
  });

  it(`makes patches that give the other side's content hash: ${pairCount} random pairs, both ways`, async () => {
    let sqlJs = await newSqlJs();
    const [a, b, c] = [join(folder, 'a.sqlite'), join(folder, 'b.sqlite'), join(folder, 'c.sqlite')];
    const failures: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + pairCount; seed++) {
      if (seed % 100 === 0) sqlJs = await newSqlJs();
      const pair = randomPair(sqlJs, seed);
      writeFileSync(a, pair.before);
      writeFileSync(b, pair.after);
      // Bytes that are no text in one encoding can't be carried into another one.
      if (Buffer.compare(pair.before.subarray(56, 60), pair.after.subarray(56, 60)) !== 0) continue;
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const pieces: string[] = [];
        const request = { ...requestFor(from, to, { kind: 'sql' }), keys: pair.keys };
        let step = 'compare';
        try {
          compareByPages(
            request,
            hooks((piece) => pieces.push(piece)),
            { tempFolder: folder },
          );
          step = 'apply';
          const patched = new sqlJs.Database(readFileSync(from)) as SqlConnection & { export(): Uint8Array };
          patched.exec(pieces.join(''));
          writeFileSync(c, patched.export());
          patched.close();
          step = 'check';
          assert.equal(hashOf(c), hashOf(to));
        } catch (error) {
          if (DataManagerError.is(error, 'DIFF_UNSUPPORTED')) continue;
          failures.push(
            `seed ${seed} ${from === a ? 'forth' : 'back'} ${step}: ${(error as Error).message.slice(0, 200)}`,
          );
        }
      }
    }
    assert.equal(failures.length, 0, failures.slice(0, 25).join('\n'));
  });

  it('counts without rows what it counts with them', async () => {
    const before = await makeSqlite(
      "CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1),('b',2),('c',3)",
    );
    const after = await makeSqlite(
      "UPDATE t SET v=9 WHERE k='a'; DELETE FROM t WHERE k='b'; INSERT INTO t VALUES('d',4)",
      { from: before },
    );
    const options = { tempFolder: folder };
    const counted = compareByPages(requestFor(before, after, { kind: 'summary' }), hooks(), options);
    const listed = compareByPages(requestFor(before, after, { kind: 'rows', limit: null }), hooks(), options);
    assert.deepEqual(counted.summary, listed.summary);
    assert.deepEqual(
      counted.summary.tables.map((table) => [table.inserted, table.updated, table.deleted]),
      [[1, 1, 1]],
    );
  });

  it('counts unchanged rows as SQLite does', async () => {
    for (const definition of [
      'id INTEGER PRIMARY KEY, v',
      'id TEXT PRIMARY KEY, v',
      'id TEXT PRIMARY KEY, v) WITHOUT ROWID --',
    ]) {
      const fill =
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO t SELECT i, i FROM n';
      const before = await makeSqlite(`CREATE TABLE t(${definition}\n${definition.includes('--') ? '' : ')'}; ${fill}`);
      const after = await makeSqlite(
        'UPDATE t SET v=0 WHERE id=7; DELETE FROM t WHERE id=8; INSERT INTO t VALUES(5000, 1)',
        {
          from: before,
        },
      );
      const request = requestFor(before, after, { kind: 'summary' });
      const { tables } = compareByPages(request, hooks(), { tempFolder: folder }).summary;
      assert.deepEqual(tables, compareFiles(await newSqlJs(), request, hooks()).summary.tables, definition);
      assert.equal(tables[0]?.unchanged, 2998);
    }
  });

  it('leaves to SQLite what only SQLite understands', async () => {
    const before = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1),(2)');
    const after = await makeSqlite(
      "ALTER TABLE t ADD COLUMN v NUMERIC DEFAULT '12345678901.23456789'; UPDATE t SET v=2 WHERE id=2",
      {
        from: before,
      },
    );
    const request = requestFor(before, after, { kind: 'rows', limit: null });
    assert.throws(
      () => compareByPages(request, hooks(), { tempFolder: folder }),
      (error) => DataManagerError.is(error, 'DIFF_UNSUPPORTED'),
    );
    const answer = await compareByBestForm(request, hooks(), { tempFolder: folder }, newSqlJs);
    assert.deepEqual(answer.rows?.tables[0]?.rows, [{ kind: 'update', before: [2n], after: [2n, 2n] }]);
  });

  it('stops when it is cancelled', async () => {
    const before = await makeSqlite('CREATE TABLE t(a); INSERT INTO t VALUES(1)');
    assert.throws(
      () =>
        compareByPages(
          requestFor(before, before, { kind: 'summary' }),
          { ...hooks(), isCancelled: () => true },
          { tempFolder: folder },
        ),
      (error) => DataManagerError.is(error, 'CANCELLED'),
    );
  });
});
