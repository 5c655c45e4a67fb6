import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { diffDatabases } from '../../../src/core/sqldiff/diffDatabases';
import type { DiffEvent } from '../../../src/core/sqldiff/model';
import { openPair } from '../../../src/core/sqldiff/openDatabase';
import { preparePagedDiff } from '../../../src/core/sqldiff/pagedDiff';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
import { readSchema } from '../../../src/core/sqldiff/schema';
import type { SqlJs } from '../../../src/core/sqldiff/sqlJs';
import { assertExact, openWitness } from '../../support/exactness';
import { randomPair } from '../../support/randomPair';
import { makeSqlite, newSqlJs } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';
import { pairs } from './pairs';

const pairCount = Number(process.env.DATAMANAGER_DIFF_PAIRS ?? 300);
const firstSeed = Number(process.env.DATAMANAGER_DIFF_SEED ?? 1);

describe('pagedDiff', function () {
  this.timeout(0);
  let folder: string;

  before(() => {
    folder = tempDir();
  });

  function eventsOf(
    before: string | null,
    after: string,
    keys?: Readonly<Record<string, readonly string[]>>,
  ): DiffEvent[] {
    const older = before === null ? null : PageFile.open(before);
    const newer = PageFile.open(after);
    try {
      return [...preparePagedDiff({ before: older, after: newer, keys, tempFolder: folder }).events()];
    } finally {
      older?.close();
      newer?.close();
    }
  }

  it(`is exact for ${pairCount} random pairs, both ways`, async () => {
    let sqlJs: SqlJs = await newSqlJs();
    const [a, b] = [join(folder, 'a.sqlite'), join(folder, 'b.sqlite')];
    const failures: string[] = [];
    let left = 0;
    for (let seed = firstSeed; seed < firstSeed + pairCount; seed++) {
      if (seed % 200 === 0) sqlJs = await newSqlJs();
      const pair = randomPair(sqlJs, seed);
      writeFileSync(a, pair.before);
      writeFileSync(b, pair.after);
      const older = openWitness(sqlJs, pair.before);
      const newer = openWitness(sqlJs, pair.after);
      try {
        for (const [file, witness] of [
          [a, older],
          [b, newer],
        ] as const) {
          const pages = PageFile.open(file);
          const prepared = preparePagedDiff({ before: null, after: pages, tempFolder: folder });
          assert.deepEqual(prepared.schemas.after, witness.schema);
          pages?.close();
        }
        assertExact(sqlJs, older, newer, eventsOf(a, b, pair.keys));
        assertExact(sqlJs, newer, older, eventsOf(b, a, pair.keys));
      } catch (error) {
        if (DataManagerError.is(error, 'DIFF_UNSUPPORTED')) {
          left++;
          continue;
        }
        failures.push(
          `seed ${seed}: ${(error as Error).message.slice(0, 600)}\n    ${pair.story
            .filter((line) => line.length < 300)
            .slice(-14)
            .join('\n    ')}`,
        );
        if (process.env.DATAMANAGER_DIFF_STACK) throw error;
      }
      older.database.connection.close();
      newer.database.connection.close();
    }
    assert.ok(left <= pairCount / 20, `${left} left to SQLite`);
    assert.equal(failures.length, 0, `${failures.length} failed\n${failures.slice(0, 8).join('\n')}`);
  });

  for (const pair of pairs) {
    it(`gives the events that SQLite gives: ${pair.name}`, async () => {
      const before = await makeSqlite(pair.before);
      const after = await makeSqlite(pair.after, pair.alters ? { from: before } : {});
      for (const [a, b] of [
        [before, after],
        [after, before],
      ] as const) {
        const opened = openPair(await newSqlJs(), a, b);
        const schemas = { before: readSchema(opened.before), after: readSchema(opened.after) };
        const expected = [...diffDatabases({ sqlJs: await newSqlJs(), pair: opened, schemas })];
        opened.close();
        assert.deepEqual(eventsOf(a, b), expected.map(withoutUnchanged));
      }
    });
  }

  /** Both ways, judged by SQLite. */
  async function assertPair(before: string, after: string): Promise<DiffEvent[]> {
    const sqlJs = await newSqlJs();
    const older = openWitness(sqlJs, readFileSync(before));
    const newer = openWitness(sqlJs, readFileSync(after));
    const events = eventsOf(before, after);
    assertExact(sqlJs, older, newer, events);
    assertExact(sqlJs, newer, older, eventsOf(after, before));
    return events;
  }

  it('is exact for real consecutive versions', async function () {
    const data = join(process.cwd(), '../shared/data');
    if (!existsSync(data)) return this.skip();
    for (const group of readdirSync(data)) {
      if (group.endsWith('.md')) continue;
      const files = readdirSync(join(data, group))
        .filter((name) => name.endsWith('.sqlite'))
        .sort();
      for (let i = 1; i < files.length; i++) {
        await assertPair(join(data, group, files[i - 1] as string), join(data, group, files[i] as string));
      }
    }
  });

  describe('with files that only the sqlite3 shell makes', () => {
    before(function () {
      if (spawnSync('sqlite3', ['--version']).status !== 0) this.skip();
    });

    function shell(path: string, ...lines: readonly string[]): void {
      execFileSync('sqlite3', [path], { input: lines.join('\n'), stdio: ['pipe', 'ignore', 'inherit'] });
    }

    const fill =
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO t SELECT i, hex(i*77777), zeroblob(i%500) FROM n;';

    it('reads pages with reserved bytes', async () => {
      const [a, b] = [join(folder, 'r1.sqlite'), join(folder, 'r2.sqlite')];
      shell(a, '.filectrl reserve_bytes 31', 'PRAGMA page_size=1024;', fill);
      copyFileSync(a, b);
      shell(b, 'UPDATE t SET v=v||1 WHERE id%100=3; DELETE FROM t WHERE id=77;');
      const events = await assertPair(a, b);
      assert.deepEqual(events.at(-1), {
        kind: 'tableEnd',
        counts: { inserted: 0, updated: 30, deleted: 1, unchanged: null },
      });
    });

    it('takes committed frames of a write-ahead log, and nothing behind them', async () => {
      const [a, b, merged] = [join(folder, 'w1.sqlite'), join(folder, 'w2.sqlite'), join(folder, 'w3.sqlite')];
      shell(a, fill);
      copyFileSync(a, b);
      shell(
        b,
        '.dbconfig no_ckpt_on_close on',
        'PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;',
        'UPDATE t SET v=v||1 WHERE id%100=3; DELETE FROM t WHERE id=77; CREATE TABLE later(a); INSERT INTO later VALUES(1);',
      );
      const log = readFileSync(`${b}-wal`);
      assert.ok(log.length > 10_000);
      copyFileSync(b, merged);
      copyFileSync(`${b}-wal`, `${merged}-wal`);
      shell(merged, 'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=delete;');
      const strip = (events: readonly DiffEvent[]): unknown => events;
      assert.deepEqual(strip(eventsOf(a, b)), strip(await assertPair(a, merged)));
      assert.deepEqual(eventsOf(b, merged), [{ kind: 'schema', changes: [] }]);
      // A frame with a wrong checksum ends the log: without the last commit, the new table's row is missing.
      log[log.length - 1] = (log[log.length - 1] as number) ^ 1;
      writeFileSync(`${b}-wal`, log);
      const fewer = eventsOf(b, merged);
      assert.ok(fewer.some((event) => event.kind === 'table' && event.table.name === 'later'));
    });
  });

  it('finds a change inside overflow pages only', async () => {
    const before = await makeSqlite(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t SELECT value, printf('%.*c', 40000, 'x') FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1 FROM n WHERE value<50) SELECT value FROM n)",
    );
    const after = await makeSqlite("UPDATE t SET v=substr(v,1,30000)||'y'||substr(v,30002) WHERE id IN (7, 33)", {
      from: before,
    });
    const events = await assertPair(before, after);
    assert.deepEqual(events.at(-1), {
      kind: 'tableEnd',
      counts: { inserted: 0, updated: 2, deleted: 0, unchanged: null },
    });
  });

  it('says that a vacuumed file holds the same rows', async () => {
    const before = await makeSqlite(
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t SELECT value, hex(value) FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1 FROM n WHERE value<5000) SELECT value FROM n); DELETE FROM t WHERE id%3=0',
    );
    const after = await makeSqlite('VACUUM', { from: before });
    assert.notEqual(readFileSync(before).length, readFileSync(after).length);
    assert.deepEqual(eventsOf(before, after), [{ kind: 'schema', changes: [] }]);
  });

  it('sorts more changes than fit into memory, and leaves no temporary file, also when nobody reads on', async () => {
    const rows = (salt: number): string =>
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<60000) INSERT INTO t(k, v, w) SELECT printf('%08d', (i*7919)%60000), i*${salt}, replace(hex(zeroblob(60)),'00','ab') FROM n`;
    const before = await makeSqlite(`CREATE TABLE t(k TEXT PRIMARY KEY, v, w); ${rows(3)}`);
    const after = await makeSqlite(`CREATE TABLE t(w, k TEXT PRIMARY KEY, v); ${rows(5)}`);
    const own = tempDir();
    const [older, newer] = [PageFile.open(before), PageFile.open(after)];
    const updates: unknown[] = [];
    for (const event of preparePagedDiff({ before: older, after: newer, tempFolder: own }).events()) {
      if (event.kind === 'row') updates.push(event.change.kind);
      if (event.kind === 'table') assert.equal(readdirSync(own).length, 1);
    }
    assert.equal(updates.length, 60000);
    assert.ok(updates.every((kind) => kind === 'update'));
    for (const event of preparePagedDiff({ before: older, after: newer, tempFolder: own }).events()) {
      if (event.kind === 'table') break;
    }
    assert.deepEqual(readdirSync(own), []);
    older?.close();
    newer?.close();
  });

  it('compares with an empty database', async () => {
    const after = await makeSqlite('CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)');
    assert.deepEqual(eventsOf(null, after).at(-1), {
      kind: 'tableEnd',
      counts: { inserted: 2, updated: 0, deleted: 0, unchanged: null },
    });
  });
});

function withoutUnchanged(event: DiffEvent): DiffEvent {
  return event.kind === 'tableEnd' ? { kind: 'tableEnd', counts: { ...event.counts, unchanged: null } } : event;
}
