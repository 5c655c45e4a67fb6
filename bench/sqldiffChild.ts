import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { answerDiff } from '../src/core/sqldiff/answerDiff';
import { commonBlocks, indexedBlock } from '../src/core/sqldiff/pageCompare';
import { preparePagedDiff } from '../src/core/sqldiff/pagedDiff';
import { PageFile } from '../src/core/sqldiff/pages/pageFile';

/**
 * One comparison in a process of its own: writes the SQL patch to stdout as `sqldiff` does. With a count, it compares that
 * many times and writes each run's milliseconds instead: what a worker that stays needs, without and with block indexes.
 */
function compare(
  before: string,
  after: string,
  onText: (piece: string) => void,
  index?: { readonly before: Uint8Array; readonly after: Uint8Array },
): void {
  const older = PageFile.open(before);
  const newer = PageFile.open(after);
  const equalBlocks = index && commonBlocks(index.before, index.after, hashBytes);
  const prepared = preparePagedDiff({ before: older, after: newer, tempFolder: tmpdir(), equalBlocks });
  const labels = { before: 'before', after: 'after' };
  answerDiff(prepared.events(), prepared.schemas, { labels, output: { kind: 'sql' } }, onText);
  older?.close();
  newer?.close();
}

const hashBytes = 16;

/** What a cache keeps beside a version: the start of the SHA-256 of each block. */
function blockIndex(path: string): Uint8Array {
  const block = Buffer.alloc(indexedBlock);
  const hashes: Buffer[] = [];
  const file = openSync(path, 'r');
  for (;;) {
    const length = readSync(file, block, 0, indexedBlock, hashes.length * indexedBlock);
    if (length === 0) break;
    hashes.push(createHash('sha256').update(block.subarray(0, length)).digest().subarray(0, hashBytes));
  }
  closeSync(file);
  return Buffer.concat(hashes);
}

const [before = '', after = '', repeats] = process.argv.slice(2);
if (repeats === undefined) {
  compare(before, after, (piece) => {
    const bytes = Buffer.from(piece);
    for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
  });
} else {
  const repeat = (index?: Parameters<typeof compare>[3]): number[] => {
    const times: number[] = [];
    for (let i = 0; i < Number(repeats); i++) {
      const start = performance.now();
      const hash = createHash('sha256');
      compare(before, after, (piece) => hash.update(piece), index);
      times.push(performance.now() - start);
    }
    return times;
  };
  const plain = repeat();
  const indexed = repeat({ before: blockIndex(before), after: blockIndex(after) });
  process.stdout.write(JSON.stringify({ plain, indexed }));
}
process.stderr.write(`\npeak ${process.resourceUsage().maxRSS}\n`);
