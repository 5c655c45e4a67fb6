import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { answerDiff } from '../src/core/sqldiff/answerDiff';
import { preparePagedDiff } from '../src/core/sqldiff/pagedDiff';
import { PageFile } from '../src/core/sqldiff/pages/pageFile';

/**
 * One comparison in a process of its own: writes the SQL patch to stdout as `sqldiff` does. With a count, it compares that
 * many times and writes each run's milliseconds instead: what a worker that stays needs.
 */
function compare(before: string, after: string, onText: (piece: string) => void): void {
  const older = PageFile.open(before);
  const newer = PageFile.open(after);
  const prepared = preparePagedDiff({ before: older, after: newer, tempFolder: tmpdir() });
  const labels = { before: 'before', after: 'after' };
  answerDiff(prepared.events(), prepared.schemas, { labels, output: { kind: 'sql' } }, onText);
  older?.close();
  newer?.close();
}

const [before = '', after = '', repeats] = process.argv.slice(2);
if (repeats === undefined) {
  compare(before, after, (piece) => {
    const bytes = Buffer.from(piece);
    for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
  });
} else {
  const times: number[] = [];
  for (let i = 0; i < Number(repeats); i++) {
    const start = performance.now();
    const hash = createHash('sha256');
    compare(before, after, (piece) => hash.update(piece));
    times.push(performance.now() - start);
  }
  process.stdout.write(JSON.stringify(times));
}
process.stderr.write(`\npeak ${process.resourceUsage().maxRSS}\n`);
