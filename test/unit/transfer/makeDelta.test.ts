import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { applyDelta } from '../../../src/core/transfer/applyDelta';
import { type MadeDelta, makeDelta } from '../../../src/core/transfer/makeDelta';
import { filePair } from '../../support/filePair';
import { randomNumbers } from '../../support/randomPair';
import { tempDir } from '../../support/tempDir';

const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const contentsOf = (bytes: Uint8Array) => ({ size: bytes.length, sha256: shaOf(bytes) });
const failsWith = (code: ErrorCode) => (error: unknown) => DataManagerError.is(error, code);

describe('makeDelta and applyDelta', () => {
  let folder: string;
  let made = 0;

  before(() => {
    folder = tempDir();
  });

  function place(bytes: Uint8Array): string {
    const path = join(folder, `file${made++}`);
    writeFileSync(path, bytes);
    return path;
  }

  async function deltaOf(basePath: string, targetPath: string, maxBytes = 1e9): Promise<MadeDelta & { path: string }> {
    const path = join(folder, `delta${made++}`);
    const base = { path: basePath, sha256: shaOf(readFileSync(basePath)) };
    return { ...(await makeDelta({ base, target: { path: targetPath }, deltaPath: path, maxBytes })), path };
  }

  async function applied(basePath: string, delta: { path: string } | { bytes: Uint8Array }, target: Uint8Array) {
    const outputPath = join(folder, `out${made++}`);
    const base = { path: basePath, ...contentsOf(readFileSync(basePath)) };
    await applyDelta({ base, delta, target: contentsOf(target), outputPath, durable: made % 50 === 0 });
    const output = readFileSync(outputPath);
    rmSync(outputPath);
    return output;
  }

  /** Makes, checks everything that was promised, applies, and gives the size of the delta. */
  async function roundTrip(base: Uint8Array, target: Uint8Array, story = ''): Promise<number> {
    const basePath = place(base);
    const delta = await deltaOf(basePath, place(target));
    const bytes = readFileSync(delta.path);
    assert.deepEqual(delta.target, contentsOf(target), story);
    assert.deepEqual(delta.delta, contentsOf(bytes), story);
    assert.ok((await applied(basePath, { path: delta.path }, target)).equals(target), story);
    for (const { targetOffset, baseOffset, length } of delta.matches) {
      const there = base.subarray(baseOffset, baseOffset + length);
      assert.ok(Buffer.from(target.subarray(targetOffset, targetOffset + length)).equals(there), story);
    }
    return bytes.length;
  }

  it('rebuild the target from the base, whatever was edited', async () => {
    for (let seed = 0; seed < 400; seed++) {
      const { base, target, story } = filePair(seed);
      const size = await roundTrip(base, target, `seed ${seed}: ${story.join('; ')}`);
      // Noise packs to itself and a little more: a delta is never a disaster.
      assert.ok(size <= target.length * 1.02 + 1000, `seed ${seed}: ${size} for ${target.length}: ${story.join('; ')}`);
    }
  }).timeout(60_000);

  it('need next to nothing for equal files, few edited bytes, and moved content', async () => {
    const base = randomBytes(3_000_000);
    assert.ok((await roundTrip(base, base)) < 200);

    const edited = Buffer.from(base);
    for (let at = 5000; at < edited.length; at += 50_000) edited[at] = (edited[at] as number) ^ 1;
    assert.ok((await roundTrip(base, edited)) < 1000);

    const shifted = Buffer.concat([base.subarray(0, 1_000_000), Buffer.from('one row\n'), base.subarray(1_000_000)]);
    assert.ok((await roundTrip(base, shifted)) < 300);

    // More than is kept of the base at any moment.
    const large = randomBytes(24_000_000);
    const turned = Buffer.concat([
      large.subarray(17_000_000),
      large.subarray(1_000_000, 17_000_000),
      large.subarray(0, 999_999),
    ]);
    assert.ok((await roundTrip(large, turned)) < 600);
  });

  it('find what both files share in stretches of at least 5 MiB, also where it moved', async () => {
    const base = randomBytes(13 << 20);
    const between = randomBytes(5000);
    // Once in a hundred times the stretches would go on into it by a byte.
    between[0] = (base[6 << 20] ?? 0) ^ 1;
    between[4999] = (base[(7 << 20) - 1] ?? 0) ^ 1;
    const target = Buffer.concat([Buffer.from('header\n'), base.subarray(0, 6 << 20), between, base.subarray(7 << 20)]);
    const { matches, delta } = await deltaOf(place(base), place(target));
    assert.deepEqual(matches, [
      { targetOffset: 7, baseOffset: 0, length: 6 << 20 },
      { targetOffset: 7 + (6 << 20) + 5000, baseOffset: 7 << 20, length: 6 << 20 },
    ]);
    assert.ok((delta?.size ?? 0) < 5500);
  });

  describe('of a SQLite database', () => {
    let original: string;
    const sql = (path: string, text: string) => execFileSync('sqlite3', [path, text], { encoding: 'utf8' });
    const changed = (text: string): string => {
      const path = join(folder, `changed${made++}`);
      copyFileSync(original, path);
      sql(path, text);
      return path;
    };
    const rows = (first: number, last: number) => `
      WITH RECURSIVE n(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i < ${last})
      INSERT INTO t SELECT i, hex(zeroblob(4)) || (i * 7919 % 100003), i / 7.0, 'note ' || (i * 104729 % 1000003) FROM n;`;

    before(() => {
      original = join(folder, 'before.sqlite');
      sql(
        original,
        `CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v REAL, note TEXT); BEGIN; ${rows(1, 60_000)} COMMIT;
        CREATE INDEX tk ON t(k); CREATE INDEX tn ON t(note); VACUUM;`,
      );
    });

    const cases: [string, string, number][] = [
      ['scattered updates', 'UPDATE t SET v = v + 1 WHERE id % 1000 = 3', 0.001],
      ['appended rows with two random indexes', rows(60_001, 60_060), 0.01],
      ['one row deleted, then VACUUM', 'DELETE FROM t WHERE id = 77; VACUUM', 0.02],
      ['one row in a hundred deleted, then VACUUM', 'DELETE FROM t WHERE id % 100 = 7; VACUUM', 0.04],
      ['another page size', 'PRAGMA page_size = 1024; VACUUM', 0.2],
    ];
    for (const [name, text, share] of cases) {
      it(`takes at most ${share * 100} % of it for ${name}`, async () => {
        const after = changed(text);
        const size = await roundTrip(readFileSync(original), readFileSync(after), name);
        assert.ok(size <= share * statSync(after).size, `${size} of ${statSync(after).size}`);
      });
    }
  });

  it('give up, and leave no file, when the delta would be larger than it may', async () => {
    const [base, target] = [randomBytes(400_000), randomBytes(400_000)];
    const given = await deltaOf(place(base), place(target), 100_000);
    assert.equal(given.delta, null);
    assert.deepEqual(given.target, contentsOf(target));
    assert.ok(!existsSync(given.path));
    assert.ok((await deltaOf(place(base), place(target), 450_000)).delta);

    const path = join(folder, `delta${made++}`);
    const options = { base: { path: place(base), sha256: shaOf(base) }, deltaPath: path };
    assert.equal(
      (await makeDelta({ ...options, target: { path: place(target) } })).delta,
      null,
      'a quarter by default',
    );
  });

  it('give up as soon as that is certain', async () => {
    const [base, target] = [randomBytes(1 << 20), randomBytes(30 << 20)];
    let done = 0;
    const onProgress = (progress: { done: number }) => {
      // The last report says that all is over; what counts is how far the search went.
      if (progress.done < 2 * target.length) done = progress.done - target.length;
    };
    const options = { base: { path: place(base), sha256: shaOf(base) }, target: { path: place(target) } };
    const deltaPath = join(folder, `delta${made++}`);
    assert.equal((await makeDelta({ ...options, deltaPath, maxBytes: 100_000, onProgress })).delta, null);
    assert.ok(done < target.length / 2, `${done} of ${target.length} were searched`);
  });

  it('write a delta from bytes as from a file', async () => {
    const { base, target } = filePair(7);
    const basePath = place(base);
    const { path } = await deltaOf(basePath, place(target));
    assert.ok((await applied(basePath, { bytes: readFileSync(path) }, target)).equals(target));
  });

  it('say which of the two versions does not fit', async () => {
    const base = randomBytes(50_000);
    const target = Buffer.concat([base, Buffer.from('more')]);
    const { path } = await deltaOf(place(base), place(target));
    const other = Buffer.from(base).fill(0, 100, 200);
    await assert.rejects(applied(place(other), { path }, target), failsWith('DELTA_INVALID'));
    await assert.rejects(applied(place(base), { path }, other), failsWith('DELTA_INVALID'));

    const outputPath = join(folder, `out${made++}`);
    const run = async (basePath: string) => {
      const known = { path: basePath, ...contentsOf(base) };
      await applyDelta({ base: known, delta: { path }, target: contentsOf(target), outputPath });
    };
    await assert.rejects(run(place(other)), failsWith('HASH_MISMATCH'));
    await assert.rejects(run(place(base.subarray(1))), failsWith('HASH_MISMATCH'));
    await assert.rejects(run(join(folder, 'nowhere')), failsWith('FILE_NOT_FOUND'));
    assert.ok(!existsSync(outputPath), 'a failure leaves nothing');
    await run(place(base));
    await assert.rejects(run(place(base)), failsWith('OUTPUT_UNWRITABLE'));
    assert.ok(readFileSync(outputPath).equals(target), 'what was there stays');
  });

  it('trust a SHA-256 of the target that is known, and find out in the end if it is wrong', async () => {
    const [base, target] = [randomBytes(10_000), randomBytes(10_000)];
    const [basePath, targetPath] = [place(base), place(target)];
    const make = (sha256: string) => {
      const deltaPath = join(folder, `delta${made++}`);
      const known = { path: basePath, sha256: shaOf(base) };
      return makeDelta({ base: known, target: { path: targetPath, sha256 }, deltaPath, maxBytes: 1e6 }).then(
        () => deltaPath,
      );
    };
    assert.ok((await applied(basePath, { path: await make(shaOf(target)) }, target)).equals(target));
    const wrong = await make(shaOf(base));
    const options = { base: { path: basePath, ...contentsOf(base) }, delta: { path: wrong } };
    const announced = { size: target.length, sha256: shaOf(base) };
    await assert.rejects(
      applyDelta({ ...options, target: announced, outputPath: join(folder, `out${made++}`) }),
      failsWith('HASH_MISMATCH'),
    );
  });

  it('refuse what is no file, and never overwrite', async () => {
    const path = place(randomBytes(10));
    const make = (basePath: string, targetPath: string, deltaPath: string) =>
      makeDelta({ base: { path: basePath, sha256: shaOf(Buffer.alloc(0)) }, target: { path: targetPath }, deltaPath });
    const free = join(folder, 'free');
    await assert.rejects(make(join(folder, 'nowhere'), path, free), failsWith('FILE_NOT_FOUND'));
    await assert.rejects(make(path, folder, free), failsWith('FILE_NOT_REGULAR'));
    await assert.rejects(make(path, path, path), failsWith('OUTPUT_UNWRITABLE'));
    assert.equal(statSync(path).size, 10);
    assert.ok(!existsSync(free));
  });

  it('notice that the target changes meanwhile', async () => {
    const [base, target] = [place(randomBytes(3_000_000)), place(randomBytes(3_000_000))];
    const deltaPath = join(folder, `delta${made++}`);
    let appended = false;
    const onProgress = () => {
      if (!appended) appendFileSync(target, 'more');
      appended = true;
    };
    const options = { base: { path: base, sha256: shaOf(readFileSync(base)) }, target: { path: target }, deltaPath };
    await assert.rejects(makeDelta({ ...options, maxBytes: 1e9, onProgress }), failsWith('FILE_CHANGED'));
    assert.ok(!existsSync(deltaPath));
  });

  it('show progress that rises to its total', async () => {
    const base = randomBytes(3_000_000);
    const target = Buffer.concat([base.subarray(1000), base.subarray(0, 5)]);
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number | null }) => seen.push(done / (total as number));
    const basePath = place(base);
    const deltaPath = join(folder, `delta${made++}`);
    await makeDelta({
      base: { path: basePath, sha256: shaOf(base) },
      target: { path: place(target) },
      deltaPath,
      onProgress,
    });
    const first = seen.splice(0);
    const known = { base: { path: basePath, ...contentsOf(base) }, target: contentsOf(target) };
    await applyDelta({ ...known, delta: { path: deltaPath }, outputPath: join(folder, `out${made++}`), onProgress });
    for (const shares of [first, seen]) {
      assert.equal(shares.at(-1), 1);
      assert.ok(shares.every((share, i) => share >= (shares[i - 1] ?? 0) && share <= 1));
    }
  });

  it('stop within 300 ms of being cancelled, and leave no delta', async () => {
    const random = randomNumbers(1);
    const word = () => Math.floor(random() * 1e6).toString(36);
    const line = () => `${word()},region ${word()},${word()}\n`;
    const lines = Array.from({ length: 400_000 }, line);
    const base = Buffer.from(lines.join(''));
    const target = Buffer.from([...lines.slice(5), ...Array.from({ length: 100_000 }, line)].join(''));
    const [basePath, targetPath] = [place(base), place(target)];
    const shaOfBase = shaOf(base);
    /** Milliseconds until a cancelled run is over. */
    const cancelled = async (run: (signal: AbortSignal) => Promise<unknown>, delay: number): Promise<number> => {
      const controller = new AbortController();
      const running = run(controller.signal).catch((error: unknown) => {
        if (!DataManagerError.is(error, 'CANCELLED')) throw error;
      });
      await new Promise((resolve) => setTimeout(resolve, delay));
      const asked = performance.now();
      controller.abort();
      await running;
      return performance.now() - asked;
    };
    const timed = async (run: (signal: AbortSignal) => Promise<unknown>, delays: readonly number[]) => {
      for (const delay of delays) {
        let took = Number.POSITIVE_INFINITY;
        // On a machine that is busy with something else, one slow run proves nothing.
        for (let attempt = 0; attempt < 3 && took >= 300; attempt++) took = await cancelled(run, delay);
        assert.ok(took < 300, `${took} ms after ${delay} ms`);
      }
    };
    await timed(
      async (signal) => {
        const deltaPath = join(folder, `delta${made++}`);
        const options = { base: { path: basePath, sha256: shaOfBase }, target: { path: targetPath }, maxBytes: 1e9 };
        await makeDelta({ ...options, deltaPath, signal }).catch((error: unknown) => {
          assert.ok(!existsSync(deltaPath));
          throw error;
        });
      },
      [0, 5, 20, 50, 100, 200, 400],
    );

    const { path } = await deltaOf(basePath, targetPath);
    const [fromBase, toTarget] = [{ path: basePath, ...contentsOf(base) }, contentsOf(target)];
    await timed(
      async (signal) => {
        const known = { base: fromBase, target: toTarget, delta: { path } };
        const outputPath = join(folder, `out${made++}`);
        await applyDelta({ ...known, outputPath, signal }).finally(() => rmSync(outputPath, { force: true }));
      },
      [0, 2, 10, 30],
    );
  }).timeout(30_000);
});
