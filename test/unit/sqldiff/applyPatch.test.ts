import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { applyPatch, maxPatchedBytes } from '../../../src/core/sqldiff/applyPatch';
import { compareByBestForm } from '../../../src/core/sqldiff/compareByPages';
import { contentHashOf, hashContent } from '../../../src/core/sqldiff/hashContent';
import type { SqlValue } from '../../../src/core/sqldiff/model';
import { exactText, openWitness, rowsOf } from '../../support/exactness';
import { makeSqlite, newSqlJs } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';
import { pairs } from './pairs';

const quiet = { isCancelled: () => false, onProgress: () => undefined };
const has = (code: ErrorCode) => (error: unknown) => DataManagerError.is(error, code);
const hasShell = spawnSync('sqlite3', ['--version']).status === 0;

describe('applyPatch', function () {
  this.timeout(60_000);
  let folder: string;
  let target: string;
  let patch: string;

  before(() => {
    folder = tempDir();
    [target, patch] = [join(folder, 'target.sqlite'), join(folder, 'patch.sql')];
  });
  afterEach(() => rmSync(target, { force: true }));

  /** Writes the patch that leads from one file to another; false when there is none. */
  async function makePatch(before: string, after: string): Promise<boolean> {
    const pieces: string[] = [];
    const request = { before, after, labels: { before: 'a', after: 'b' }, output: { kind: 'sql' } } as const;
    const hooks = { ...quiet, onText: (piece: string) => void pieces.push(piece) };
    try {
      await compareByBestForm(request, hooks, { tempFolder: folder }, newSqlJs);
    } catch (error) {
      if (DataManagerError.is(error, 'DIFF_UNSUPPORTED')) return false;
      throw error;
    }
    writeFileSync(patch, pieces.join(''));
    return true;
  }

  async function assertLeads(before: string, after: string): Promise<boolean> {
    if (!(await makePatch(before, after))) return false;
    const contentHash = contentHashOf(after, quiet);
    applyPatch(await newSqlJs(), { base: before, patch, target, contentHash }, quiet);
    assert.equal(contentHashOf(target, quiet), contentHash);
    rmSync(target);
    return true;
  }

  for (const pair of pairs) {
    it(`leads forth and back: ${pair.name}`, async () => {
      const before = await makeSqlite(pair.before);
      const after = await makeSqlite(pair.after, pair.alters ? { from: before } : {});
      assert.ok(await assertLeads(before, after));
      assert.ok(await assertLeads(after, before));
    });
  }

  it('leads forth and back between real versions, where they are at hand', async function () {
    const data = join(process.cwd(), '..', 'shared', 'data');
    if (!existsSync(data)) this.skip();
    let led = 0;
    for (const name of ['chinook', 'temoa']) {
      const versions = sqliteFiles(join(data, name));
      for (let i = 1; i < versions.length; i++) {
        const [before, after] = [versions[i - 1] as string, versions[i] as string];
        if (hashContent(before, quiet) === null || hashContent(after, quiet) === null) continue;
        if (await assertLeads(before, after)) led++;
        if (await assertLeads(after, before)) led++;
      }
    }
    assert.ok(led > 0);
  });

  it('keeps the write-ahead mode of a base, and reads what waits in its -wal', async function () {
    if (!hasShell) this.skip();
    const base = join(folder, 'wal.sqlite');
    const open = "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,'a');";
    // Without a checkpoint on closing, the rows stay in the log.
    const made = spawnSync('sqlite3', [base], { input: `.dbconfig no_ckpt_on_close on\n${open}` });
    assert.equal(made.status, 0, String(made.stderr));
    assert.ok(existsSync(`${base}-wal`));
    writeFileSync(patch, 'BEGIN; INSERT INTO t VALUES(2, 2.5); COMMIT;');
    const expected = contentHashOf(
      await makeSqlite("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,'a'),(2,2.5)"),
      quiet,
    );
    const before = readFileSync(base);
    applyPatch(await newSqlJs(), { base, patch, target, contentHash: expected }, quiet);
    assert.deepEqual([...readFileSync(target).subarray(18, 20)], [2, 2]);
    assert.deepEqual(readFileSync(base), before);
  });

  it('refuses a patch that does not fit, one that gives something else, and one that is not committed', async () => {
    const base = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)');
    const request = { base, patch, target, contentHash: '0'.repeat(64) };
    writeFileSync(patch, 'BEGIN; DELETE FROM other; COMMIT;');
    const sqlJs = await newSqlJs();
    assert.throws(() => applyPatch(sqlJs, request, quiet), has('DIFF_UNSUPPORTED'));
    writeFileSync(patch, 'BEGIN; INSERT INTO t VALUES(2); COMMIT;');
    assert.throws(() => applyPatch(sqlJs, request, quiet), has('HASH_MISMATCH'));
    rmSync(target);
    writeFileSync(patch, 'BEGIN; INSERT INTO t VALUES(2);');
    applyPatch(sqlJs, { ...request, contentHash: contentHashOf(base, quiet) }, quiet);
    assert.throws(() => applyPatch(sqlJs, request, quiet), has('OUTPUT_UNWRITABLE'));
    assert.throws(() => applyPatch(sqlJs, { ...request, patch: join(folder, 'no') }, quiet), has('FILE_NOT_FOUND'));
  });

  it('refuses a base that would not fit into memory, without reading it', async () => {
    const base = join(folder, 'large.sqlite');
    copyFileSync(await makeSqlite('CREATE TABLE t(a)'), base);
    const bytes = readFileSync(base);
    const pages = maxPatchedBytes / bytes.readUInt16BE(16) + 1;
    bytes.writeUInt32BE(pages, 28);
    writeFileSync(base, bytes);
    truncateSync(base, pages * bytes.readUInt16BE(16)); // a hole, which takes no room
    writeFileSync(patch, '');
    const sqlJs = await newSqlJs();
    assert.throws(
      () => applyPatch(sqlJs, { base, patch, target, contentHash: '' }, quiet),
      (error) => {
        assert.ok(DataManagerError.is(error, 'DIFF_UNSUPPORTED'));
        assert.match(error.hint ?? '', /Pull the version/);
        return true;
      },
    );
    assert.equal(existsSync(target), false);
  });

  // Old shells read some REAL literals wrongly by one unit in the last place (see sqlLiteral), hence the rounding.
  it('has patches that run in the sqlite3 shell and give the same rows', async function () {
    if (!hasShell) this.skip();
    for (const pair of pairs) {
      const before = await makeSqlite(pair.before);
      const after = await makeSqlite(pair.after, pair.alters ? { from: before } : {});
      for (const [from, to] of [
        [before, after],
        [after, before],
      ] as const) {
        assert.ok(await makePatch(from, to));
        copyFileSync(from, target);
        const shell = spawnSync('sqlite3', ['-bail', target], { input: readFileSync(patch), encoding: 'utf8' });
        assert.deepEqual([shell.status, shell.stderr], [0, ''], pair.name);
        assert.deepEqual(await roundedRows(target), await roundedRows(to), pair.name);
      }
    }
  });

  function sqliteFiles(path: string): string[] {
    const names = readdirSync(path).filter((name) => name.endsWith('.sqlite'));
    return names.sort().map((name) => join(path, name));
  }
});

/** All rows as SQLite reads them, by table, in an order of their own; REAL values with 14 digits. */
async function roundedRows(path: string): Promise<unknown> {
  const witness = openWitness(await newSqlJs(), readFileSync(path));
  const rounded = (value: SqlValue): SqlValue =>
    typeof value === 'number' && Number.isFinite(value) ? Number(value.toPrecision(14)) : value;
  const tables = [...witness.schema.tables.values()].filter((table) => !table.virtual);
  const rowsByTable = tables.map((table) => {
    const rows = [...rowsOf(witness, table)].map((row) => row.map(rounded).map(exactText).join('|'));
    return [table.sql, rows.sort()] as const;
  });
  return new Map(rowsByTable);
}
