import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { runCli, startCli } from '../../support/cli';
import { makeSqlite } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

describe('datamanager as a process', () => {
  it('says version and help at once, to the right stream', async () => {
    const cwd = tempDir();
    const version = await runCli(['--version'], { cwd });
    assert.deepEqual([version.code, version.stderr], [0, '']);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    const help = await runCli(['--help'], { cwd });
    assert.deepEqual([help.code, help.stderr], [0, '']);
    const bare = await runCli([], { cwd });
    assert.deepEqual([bare.code, bare.stdout, bare.stderr], [2, '', help.stdout]);
    const bareJson = await runCli(['--json'], { cwd });
    assert.deepEqual([bareJson.code, JSON.parse(bareJson.stdout).error.code], [2, 'USAGE']);
    assert.equal(JSON.parse((await runCli(['--help', '--json'], { cwd })).stdout).help, help.stdout);
    assert.match((await runCli(['diff', '--help'], { cwd })).stdout, /"integer"/);
  });

  it('writes errors in two lines, or as one JSON value', async () => {
    const cwd = tempDir();
    const text = await runCli(['list'], { cwd });
    assert.equal(text.code, 1);
    assert.equal(text.stdout, '');
    assert.match(
      text.stderr,
      /^datamanager: .* is not inside a repository with a manifest\.json\.\nhint: .*datamanager init\n$/,
    );
    const json = await runCli(['list', '--json'], { cwd });
    assert.deepEqual([json.code, json.stderr], [1, '']);
    assert.deepEqual(Object.keys(JSON.parse(json.stdout).error), ['code', 'message', 'hint', 'data']);
    const usage = await runCli(['--json', 'create'], { cwd });
    assert.deepEqual([usage.code, JSON.parse(usage.stdout).error.code], [2, 'USAGE']);
    const typo = await runCli(['list', '--repo', 'nowhere'], { cwd });
    assert.match(typo.stderr, /There is no folder .*nowhere/);
  });

  it('ends in silence when its reader has seen enough', async () => {
    const rows = (word: string) =>
      `CREATE TABLE t(id INTEGER PRIMARY KEY, x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<40000)
       INSERT INTO t SELECT i, '${word} of row number ' || i FROM n`;
    const [from, to] = [await makeSqlite(rows('first')), await makeSqlite(rows('second'))];
    for (const form of [[], ['--sql'], ['--json']]) {
      const child = startCli(['diff', from, to, ...form], { cwd: dirname(from) });
      let errors = '';
      child.stderr?.on('data', (piece) => {
        errors += piece;
      });
      child.stdout?.once('data', () => child.stdout?.destroy());
      const code = await new Promise((resolve) => child.on('close', resolve));
      assert.deepEqual([code, errors], [0, ''], form.join());
    }
  });

  it('stops on SIGINT with 130', async () => {
    const rows = (last: number) =>
      `CREATE TABLE t(id INTEGER PRIMARY KEY, x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<${last})
       INSERT INTO t SELECT i, hex(i * ${last}) FROM n`;
    const [from, to] = [await makeSqlite(rows(200000)), await makeSqlite(rows(200001))];
    const child = startCli(['diff', from, to], { cwd: dirname(from) });
    let errors = '';
    child.stderr?.on('data', (piece) => {
      errors += piece;
    });
    child.stdout?.once('data', () => child.kill('SIGINT'));
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.deepEqual([code, errors], [130, 'datamanager: Cancelled.\n']);
  });
});
