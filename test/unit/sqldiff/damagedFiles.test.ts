import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { compareFiles } from '../../../src/core/sqldiff/compareFiles';
import { contentHash } from '../../../src/core/sqldiff/contentHash';
import { preparePagedDiff } from '../../../src/core/sqldiff/pagedDiff';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
import type { FileContents, SqlJs } from '../../../src/core/sqldiff/sqlJs';
import { damage } from '../../support/damage';
import { randomNumbers, randomPair } from '../../support/randomPair';
import { newSqlJs } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const fileCount = Number(process.env.DATAMANAGER_DAMAGED_FILES ?? 500);
const firstSeed = Number(process.env.DATAMANAGER_DIFF_SEED ?? 1);
const damagesOfOnePair = 50;
const allowed = new Set(['SQLITE_DAMAGED', 'NOT_SQLITE', 'DIFF_UNSUPPORTED']);

describe('damaged files', function () {
  this.timeout(0);
  let folder: string;

  before(() => {
    folder = tempDir();
  });

  it(`never crash, hang or fill the memory: ${fileCount} of them`, async () => {
    const [good, bad] = [join(folder, 'good.sqlite'), join(folder, 'bad.sqlite')];
    const outcomes = new Map<string, number>();
    const atFirst = process.memoryUsage.rss();
    let sqlJs = await newSqlJs();
    let slowest = { milliseconds: 0, name: '' };
    for (let done = 0, seed = firstSeed; done < fileCount; seed++) {
      if (seed % 20 === 0) sqlJs = await newSqlJs();
      const pair = randomPair(sqlJs, seed);
      writeFileSync(good, pair.before);
      for (let i = 0; i < damagesOfOnePair && done < fileCount; i++, done++) {
        const damaged = damage(Buffer.from(i % 2 === 0 ? pair.after : pair.before), randomNumbers(seed * 1000 + i));
        writeFileSync(bad, damaged);
        for (const attempt of [() => compare(good, bad), () => compare(bad, good), () => hash(bad)]) {
          const name = `seed ${seed}, damage ${i}`;
          // Processor time: a busy machine is not a hang.
          const start = process.cpuUsage();
          const outcome = outcomeOf(attempt, name);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          const { user, system } = process.cpuUsage(start);
          const milliseconds = (user + system) / 1000;
          if (milliseconds > slowest.milliseconds) slowest = { milliseconds, name };
        }
      }
    }
    assert.ok(slowest.milliseconds < 2000, `${slowest.name} took ${slowest.milliseconds} ms`);
    const grown = (process.memoryUsage.rss() - atFirst) / 2 ** 20;
    assert.ok(grown < 300, `${grown} MiB more, with the sql.js that made the files`);
    assert.ok((outcomes.get('SQLITE_DAMAGED') ?? 0) > fileCount / 4, JSON.stringify([...outcomes]));
    assert.ok((outcomes.get('a result') ?? 0) > fileCount / 20, JSON.stringify([...outcomes]));
  });

  it('leave no database of SQLite open, which would keep its memory', async () => {
    const [good, bad] = [join(folder, 'good.sqlite'), join(folder, 'bad.sqlite')];
    const hooks = { isCancelled: () => false, onProgress: () => undefined, onText: () => undefined };
    const labels = { before: 'a', after: 'b' };
    const codes = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const sqlJs = await newSqlJs();
      const pair = randomPair(sqlJs, firstSeed);
      writeFileSync(good, pair.before);
      writeFileSync(bad, damage(Buffer.from(pair.after), randomNumbers(firstSeed * 1000 + i)));
      let open = 0;
      const counting = class extends sqlJs.Database {
        constructor(contents?: FileContents | Uint8Array) {
          super(contents);
          open++;
        }
        override close(): void {
          open--;
          super.close();
        }
      };
      try {
        const request = { before: good, after: bad, labels, output: { kind: 'summary' } } as const;
        compareFiles({ Database: counting } as SqlJs, request, hooks);
      } catch (error) {
        assert.ok(DataManagerError.is(error) && allowed.has(error.code), String(error));
        codes.add(error.code);
      }
      assert.equal(open, 0, `damage ${i}`);
    }
    assert.ok(codes.has('SQLITE_DAMAGED'));
  });

  function compare(before: string, after: string): void {
    const older = PageFile.open(before);
    try {
      const newer = PageFile.open(after);
      try {
        for (const event of preparePagedDiff({ before: older, after: newer, tempFolder: folder }).events())
          assert.ok(event);
      } finally {
        newer?.close();
      }
    } finally {
      older?.close();
    }
  }

  function hash(path: string): void {
    const file = PageFile.open(path);
    try {
      assert.equal(contentHash(file).length, 64);
    } finally {
      file?.close();
    }
  }
});

function outcomeOf(attempt: () => void, name: string): string {
  try {
    attempt();
    return 'a result';
  } catch (error) {
    if (DataManagerError.is(error) && allowed.has(error.code)) return error.code;
    throw new Error(`${name}: ${(error as Error).stack}`, { cause: error });
  }
}
