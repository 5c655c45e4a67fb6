import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { DataManagerError } from '../../../src/core/errors';
import type { DiffEngine } from '../../../src/core/sqldiff/diffEngine';
import { comparePages, type PageChanges, type PageCompareOptions } from '../../../src/core/sqldiff/pageCompare';
import { preparePagedDiff } from '../../../src/core/sqldiff/pagedDiff';
import { PageFile, type ReadHook } from '../../../src/core/sqldiff/pages/pageFile';
import { createSecondReader, type SecondReader } from '../../../src/core/sqldiff/secondReader';
import { joinComparison, type SharedComparison } from '../../../src/core/sqldiff/sharedComparison';
import { createWorkerDiffEngine } from '../../../src/core/sqldiff/workerDiffEngine';
import { makeSqlite, wasmPath } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const rows = (count: number) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<${count})`;

describe('second reader', function () {
  this.timeout(30_000);
  let readerPath: string;
  let older: string;
  let newer: string;
  let threads: SecondReader[];

  const bundle = async (entry: string, outfile: string): Promise<void> => {
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' });
  };

  before(async () => {
    readerPath = join(tempDir(), 'reader.js');
    await bundle('src/worker/reader.ts', readerPath);
    [older, newer] = await pair(4096, 'UPDATE t SET v=v+1 WHERE id IN (5, 9000, 19999)');
  });
  beforeEach(() => {
    threads = [];
  });
  afterEach(() => Promise.all(threads.map((thread) => thread.dispose())));

  /** A few megabytes, with rows in overflow pages, as chunks of 256 KiB. */
  async function pair(pageSize: number, change: string): Promise<[string, string]> {
    const before = await makeSqlite(
      `PRAGMA page_size=${pageSize}; CREATE TABLE t(id INTEGER PRIMARY KEY, v, note);
       ${rows(20_000)} INSERT INTO t SELECT i, i, CASE i % 500 WHEN 0 THEN hex(zeroblob(50000)) ELSE hex(zeroblob(40)) END FROM n`,
    );
    return [before, await makeSqlite(change, { from: before })];
  }

  function thread(path = readerPath): SecondReader {
    const reader = createSecondReader(path);
    threads.push(reader);
    return reader;
  }

  /** A thread that runs this for each comparison, which is in `shared`. */
  function scripted(body: string): SecondReader {
    const path = join(tempDir(), 'reader.js');
    writeFileSync(path, `require('node:worker_threads').parentPort.on('message', (shared) => { ${body} });`);
    return thread(path);
  }

  /** Lets the second thread be first: goes on once it has finished, or only taken, a chunk. */
  function ahead(reader: SecondReader, until: 'finished' | 'taken' = 'finished') {
    const seen: SharedComparison[] = [];
    const join = (shared: SharedComparison): void => {
      seen.push(shared);
      reader.join(shared);
      if (until === 'finished') assert.notEqual(Atomics.wait(shared.states, 0, 0, 20_000), 'timed-out');
      else assert.notEqual(Atomics.wait(shared.next, 0, 0, 20_000), 'timed-out');
    };
    return { join, seen };
  }

  function withFiles<T>(paths: readonly [string, string], use: (a: PageFile, b: PageFile) => T, onRead?: ReadHook): T {
    const files = paths.map((path) => PageFile.open(path, onRead) as PageFile) as [PageFile, PageFile];
    try {
      return use(...files);
    } finally {
      for (const file of files) file.close();
    }
  }

  /** All that a comparison of pages can be asked for. */
  function result(paths: readonly [string, string], options: PageCompareOptions = {}) {
    return withFiles(paths, (a, b) => {
      const changes = comparePages(a, b, { sharedFrom: 0, ...options });
      return told(changes, Math.max(a.pageCount, b.pageCount));
    });
  }

  function events(paths: readonly [string, string], options: PageCompareOptions = {}) {
    return withFiles(paths, (before, after) => [
      ...preparePagedDiff({ before, after, sharedFrom: 0, ...options, tempFolder: tempDir() }).events(),
    ]);
  }

  function told(changes: PageChanges, pageCount: number) {
    const pages = Array.from({ length: pageCount }, (_, i) => i + 1);
    return {
      identical: changes.identical,
      everything: changes.everything,
      overflowChanged: changes.overflowChanged,
      changed: pages.filter((page) => changes.isChanged(page)),
      suspects: pages.filter((page) => changes.isSuspect(page)),
    };
  }

  const changes: Readonly<Record<string, string>> = {
    'a few rows': 'UPDATE t SET v=v+1 WHERE id IN (5, 9000, 19999)',
    'overflow pages': "UPDATE t SET note=substr(note,1,60000)||'Z'||substr(note,60002) WHERE id % 1000 = 0",
    'a longer file': `${rows(9000)} INSERT INTO t SELECT i + 20000, i, hex(i) FROM n`,
    'a shorter file': 'DELETE FROM t WHERE id > 12000; VACUUM',
    nothing: 'SELECT 1',
  };
  for (const pageSize of [512, 4096, 65536]) {
    it(`finds what one thread finds, in pages of ${pageSize} bytes`, async () => {
      const reader = thread();
      for (const [name, change] of Object.entries(changes)) {
        const files = await pair(pageSize, change);
        const secondReader = ahead(reader);
        assert.deepEqual(result(files, { secondReader }), result(files), name);
        assert.deepEqual(events(files, { secondReader }), events(files), name);
        assert.equal(secondReader.seen.length, 2, name);
        assert.ok((secondReader.seen[0]?.chunks.length ?? 0) >= 8, name);
      }
    });
  }

  it('finds it without the first thread, too', () => {
    const secondReader = { join: joinComparison };
    const found = result([older, newer], { secondReader });
    assert.deepEqual(found, result([older, newer]));
    assert.ok(found.changed.length > 0);
  });

  const deaths: Readonly<Record<string, string>> = {
    'throws in the middle': 'Atomics.add(shared.next, 0, 1); Atomics.notify(shared.next, 0); throw new Error("boom");',
    'ends in the middle': 'Atomics.add(shared.next, 0, 1); Atomics.notify(shared.next, 0); process.exit();',
    'never finishes a chunk':
      'Atomics.add(shared.next, 0, 1); Atomics.notify(shared.next, 0); Atomics.wait(shared.states, 0, 0);',
  };
  for (const [name, body] of Object.entries(deaths)) {
    it(`does without a thread that ${name}`, async () => {
      const alone = result([older, newer]);
      const reader = scripted(body);
      const start = performance.now();
      assert.deepEqual(result([older, newer], { secondReader: ahead(reader, 'taken') }), alone);
      // The next comparison comes before, and the one after that behind, the event that tells of the death.
      assert.deepEqual(result([older, newer], { secondReader: reader }), alone);
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.deepEqual(result([older, newer], { secondReader: reader }), alone);
      assert.ok(performance.now() - start < 5_000);
    });
  }

  it('does without a thread that cannot start', async () => {
    const alone = result([older, newer]);
    for (const path of [join(tempDir(), 'none.js'), 'not an absolute path']) {
      const reader = thread(path);
      assert.deepEqual(result([older, newer], { secondReader: reader }), alone);
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.deepEqual(result([older, newer], { secondReader: reader }), alone);
    }
  });

  it('leaves a file alone that took the name of the one to compare', async () => {
    const [a, b] = await pair(4096, changes['a few rows'] as string);
    const other = join(tempDir(), 'other.sqlite');
    copyFileSync(a, other);
    const alone = result([a, b]);
    let shared: SharedComparison | undefined;
    const take = (given: SharedComparison): void => {
      shared = given;
      renameSync(other, b);
      joinComparison(given);
      assert.equal(given.next[0], 0);
    };
    const found = result([a, b], { secondReader: { join: take } });
    assert.ok(shared);
    assert.deepEqual(found, alone);
  });

  it('leaves it to the first thread to say that a file ends too early', async () => {
    const [a, b] = await pair(4096, changes['a few rows'] as string);
    const join = (shared: SharedComparison): void => {
      truncateSync(b, 4096 * 65);
      const { size, mtimeMs } = statSync(b); // it shrinks behind the check of what file it is
      joinComparison({ ...shared, after: { ...shared.after, size, mtimeMs } });
      assert.ok((shared.next[0] as number) > 0, 'it met the end itself');
    };
    assert.throws(
      () => withFiles([a, b], (x, y) => comparePages(x, y, { secondReader: { join }, sharedFrom: 0 })),
      (error) => DataManagerError.is(error, 'SQLITE_DAMAGED'),
    );
  });

  it('is not asked for small files', () => {
    const join = (): never => assert.fail('asked');
    result([older, newer], { secondReader: { join }, sharedFrom: undefined });
  });

  it('is not asked for a file with pages in its -wal', function () {
    if (spawnSync('sqlite3', ['-version']).error) this.skip();
    const logged = join(tempDir(), 'logged.sqlite');
    copyFileSync(newer, logged);
    const input = `.dbconfig no_ckpt_on_close on
      PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; UPDATE t SET v=v+1 WHERE id=77;`;
    execFileSync('sqlite3', [logged], { input });
    const joined = { join: (): never => assert.fail('asked') };
    assert.ok(result([older, logged], { secondReader: joined }).changed.length > 0);
  });

  it('stops when the first thread stops', () => {
    const seen: SharedComparison[] = [];
    const join = (shared: SharedComparison): void => void seen.push(shared);
    let reads = 0;
    const onRead = (): void => {
      if (seen.length > 0 && ++reads > 4) throw new DataManagerError('CANCELLED', 'Cancelled.');
    };
    assert.throws(
      () => withFiles([older, newer], (a, b) => comparePages(a, b, { secondReader: { join }, sharedFrom: 0 }), onRead),
      (error) => DataManagerError.is(error, 'CANCELLED'),
    );
    const [shared] = seen;
    assert.ok(shared);
    const before = [...shared.states];
    joinComparison(shared);
    assert.deepEqual([...shared.states], before);
    assert.ok(before.includes(0));
  });

  describe('in the worker of the engine', () => {
    let folder: string;
    let engine: DiffEngine;
    const labels = { before: 'a', after: 'b' };

    /** A reader that leaves a sign of life beside it every 20 ms. */
    before(async () => {
      folder = tempDir();
      await bundle('src/worker/worker.ts', join(folder, 'worker.js'));
      const alive = JSON.stringify(join(folder, 'alive'));
      const signs = `setInterval(() => require('node:fs').appendFileSync(${alive}, '.'), 20)`;
      writeFileSync(join(folder, 'reader.js'), `${signs}; require(${JSON.stringify(readerPath)});`);
    });
    beforeEach(() => {
      engine = createWorkerDiffEngine({ workerPath: join(folder, 'worker.js'), wasmPath });
    });
    afterEach(() => engine.dispose());

    const signs = (): number => statSync(join(folder, 'alive'), { throwIfNoEntry: false })?.size ?? 0;
    const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

    /** Files that are all zeros behind the first pages, and take no room on the disk. */
    async function sparsePair(bytes: number): Promise<{ readonly before: string; readonly after: string }> {
      const before = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 1)');
      const after = await makeSqlite('UPDATE t SET v=2', { from: before });
      for (const path of [before, after]) {
        truncateSync(path, bytes);
        const descriptor = openSync(path, 'r+');
        const pages = Buffer.alloc(4);
        pages.writeUInt32BE(bytes / 4096);
        writeSync(descriptor, pages, 0, 4, 28);
        closeSync(descriptor);
      }
      return { before, after };
    }

    it('stays for the next comparison, and ends with the worker', async () => {
      const files = await sparsePair(256 << 20);
      for (let run = 0; run < 2; run++) {
        const answer = await engine.compare({ ...files, labels, output: { kind: 'rows', limit: null } });
        assert.deepEqual(answer.rows?.tables[0]?.rows, [{ kind: 'update', before: [1n, 1n], after: [1n, 2n] }]);
      }
      if (availableParallelism() > 1) {
        const some = signs();
        await pause(200);
        assert.ok(signs() > some, 'it lives');
      }
      await engine.dispose();
      const last = signs();
      await pause(200);
      assert.equal(signs(), last);
    });

    it('cancels within 200 ms, and goes on', async () => {
      const controller = new AbortController();
      const large = await sparsePair(8 * 2 ** 30);
      const running = engine.compare({ ...large, labels, output: { kind: 'summary' } }, { signal: controller.signal });
      await pause(400);
      const start = performance.now();
      controller.abort();
      await assert.rejects(running, (error) => DataManagerError.is(error, 'CANCELLED'));
      assert.ok(performance.now() - start < 200, `${performance.now() - start} ms`);
      const small = await sparsePair(128 << 20);
      const answer = await engine.compare({ ...small, labels, output: { kind: 'summary' } });
      assert.equal(answer.summary.identical, false);
    });
  });

  it('keeps no process alive', async () => {
    const script = join(tempDir(), 'script.js');
    await build({
      stdin: {
        contents: `import { createSecondReader } from './src/core/sqldiff/secondReader';
          import { PageFile } from './src/core/sqldiff/pages/pageFile';
          import { comparePages } from './src/core/sqldiff/pageCompare';
          const [older, newer, reader] = process.argv.slice(2);
          const secondReader = createSecondReader(reader);
          const files = [PageFile.open(older), PageFile.open(newer)];
          const changes = comparePages(...files, { sharedFrom: 0, secondReader });
          console.log(changes.identical);`,
        resolveDir: process.cwd(),
      },
      bundle: true,
      platform: 'node',
      outfile: script,
      logLevel: 'error',
    });
    const output = execFileSync(process.execPath, [script, older, newer, readerPath], { timeout: 10_000 });
    assert.equal(output.toString(), 'false\n');
  });
});
