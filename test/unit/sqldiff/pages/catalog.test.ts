import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readCatalog } from '../../../../src/core/sqldiff/pages/catalog';
import { PageFile } from '../../../../src/core/sqldiff/pages/pageFile';
import { openWitness } from '../../../support/exactness';
import { makeSqlite, newSqlJs } from '../../../support/sqliteFixture';

const statements = [
  'CREATE TABLE a(x)',
  'CREATE TABLE IF NOT EXISTS main . b (x INT, y) -- behind',
  'create table "c d" ([e f] varchar ( 10 ) not null, `g``h` "INTEGER" primary key, \'i\' decimal(10, -2) default -5.5e-3)',
  "CREATE TABLE e(x TEXT DEFAULT 'it''s, (not) NULL', y DEFAULT (1 + (2 * 3)), z DEFAULT CURRENT_TIMESTAMP, w DEFAULT x'00', v DEFAULT +1, u DEFAULT word)",
  'CREATE TABLE f(x INTEGER PRIMARY KEY ASC ON CONFLICT REPLACE AUTOINCREMENT, y UNIQUE ON CONFLICT IGNORE)',
  'CREATE TABLE g(x INTEGER PRIMARY KEY DESC, y TEXT COLLATE nocase UNIQUE)',
  'CREATE TABLE h(x INTEGER, y, CONSTRAINT pk PRIMARY KEY(x DESC))',
  'CREATE TABLE i(x INT PRIMARY KEY, y)',
  'CREATE TABLE j(x, y, z, PRIMARY KEY(z COLLATE RTRIM DESC, x), UNIQUE(y, x) CHECK(x <> y) FOREIGN KEY(x) REFERENCES a(x) ON DELETE SET NULL ON UPDATE SET DEFAULT DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID',
  'CREATE TABLE k(x INTEGER PRIMARY KEY, y TEXT) STRICT, WITHOUT ROWID',
  'CREATE TABLE l(x TEXT PRIMARY KEY, y ANY, z INT NOT NULL REFERENCES a(x) MATCH FULL) STRICT',
  "CREATE TABLE m(x, y GENERATED ALWAYS AS (x || ')') STORED, z INT AS (x + 1), w REAL GENERATED ALWAYS AS (x) VIRTUAL NOT NULL)",
  'CREATE TABLE n(x CONSTRAINT c1 NOT NULL CONSTRAINT c2 CHECK (x IN (1, 2)) NULL /* , */ , y UNSIGNED BIG INT)',
  'CREATE TABLE o(rowid, oid INTEGER, PRIMARY KEY(oid))',
  'CREATE TABLE p(x, X2, PRIMARY KEY(x, "x"))',
  'CREATE TABLE q AS SELECT 1 AS one, \'t\' AS "two words", CAST(1 AS REAL) AS three',
  'CREATE TABLE ünïcode_表(größe TEXT, 表 INT, $d INT)'.replace(', $d INT', ''),
  'CREATE TABLE r(key INT, abort TEXT, desc TEXT, "primary" PRIMARY KEY, temp, action INTEGER, "" TEXT)',
  'CREATE TABLE s(x "my type"(10), y "text" collate "NoCase" primary key, z varchar "odd")',
  'CREATE UNIQUE INDEX i1 ON e(x COLLATE NOCASE DESC, y)',
  'CREATE UNIQUE INDEX i2 ON e(lower(x))',
  'CREATE UNIQUE INDEX i3 ON e(x) WHERE y > 1',
  'CREATE UNIQUE INDEX i4 ON e(x || y)',
  'CREATE INDEX i5 ON e(y)',
  'CREATE VIEW v1 AS SELECT 1',
  'CREATE TRIGGER t1 AFTER INSERT ON a BEGIN SELECT 1; END',
  'CREATE VIRTUAL TABLE fts USING fts4(x, y)',
] as const;

describe('readCatalog', () => {
  it('reads schemas as SQLite does', async () => {
    for (const statement of ['', ...statements]) {
      const setup = /ON e\(/.test(statement) ? `${statements[3]};` : /ON a /.test(statement) ? `${statements[0]};` : '';
      await assertSame(`${setup}${statement}\n;PRAGMA user_version=1`, statement);
    }
  });

  it('reads a schema of many pages in any encoding', async () => {
    for (const encoding of ['UTF-8', 'UTF-16le', 'UTF-16be']) {
      await assertSame(`PRAGMA page_size=512; PRAGMA encoding='${encoding}'; ${statements.join('\n;')};`, encoding);
    }
  });

  it('follows renamed tables and columns', async () => {
    await assertSame(
      'CREATE TABLE a(x PRIMARY KEY, y); ALTER TABLE a RENAME TO "b c"; ALTER TABLE "b c" RENAME x TO "z z"; ALTER TABLE "b c" ADD COLUMN w INT DEFAULT 5; ALTER TABLE "b c" DROP COLUMN y',
      'renamed',
    );
  });

  async function assertSame(sql: string, name: string): Promise<void> {
    const path = await makeSqlite(sql);
    const witness = openWitness(await newSqlJs(), readFileSync(path));
    const file = PageFile.open(path);
    try {
      assert.deepEqual(readCatalog(file).schema, witness.schema, name);
    } finally {
      file?.close();
      witness.database.connection.close();
    }
  }
});
