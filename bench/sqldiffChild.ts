import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compareByBestForm } from '../src/core/sqldiff/compareByPages';
import type { DiffRequest } from '../src/core/sqldiff/diffEngine';
import { createSecondReader } from '../src/core/sqldiff/secondReader';
import { BlockIndexBuilder, writeBlockIndex } from '../src/core/store/blockIndex';
import { hashFile } from '../src/core/store/hashFile';

const secondReader = availableParallelism() > 1 ? createSecondReader(join(__dirname, 'reader.js')) : undefined;

/**
 * One comparison in a process of its own: writes the SQL patch to stdout as `sqldiff` does. With a count, it compares that
 * many times and writes each run's milliseconds instead: what a worker that stays needs, without and with block indexes, which
 * are read and checked in each run as the worker does.
 */
async function compare(
  before: string,
  after: string,
  onText: (piece: string) => void,
  blockIndexes?: DiffRequest['blockIndexes'],
): Promise<void> {
  const labels = { before: 'before', after: 'after' };
  const hooks = { isCancelled: () => false, onProgress: () => undefined, onText };
  const noSql = (): never => {
    throw new Error('The pages of these files should be enough.');
  };
  const request: DiffRequest = { before, after, labels, blockIndexes, output: { kind: 'sql' } };
  await compareByBestForm(request, hooks, { tempFolder: tmpdir(), secondReader }, noSql);
}

/** A file as a cache keeps it, named by its hash, with its block index beside it. */
async function cached(path: string, folder: string): Promise<string> {
  const builder = new BlockIndexBuilder();
  const { sha256 } = await hashFile({ path, onPiece: (piece) => builder.add(piece) });
  const entry = join(folder, sha256);
  await symlink(resolve(path), entry);
  if (!(await writeBlockIndex(`${entry}.idx`, builder.finish(sha256))))
    throw new Error('An index could not be written.');
  return entry;
}

async function main([before = '', after = '', repeats]: readonly string[]): Promise<void> {
  if (repeats === undefined) {
    await compare(before, after, (piece) => {
      const bytes = Buffer.from(piece);
      for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
    });
    return;
  }
  const repeat = async (older: string, newer: string, indexes?: DiffRequest['blockIndexes']): Promise<number[]> => {
    const times: number[] = [];
    for (let i = 0; i < Number(repeats); i++) {
      const start = performance.now();
      const hash = createHash('sha256');
      await compare(older, newer, (piece) => hash.update(piece), indexes);
      times.push(performance.now() - start);
    }
    return times;
  };
  const plain = await repeat(before, after);
  const folder = await mkdtemp(join(tmpdir(), 'datamanager-bench-'));
  try {
    const [older, newer] = [await cached(before, folder), await cached(after, folder)];
    const indexed = await repeat(older, newer, { before: `${older}.idx`, after: `${newer}.idx` });
    process.stdout.write(JSON.stringify({ plain, indexed }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

void main(process.argv.slice(2)).then(() => {
  process.stderr.write(`\npeak ${process.resourceUsage().maxRSS}\n`);
});
