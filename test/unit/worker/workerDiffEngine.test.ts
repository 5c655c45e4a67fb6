import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { DataManagerError } from '../../../src/core/errors';
import type { DiffEngine } from '../../../src/core/sqldiff/diffEngine';
import { createWorkerDiffEngine } from '../../../src/core/sqldiff/workerDiffEngine';
import { makeSqlite, wasmPath } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const labels = { before: 'a', after: 'b' };

describe('worker diff engine', function () {
  this.timeout(30_000);
  let workerPath: string;
  let engine: DiffEngine;
  let older: string;
  let newer: string;
  let big: string;

  const bundle = async (entry: string, outfile: string): Promise<void> => {
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' });
  };

  before(async () => {
    workerPath = join(tempDir(), 'worker.js');
    await bundle('src/worker/worker.ts', workerPath);
    older = await makeSqlite(
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,1),(2,9007199254740993)',
    );
    newer = await makeSqlite("UPDATE t SET v='x' WHERE id=1; INSERT INTO t VALUES(3,x'00')", { from: older });
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<400000)';
    big = await makeSqlite(
      `CREATE TABLE t(a, b); ${numbers} INSERT INTO t SELECT (i*7919)%400009, hex(i) || 'padding' FROM n`,
    );
  });
  beforeEach(() => {
    engine = createWorkerDiffEngine({ workerPath, wasmPath });
  });
  afterEach(() => engine.dispose());

  it('answers, with values, text and progress', async () => {
    const pieces: string[] = [];
    const done: number[] = [];
    const rows = await engine.compare({ before: older, after: newer, labels, output: { kind: 'rows', limit: null } });
    assert.deepEqual(rows.rows?.tables[0]?.rows, [
      { kind: 'update', before: [1n, 1n], after: [1n, 'x'] },
      { kind: 'insert', before: null, after: [3n, new Uint8Array([0])] },
    ]);
    const monitor = {
      onText: (piece: string) => void pieces.push(piece),
      onProgress: (progress: { done: number }) => void done.push(progress.done),
    };
    const text = await engine.compare(
      { before: older, after: newer, labels, output: { kind: 'text', limit: 5 } },
      monitor,
    );
    assert.deepEqual([text.summary.tables[0]?.inserted, text.summary.tables[0]?.updated], [1, 1]);
    assert.match(pieces.join(''), /~ id=1 {2}v: 1 -> x\n {2}\+ id=3 {2}v=x'00' \(1 byte\)\n/);
    assert.equal(done.at(-1), 16384);
  });

  it('takes requests one after the other', async () => {
    const answers = await Promise.all(
      [older, newer, null].map((path) =>
        engine.compare({ before: path, after: newer, labels, output: { kind: 'summary' } }),
      ),
    );
    assert.deepEqual(
      answers.map((answer) => answer.summary.tables[0]?.inserted ?? 0),
      [1, 0, 3],
    );
  });

  it('gives errors with their code, hint and data, and goes on', async () => {
    const text = join(tempDir(), 'text');
    writeFileSync(text, 'no database'.repeat(20));
    await assert.rejects(
      engine.compare({ before: older, after: text, labels, output: { kind: 'summary' } }),
      (error) => {
        assert.ok(DataManagerError.is(error, 'NOT_SQLITE'));
        assert.match(error.hint ?? '', /plain SQLite/);
        assert.deepEqual(error.data, { path: text });
        return true;
      },
    );
    const answer = await engine.compare({ before: older, after: newer, labels, output: { kind: 'summary' } });
    assert.equal(answer.summary.identical, false);
  });

  it('cancels within 200 ms, also what waits, and goes on', async () => {
    const other = await makeSqlite('UPDATE t SET a=a+1 WHERE a%2=0', { from: big });
    const controller = new AbortController();
    const request = { before: big, after: other, labels, output: { kind: 'summary' } } as const;
    const running = engine.compare(request, { signal: controller.signal });
    const waiting = engine.compare(request, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const started = performance.now();
    controller.abort();
    const results = await Promise.allSettled([running, waiting]);
    const took = performance.now() - started;
    for (const result of results) {
      assert.ok(result.status === 'rejected' && DataManagerError.is(result.reason, 'CANCELLED'));
    }
    assert.ok(took < 250, `${took} ms`);
    const answer = await engine.compare({ before: older, after: newer, labels, output: { kind: 'summary' } });
    assert.equal(answer.summary.identical, false);
    await assert.rejects(engine.compare(request, { signal: controller.signal }), (error) =>
      DataManagerError.is(error, 'CANCELLED'),
    );
  });

  it('hashes the content of a file with progress, and says null for what is no database', async () => {
    const copy = await makeSqlite('VACUUM', { from: older });
    const text = join(tempDir(), 'text');
    writeFileSync(text, 'no database'.repeat(20));
    const done: number[] = [];
    const hash = await engine.contentHash(older, { onProgress: (progress) => void done.push(progress.done) });
    assert.match(hash ?? '', /^[0-9a-f]{64}$/);
    assert.equal(await engine.contentHash(copy), hash);
    assert.notEqual(await engine.contentHash(newer), hash);
    assert.equal(await engine.contentHash(text), null);
    assert.equal(done.at(-1), 8192);
    await assert.rejects(engine.contentHash(join(tempDir(), 'none')), (error) =>
      DataManagerError.is(error, 'FILE_NOT_FOUND'),
    );
    const controller = new AbortController();
    const hashing = engine.contentHash(big, { signal: controller.signal, onProgress: () => controller.abort() });
    await assert.rejects(hashing, (error) => DataManagerError.is(error, 'CANCELLED'));
  });

  it('writes a patched file only when it is right, and leaves nothing else behind', async () => {
    const folder = tempDir();
    const [patch, target] = [join(folder, 'patch.sql'), join(folder, 'target.sqlite')];
    writeFileSync(patch, "UPDATE t SET v='x' WHERE id=1; INSERT INTO t VALUES(3,x'00');");
    writeFileSync(target, 'what was there');
    const expected = (await engine.contentHash(newer)) ?? '';
    const request = { base: older, patch, target, contentHash: 'f'.repeat(64) };
    await assert.rejects(engine.applyPatch(request), (error) => {
      assert.ok(DataManagerError.is(error, 'HASH_MISMATCH'));
      assert.deepEqual(error.data, { expected: request.contentHash, actual: expected });
      return true;
    });
    assert.equal(readFileSync(target, 'utf8'), 'what was there');
    await engine.applyPatch({ ...request, contentHash: expected });
    assert.equal(await engine.contentHash(target), expected);
    assert.deepEqual(readdirSync(folder).sort(), ['patch.sql', 'target.sqlite']);
    const missing = { ...request, target: join(folder, 'no', 'target') };
    await assert.rejects(engine.applyPatch(missing), (error) => DataManagerError.is(error, 'OUTPUT_UNWRITABLE'));
  });

  it('cancels a patch that takes long, within 200 ms, and leaves nothing behind', async () => {
    const folder = tempDir();
    const patch = join(tempDir(), 'patch.sql');
    writeFileSync(patch, 'BEGIN; UPDATE t SET a=(SELECT count(*) FROM t u WHERE u.a<t.a); COMMIT;');
    const controller = new AbortController();
    const request = { base: big, patch, target: join(folder, 'target.sqlite'), contentHash: '' };
    const running = engine.applyPatch(request, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const started = performance.now();
    controller.abort();
    await assert.rejects(running, (error) => DataManagerError.is(error, 'CANCELLED'));
    assert.ok(performance.now() - started < 250);
    await engine.contentHash(older);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('says so when the worker dies, and starts a new one', async () => {
    const path = join(tempDir(), 'crash.js');
    const flag = join(tempDir(), 'crashed');
    const crash = `const fs = require('node:fs'); if (!fs.existsSync(${JSON.stringify(flag)})) { fs.writeFileSync(${JSON.stringify(flag)}, ''); throw new Error('boom'); } require(${JSON.stringify(workerPath)});`;
    writeFileSync(path, crash);
    const fragile = createWorkerDiffEngine({ workerPath: path, wasmPath });
    const request = { before: older, after: newer, labels, output: { kind: 'summary' } } as const;
    await assert.rejects(fragile.compare(request), (error) => {
      assert.ok(DataManagerError.is(error, 'DIFF_UNSUPPORTED'));
      assert.match(String(error.cause), /boom/);
      return true;
    });
    assert.equal((await fragile.compare(request)).summary.identical, false);
    await fragile.dispose();
  });

  it('lets the process end without dispose', async () => {
    const script = join(tempDir(), 'script.js');
    await bundle('src/core/sqldiff/workerDiffEngine.ts', script);
    const code = `const { createWorkerDiffEngine } = require(${JSON.stringify(script)});
      createWorkerDiffEngine(${JSON.stringify({ workerPath, wasmPath })})
        .compare(${JSON.stringify({ before: older, after: newer, labels, output: { kind: 'summary' } })})
        .then((answer) => console.log(answer.summary.tables[0].updated));`;
    assert.equal(execFileSync(process.execPath, ['-e', code], { timeout: 10_000 }).toString(), '1\n');
  });
});
