import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { contentHash } from '../../../src/core/sqldiff/contentHash';
import { preparePagedDiff } from '../../../src/core/sqldiff/pagedDiff';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
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
    assert.ok(process.memoryUsage.rss() < 500 * 2 ** 20, 'with the sql.js that made the files');
    assert.ok((outcomes.get('SQLITE_DAMAGED') ?? 0) > fileCount / 4, JSON.stringify([...outcomes]));
    assert.ok((outcomes.get('a result') ?? 0) > fileCount / 20, JSON.stringify([...outcomes]));
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

/** Breaks a file in one to four ways, mostly where structure is. */
function damage(bytes: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pageSize = bytes.readUInt16BE(16) === 1 ? 65536 : bytes.readUInt16BE(16);
  const pages = Math.floor(bytes.length / pageSize);
  let result = bytes;
  for (let times = 1 + below(4); times > 0; times--) {
    const page = below(pages) * pageSize;
    const header = page === 0 ? 100 : page;
    const at = Math.min(result.length - 8, header + below(Math.min(64, pageSize - 108)));
    if (at < 0) return result;
    switch (below(9)) {
      case 0:
        result[at] = below(256);
        break;
      case 1:
        result.writeUInt32BE(1 + below(pages + 2), at);
        break;
      case 2:
        result.fill(0xff, at, at + 1 + below(8));
        break;
      case 3:
        result = Buffer.from(result.subarray(0, below(result.length)));
        if (result.length < 8) return result;
        break;
      case 4:
        result.writeUInt16BE(below(65536), Math.min(result.length - 8, header + 3));
        break;
      case 5: {
        const from = below(pages) * pageSize;
        if (page > 0 && from < result.length) result.copy(result, page, from, from + pageSize);
        break;
      }
      case 6:
        result[Math.min(result.length - 8, header)] = [2, 5, 10, 13, 0][below(5)] as number;
        break;
      case 7:
        result[16 + below(84)] = below(256);
        break;
      default:
        result[below(result.length)] = below(256);
    }
  }
  return result;
}
