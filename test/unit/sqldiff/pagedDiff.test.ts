import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import type { DiffEvent } from '../../../src/core/sqldiff/model';
import { preparePagedDiff } from '../../../src/core/sqldiff/pagedDiff';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
import type { SqlJs } from '../../../src/core/sqldiff/sqlJs';
import { assertExact, openWitness } from '../../support/exactness';
import { randomPair } from '../../support/randomPair';
import { newSqlJs } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const pairCount = Number(process.env.DATAMANAGER_DIFF_PAIRS ?? 300);
const firstSeed = Number(process.env.DATAMANAGER_DIFF_SEED ?? 1);

describe('pagedDiff', function () {
  this.timeout(0);
  let folder: string;

  before(() => {
    folder = tempDir();
  });

  function eventsOf(before: string | null, after: string, keys?: Readonly<Record<string, readonly string[]>>): DiffEvent[] {
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
        for (const [file, witness] of [[a, older], [b, newer]] as const) {
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
        failures.push(`seed ${seed}: ${(error as Error).message.slice(0, 600)}\n    ${pair.story.filter((line) => line.length < 300).slice(-14).join('\n    ')}`);
        if (process.env.DATAMANAGER_DIFF_STACK) throw error;
      }
      older.database.connection.close();
      newer.database.connection.close();
    }
    assert.ok(left <= pairCount / 20, `${left} left to SQLite`);
    assert.equal(failures.length, 0, `${failures.length} failed\n${failures.slice(0, 8).join('\n')}`);
  });
});
