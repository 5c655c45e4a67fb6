import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import initSqlJs, { type Database, type SqlJsStatic } from 'sql.js';
import { writeDemoVersions } from '../../../scripts/demoDatabase.mjs';
import { tempDir } from '../../support/tempDir';

describe('the demo database', () => {
  let SQL: SqlJsStatic;
  let files: readonly string[];
  let versions: Database[];

  before(async () => {
    SQL = await initSqlJs();
    files = await writeDemoVersions(tempDir());
    versions = files.map((file) => new SQL.Database(readFileSync(file)));
  });
  after(() => {
    for (const version of versions ?? []) version.close();
  });

  const rows = (version: number, sql: string) => versions[version - 1]?.exec(sql)[0]?.values ?? [];
  const count = (version: number, from: string) => rows(version, `SELECT count(*) FROM ${from}`)[0]?.[0];
  const tables = (version: number) =>
    rows(version, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`).map(([name]) => String(name));

  it('has the same bytes in every run, and others in every version', async () => {
    const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
    const again = await writeDemoVersions(tempDir());
    assert.deepEqual(again.map(sha256), files.map(sha256));
    assert.equal(new Set(files.map(sha256)).size, 3);
  });

  it('is sound in each version', () => {
    for (const version of [1, 2, 3]) {
      assert.deepEqual(rows(version, 'PRAGMA integrity_check'), [['ok']]);
      assert.deepEqual(rows(version, 'PRAGMA foreign_key_check'), []);
    }
  });

  it('has a dozen tables and more than ten thousand rows', () => {
    for (const version of [1, 2, 3]) {
      assert.equal(tables(version).length, 14);
      const total = tables(version).reduce((sum, table) => sum + Number(count(version, table)), 0);
      assert.equal(total, { 1: 16_763, 2: 16_909, 3: 14_815 }[version]);
    }
  });

  it('revises a cost curve and adds a technology in v2', () => {
    const db = new SQL.Database(readFileSync(String(files[1])));
    const costs = db.prepare('SELECT cost FROM costs_invest WHERE region = ? AND tech = ? AND vintage = ?');
    const changed = rows(1, 'SELECT region, tech, vintage, cost FROM costs_invest').filter(
      ([region, tech, vintage, cost]) => costs.get([region ?? null, tech ?? null, vintage ?? null])[0] !== cost,
    );
    costs.free();
    db.close();
    assert.equal(changed.length, 280);
    for (const [table, expected] of Object.entries({
      technologies: 1,
      efficiencies: 32,
      costs_invest: 32,
      costs_fixed: 80,
    })) {
      assert.equal(count(1, `${table} WHERE tech = 'NUCLEAR_SMALL'`), 0, table);
      assert.equal(count(2, `${table} WHERE tech = 'NUCLEAR_SMALL'`), expected, table);
    }
  });

  it('adds a column and drops a region in v3', () => {
    const columns = (version: number) => rows(version, 'PRAGMA table_info(technologies)').map(([, name]) => name);
    assert.deepEqual(columns(3), [...columns(2), 'learning_rate']);
    assert.ok(Number(count(3, 'technologies WHERE learning_rate > 0')) > 5);
    const regional = tables(3).filter((table) =>
      rows(3, `PRAGMA table_info(${table})`).some(([, name]) => name === 'region'),
    );
    assert.equal(regional.length, 9);
    for (const table of regional) {
      assert.ok(Number(count(2, `${table} WHERE region = 'INSEL'`)) > 0, table);
      assert.equal(count(3, `${table} WHERE region = 'INSEL'`), 0, table);
    }
  });
});
