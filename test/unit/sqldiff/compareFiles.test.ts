import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { compareFiles } from '../../../src/core/sqldiff/compareFiles';
import type { DiffAnswer, DiffOutput, DiffRequest } from '../../../src/core/sqldiff/diffEngine';
import type { RowChange } from '../../../src/core/sqldiff/model';
import { queryAll } from '../../../src/core/sqldiff/openDatabase';
import { makeSqlite, newSqlJs } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';
import type { Pair } from './pairs';
import { pairs } from './pairs';

const labels = { before: 'data.sqlite@v1', after: 'data.sqlite@v2' };

async function compare(
  before: string | null,
  after: string,
  output: DiffOutput,
  keys?: DiffRequest['keys'],
): Promise<DiffAnswer & { text: string }> {
  const pieces: string[] = [];
  const hooks = { isCancelled: () => false, onProgress: () => {}, onText: (piece: string) => void pieces.push(piece) };
  const answer = compareFiles(await newSqlJs(), { before, after, labels, keys, output }, hooks);
  return { ...answer, text: pieces.join('') };
}

async function makePair(pair: Pick<Pair, 'before' | 'after' | 'alters'>): Promise<{ before: string; after: string }> {
  const before = await makeSqlite(pair.before);
  return { before, after: await makeSqlite(pair.after, pair.alters ? { from: before } : {}) };
}

async function rowsOf(
  pair: Pick<Pair, 'before' | 'after' | 'alters'>,
  keys?: DiffRequest['keys'],
): Promise<readonly RowChange[]> {
  const { before, after } = await makePair(pair);
  const answer = await compare(before, after, { kind: 'rows', limit: null }, keys);
  return (answer.rows?.tables ?? []).flatMap((table) => table.rows);
}

async function assertPatchIsExact(before: string, after: string): Promise<void> {
  const { text } = await compare(before, after, { kind: 'sql' });
  const patched = await makeSqlite(text, { from: before });
  const { summary } = await compare(patched, after, { kind: 'summary' });
  assert.deepEqual(summary, { identical: true, schema: [], tables: [] }, text.slice(0, 3000));
  assert.deepEqual(await contentOf(patched), await contentOf(after));
}

/** Every row of every table in SQLite's own words, sorted: a judge that shares nothing with the comparison. */
async function contentOf(path: string): Promise<string[]> {
  const database = new (await newSqlJs()).Database(readFileSync(path));
  const lines: string[] = [];
  const isUtf8 = queryAll(database, 'PRAGMA encoding').join() === 'UTF-8';
  const bytesOfText = (hexBytes: unknown): string => {
    const bytes = Buffer.from(String(hexBytes), 'hex');
    return isUtf8 ? bytes.toString('hex') : Buffer.from(swapped(bytes).toString('utf16le')).toString('hex');
  };
  const isBigEndian = queryAll(database, 'PRAGMA encoding').join() === 'UTF-16be';
  const swapped = (bytes: Buffer): Buffer => (isBigEndian ? bytes.swap16() : bytes);
  const tables =
    "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE 'CREATE VIRTUAL%'";
  for (const [name] of queryAll(database, tables)) {
    const table = `"${String(name).replaceAll('"', '""')}"`;
    const columns = queryAll(database, `SELECT name FROM pragma_table_info('${String(name).replaceAll("'", "''")}')`);
    const quoted = columns.map(([column]) => {
      const reference = `"${String(column).replaceAll('"', '""')}"`;
      return `typeof(${reference}), CASE typeof(${reference}) WHEN 'text' THEN hex(${reference}) ELSE quote(${reference}) END`;
    });
    for (const row of queryAll(database, `SELECT ${quoted.join(', ')} FROM ${table}`)) {
      const values = row.map((value, place) =>
        place % 2 === 1 && row[place - 1] === 'text' ? bytesOfText(value) : value,
      );
      lines.push(`${name}: ${values.join(' ')}`);
    }
  }
  for (const row of queryAll(
    database,
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
  )) {
    lines.push(row.join(' '));
  }
  database.close();
  return lines.sort();
}

describe('sqldiff: patches', () => {
  for (const pair of pairs) {
    it(`turns before into after and after into before: ${pair.name}`, async () => {
      const { before, after } = await makePair(pair);
      assert.equal((await compare(before, after, { kind: 'summary' })).summary.identical, false);
      await assertPatchIsExact(before, after);
      await assertPatchIsExact(after, before);
    });
  }

  const real = '../shared/data';
  for (const folder of existsSync(real) ? ['chinook', 'temoa'] : []) {
    it(`is exact for the real versions of ${folder}`, async function () {
      this.timeout(60_000);
      const files = readdirSync(join(real, folder))
        .filter((name) => name.endsWith('.sqlite'))
        .sort();
      for (const [place, name] of files.entries()) {
        const next = files[place + 1];
        if (next !== undefined) await assertPatchIsExact(join(real, folder, name), join(real, folder, next));
      }
    });
  }

  it('makes everything anew from an empty database, and says nothing when nothing differs', async () => {
    const after = await makeSqlite('CREATE TABLE t(a); INSERT INTO t VALUES(1); CREATE VIEW v AS SELECT * FROM t');
    const { text, summary } = await compare(null, after, { kind: 'sql' });
    assert.equal(summary.tables[0]?.inserted, 1);
    const made = await makeSqlite(text);
    assert.equal((await compare(made, after, { kind: 'sql' })).text, '');
  });

  it('is read by the sqlite3 program too', async function () {
    const { before, after } = await makePair(pairs[2] as Pair);
    const { text } = await compare(before, after, { kind: 'sql' });
    const copy = join(tempDir(), 'copy.sqlite');
    copyFileSync(before, copy);
    try {
      execFileSync('sqlite3', [copy], { input: text });
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') this.skip();
      throw error;
    }
    assert.equal((await compare(copy, after, { kind: 'summary' })).summary.identical, true);
  });
});

describe('sqldiff: pairing', () => {
  const kindOf = async (sql: string, change: string, keys?: DiffRequest['keys']): Promise<string | undefined> => {
    const { before, after } = await makePair({ before: sql, after: change, alters: true });
    return (await compare(before, after, { kind: 'summary' }, keys)).summary.tables[0]?.key.kind;
  };

  it('takes the primary key, the declared key, a unique index, then content', async () => {
    const change = 'UPDATE t SET v=2';
    assert.equal(await kindOf('CREATE TABLE t(a PRIMARY KEY, v); INSERT INTO t VALUES(1,1)', change), 'primary-key');
    assert.equal(await kindOf('CREATE TABLE t(a, v); INSERT INTO t VALUES(1,1)', change, { T: ['A'] }), 'declared');
    assert.equal(
      await kindOf('CREATE TABLE t(a, v); INSERT INTO t VALUES(1,1),(1,3)', change, { t: ['a'] }),
      'content',
    );
    assert.equal(await kindOf('CREATE TABLE t(a, v); INSERT INTO t VALUES(1,1)', change, { t: ['nope'] }), 'content');
    assert.equal(
      await kindOf('CREATE TABLE t(a NOT NULL UNIQUE, v); INSERT INTO t VALUES(1,1)', change),
      'unique-index',
    );
    assert.equal(await kindOf('CREATE TABLE t(a UNIQUE, v); INSERT INTO t VALUES(1,1)', change), 'content');
  });

  it('tells 1, 1.0, text, blob, NULL and the empty text apart', async () => {
    const values = ['1', '1.0', "'1'", "x'31'", 'NULL', "''", "x''"];
    for (const a of values) {
      for (const b of values) {
        const rows = await rowsOf({
          before: `CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,${a})`,
          after: `UPDATE t SET v=${b}`,
          alters: true,
        });
        assert.equal(rows.length, a === b ? 0 : 1, `${a} and ${b}`);
      }
    }
  });

  it('gives values in the JavaScript type of their SQLite type', async () => {
    const rows = await rowsOf({
      before: 'CREATE TABLE t(a PRIMARY KEY, b, c, d, e, f)',
      after: "INSERT INTO t VALUES(9007199254740993, 1.0, 'a'||char(0)||'b', x'00', NULL, CAST(x'ff' AS TEXT))",
      alters: true,
    });
    assert.deepEqual(rows, [
      {
        kind: 'insert',
        before: null,
        after: [9007199254740993n, 1, 'a\0b', new Uint8Array([0]), null, { malformedText: new Uint8Array([255]) }],
      },
    ]);
  });

  it('counts duplicates when rows are paired by content', async () => {
    const rows = await rowsOf({
      before: "CREATE TABLE t(a); INSERT INTO t VALUES('x'),('x'),('x'),('y')",
      after: "CREATE TABLE t(a); INSERT INTO t VALUES('y'),('z'),('x')",
    });
    assert.deepEqual(
      rows.map((change) => [change.kind, (change.after ?? change.before)?.[0]]),
      [
        ['delete', 'x'],
        ['delete', 'x'],
        ['insert', 'z'],
      ],
    );
  });

  it('does not call a row changed because a column with its default was added', async () => {
    const rows = await rowsOf({
      before: 'CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1),(2)',
      after: "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 5; UPDATE t SET c='6' WHERE id=2",
      alters: true,
    });
    assert.deepEqual(rows, [{ kind: 'update', before: [2n], after: [2n, '6'] }]);
  });

  it('gives rows in key order, inserts, updates and deletes together', async () => {
    const rows = await rowsOf({
      before: "CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES('b',1),('d',1),('ﬀ',1),('A',1)",
      after: "UPDATE t SET v=2 WHERE k IN ('A','d'); DELETE FROM t WHERE k='b'; INSERT INTO t VALUES('😀',1),('c',1)",
      alters: true,
    });
    assert.deepEqual(
      rows.map((change) => `${change.kind} ${(change.after ?? change.before)?.[0]}`),
      ['update A', 'delete b', 'insert c', 'update d', 'insert 😀'],
    );
  });
});

describe('sqldiff: files', () => {
  const fails = async (before: string | null, after: string, code: string): Promise<void> => {
    await assert.rejects(compare(before, after, { kind: 'summary' }), (error) => {
      assert.equal(DataManagerError.is(error) && error.code, code);
      return true;
    });
  };

  it('names what is wrong with a file, and leaves nothing beside it', async () => {
    const folder = tempDir();
    const good = await makeSqlite('CREATE TABLE t(a); INSERT INTO t VALUES(1)', { path: join(folder, 'good') });
    const write = (name: string, bytes: Uint8Array | string): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const bytes = readFileSync(good);
    await fails(good, join(folder, 'missing'), 'FILE_NOT_FOUND');
    await fails(folder, good, 'FILE_NOT_REGULAR');
    await fails(good, write('empty', ''), 'FILE_EMPTY');
    await fails(good, write('text', 'id,name\n'.repeat(100)), 'NOT_SQLITE');
    await fails(good, write('cut', bytes.subarray(0, 5000)), 'SQLITE_DAMAGED');
    const damaged = Uint8Array.from(bytes);
    damaged.fill(0xab, 4096);
    await fails(good, write('damaged', damaged), 'SQLITE_DAMAGED');
    const wal = write('wal', bytes);
    write('wal-wal', 'frames');
    await fails(wal, good, 'FILE_HAS_JOURNAL');
    const names = ['cut', 'damaged', 'empty', 'good', 'text', 'wal', 'wal-wal'];
    assert.deepEqual(readdirSync(folder).sort(), names);
  });

  it('opens a file in WAL mode, and finds VACUUM to be no difference', async () => {
    const before = await makeSqlite('CREATE TABLE t(a); INSERT INTO t VALUES(1),(2),(3); DELETE FROM t WHERE a=2');
    const after = await makeSqlite('VACUUM', { from: before });
    const bytes = readFileSync(after);
    bytes[18] = 2;
    bytes[19] = 2;
    writeFileSync(after, bytes);
    const answer = await compare(before, after, { kind: 'stored', maxLines: 100, maxBytes: 10_000 });
    assert.deepEqual(answer.stored, {
      text: '-- Data Manager diff 1: data.sqlite@v1 -> data.sqlite@v2\n-- no logical change\n',
      complete: true,
    });
    assert.deepEqual(readdirSync(dirname(after)), ['data.sqlite']);
  });
});

describe('sqldiff: texts', () => {
  const before =
    "CREATE TABLE capacity(region TEXT, tech TEXT, mw REAL, note TEXT, PRIMARY KEY(region, tech)); INSERT INTO capacity VALUES('R1','E01',1.5,NULL),('R1','E02',2,'same'),('R2','E01',3,'old'); CREATE TABLE old(a)";
  const after =
    "UPDATE capacity SET mw=1.6 WHERE tech='E01' AND region='R1'; DELETE FROM capacity WHERE region='R2'; INSERT INTO capacity VALUES('R3','E01',1e21,'a'||char(10)||'b'); DROP TABLE old; CREATE TABLE fresh(a INT, b BLOB); INSERT INTO fresh VALUES(1,x'00ff'),(2,'42')";

  it('writes a review', async () => {
    const pair = await makePair({ before, after, alters: true });
    const { text } = await compare(pair.before, pair.after, { kind: 'text', limit: 1 });
    assert.equal(
      text,
      `data.sqlite@v1 -> data.sqlite@v2

table     inserted  updated  deleted  unchanged
capacity         1        1        1          1
fresh            2        0        0          0
old              0        0        0          0

schema
  new table fresh
  +CREATE TABLE fresh(
  +  a INT,
  +  b BLOB
  +)
  dropped table old
  -CREATE TABLE old(
  -  a
  -)

table capacity (key: region, tech)
  ~ region=R1, tech=E01  mw: 1.5 -> 1.6
  ... 2 more rows

new table fresh (no key: rows matched by content)
  + a=1, b=x'00ff' (2 bytes)
  ... 1 more rows

dropped table old (no key: rows matched by content)
`,
    );
    const all = await compare(pair.before, pair.after, { kind: 'text', limit: null });
    assert.match(
      all.text,
      /- region=R2, tech=E01 {2}mw=3\.0, note=old\n {2}\+ region=R3, tech=E01 {2}mw=1e\+21, note='a\\nb'\n/,
    );
    assert.match(all.text, /\nold +0 +0 +0 +0\n$/);
  });

  it('writes documents for a side-by-side editor', async () => {
    const pair = await makePair({ before, after, alters: true });
    const { sides } = await compare(pair.before, pair.after, { kind: 'sides', maxRows: 2, maxBytes: 10_000 });
    assert.deepEqual(sides, [
      {
        table: null,
        before: '-- new table fresh\n\n-- dropped table old\nCREATE TABLE old(\n  a\n);',
        after: '-- new table fresh\nCREATE TABLE fresh(\n  a INT,\n  b BLOB\n);\n\n-- dropped table old',
        skipped: 0,
        shown: 0,
        omitted: 0,
      },
      {
        table: 'capacity',
        before: 'region  tech   mw  note\nR1      E01   1.5  NULL\nR2      E01   3.0  old\n... 1 row more',
        after: 'region  tech   mw  note\nR1      E01   1.6  NULL\n... 1 row more',
        skipped: 0,
        shown: 2,
        omitted: 1,
      },
      {
        table: 'fresh',
        before: null,
        after: "a  b\n1  x'00ff' (2 bytes)\n2  '42'",
        skipped: 0,
        shown: 2,
        omitted: 0,
      },
      { table: 'old', before: 'a', after: null, skipped: 0, shown: 0, omitted: 0 },
    ]);
  });

  it('stores the patch while it is short, else the counts', async () => {
    const pair = await makePair({ before, after, alters: true });
    const full = await compare(pair.before, pair.after, { kind: 'stored', maxLines: 100, maxBytes: 10_000 });
    assert.equal(full.stored?.complete, true);
    assert.match(full.stored?.text ?? '', /^-- Data Manager diff 1: .*\n-- schema: new table fresh\n/);
    assert.match(full.stored?.text ?? '', /\n-- capacity: 1 changes, 1 inserts, 1 deletes, 1 unchanged\n/);
    assert.match(full.stored?.text ?? '', /replace\('a\\nb','\\n',char\(10\)\)/);
    const again = await compare(pair.before, pair.after, { kind: 'stored', maxLines: 100, maxBytes: 10_000 });
    assert.equal(again.stored?.text, full.stored?.text);
    const short = await compare(pair.before, pair.after, { kind: 'stored', maxLines: 8, maxBytes: 10_000 });
    assert.equal(short.stored?.complete, false);
    assert.match(short.stored?.text ?? '', /\n-- the patch is too long to be stored; .*\n$/);
  });
});
