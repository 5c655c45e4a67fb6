import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { blockHashBytes, indexedBlock } from '../../../src/core/store/blockIndex';
import { planUpload, type UploadPlan } from '../../../src/core/transfer/copyPlan';
import { type IndexedFile, matchesOfIndexes } from '../../../src/core/transfer/indexMatches';
import type { Match } from '../../../src/core/transfer/match';
import { chooseDownload, planRanges, type RangePlan } from '../../../src/core/transfer/rangePlan';
import { filePair } from '../../support/filePair';
import { randomNumbers } from '../../support/randomPair';

const MIB = 1 << 20;
const GIB = 1 << 30;

function indexed(bytes: Buffer): IndexedFile {
  const leaves: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += indexedBlock) {
    const block = bytes.subarray(at, at + indexedBlock);
    leaves.push(createHash('sha256').update(block).digest().subarray(0, blockHashBytes));
  }
  return { size: bytes.length, leaves: Buffer.concat(leaves) };
}

describe('matchesOfIndexes', () => {
  it('finds only what is equal, and every equal block', () => {
    for (let seed = 0; seed < 150; seed++) {
      const { base, target, story } = filePair(seed);
      const matches = matchesOfIndexes(indexed(base), indexed(target));
      let done = 0;
      for (const { targetOffset, baseOffset, length } of matches) {
        assert.ok(targetOffset >= done && length > 0, story.join('; '));
        done = targetOffset + length;
        assert.ok(done <= target.length && baseOffset + length <= base.length, story.join('; '));
        assert.ok(
          target.subarray(targetOffset, done).equals(base.subarray(baseOffset, baseOffset + length)),
          story.join('; '),
        );
      }
      const known = new Set(
        Array.from({ length: Math.ceil(base.length / indexedBlock) }, (_, i) =>
          base.toString('latin1', i * indexedBlock, (i + 1) * indexedBlock),
        ),
      );
      for (let at = 0; at < target.length; at += indexedBlock) {
        if (!known.has(target.toString('latin1', at, at + indexedBlock))) continue;
        assert.ok(
          matches.some((match) => match.targetOffset <= at && match.targetOffset + match.length > at),
          story.join('; '),
        );
      }
    }
  });

  it('prefers to go on where it is, and the same place, when blocks repeat', () => {
    const base = Buffer.concat([Buffer.alloc(20 * indexedBlock), randomBytes(indexedBlock + 9)]);
    const whole = [{ targetOffset: 0, baseOffset: 0, length: base.length }];
    assert.deepEqual(matchesOfIndexes(indexed(base), indexed(base)), whole);
    const target = Buffer.from(base);
    target[5 * indexedBlock + 3] = 1;
    assert.equal(matchesOfIndexes(indexed(base), indexed(target)).length, 2);
    assert.deepEqual(matchesOfIndexes(indexed(Buffer.alloc(0)), indexed(base)), []);
    assert.deepEqual(matchesOfIndexes(indexed(base), indexed(Buffer.alloc(0))), []);
  });
});

describe('planUpload', () => {
  /** What every plan has to be, whatever it is for. */
  function check(plan: UploadPlan, size: number, baseSize: number, matches: readonly Match[]): void {
    assert.equal(plan.bytesSent + plan.bytesCopied, size);
    assert.match(plan.reason, /^[A-Z0-9].*\.$/);
    if (plan.kind === 'put') {
      assert.deepEqual([plan.parts.length, plan.requests, plan.bytesSent], [0, 1, size]);
      return;
    }
    assert.ok(plan.parts.length <= 10_000 && plan.partBytes >= 5 * MIB && plan.partBytes % MIB === 0);
    let at = 0;
    let copied = 0;
    for (const [i, part] of plan.parts.entries()) {
      assert.equal(part.number, i + 1);
      assert.equal(part.offset, at);
      // R2 refuses an upload of which any part but the last has another length.
      if (i < plan.parts.length - 1) assert.equal(part.length, plan.partBytes);
      else assert.ok(part.length > 0 && part.length <= plan.partBytes);
      at += part.length;
      if (part.kind === 'send') continue;
      copied += part.length;
      const { first, last } = part.from;
      assert.equal(last - first + 1, part.length);
      assert.ok(first >= 0 && last < baseSize);
      const shift = first - part.offset;
      const covered = matches.filter(
        (match) =>
          match.baseOffset - match.targetOffset === shift &&
          match.targetOffset < part.offset + part.length &&
          match.targetOffset + match.length > part.offset,
      );
      const bytes = covered.reduce(
        (sum, match) =>
          sum +
          Math.min(match.targetOffset + match.length, part.offset + part.length) -
          Math.max(match.targetOffset, part.offset),
        0,
      );
      assert.equal(bytes, part.length, 'a copied part is equal from end to end');
    }
    assert.equal(at, size);
    assert.equal(plan.bytesCopied, copied);
    assert.equal(plan.kind === 'copy', copied > 0);
  }

  function planned(size: number, baseSize: number, matches: readonly Match[]): UploadPlan {
    const plan = planUpload({ size, base: { size: baseSize, matches } });
    check(plan, size, baseSize, matches);
    return plan;
  }

  const same = (offset: number, length: number): Match => ({ targetOffset: offset, baseOffset: offset, length });

  it('keeps its promises for any sizes and matches', () => {
    const random = randomNumbers(3);
    const below = (limit: number) => Math.floor(random() * limit);
    const kinds = new Set<string>();
    for (let i = 0; i < 1500; i++) {
      const size = below(2) ? below(12 * MIB) : below(2 * GIB);
      const baseSize = below(2) ? below(12 * MIB) : below(2 * GIB);
      const matches: Match[] = [];
      for (let at = below(8) ? 0 : below(MIB); at < size; ) {
        const length = Math.min(size - at, 1 + below(below(2) ? 30 * MIB : 300 * MIB));
        const baseOffset = below(3) ? at : below(baseSize + 1);
        if (below(4)) matches.push({ targetOffset: at, baseOffset, length });
        at += length + (below(2) ? 0 : below(10 * MIB));
      }
      kinds.add(planned(size, baseSize, matches).kind);
    }
    assert.deepEqual([...kinds].sort(), ['copy', 'multipart', 'put']);
  });

  it('sends only the parts that changed of a database', () => {
    const size = GIB + 4096;
    const plan = planned(size, size, [same(0, 300 * MIB), same(301 * MIB, size - 301 * MIB)]);
    assert.equal(plan.kind, 'copy');
    assert.equal(plan.partBytes, 5 * MIB);
    assert.deepEqual(
      plan.parts.filter(({ kind }) => kind === 'send').map(({ number }) => number),
      [61],
    );
    assert.equal(plan.bytesSent, 5 * MIB);
    assert.equal(plan.parts.at(-1)?.length, 4 * MIB + 4096);
  });

  it('copies shifted parts: one row inserted in a CSV file sends one part', () => {
    const plan = planned(47_800_050, 47_800_000, [
      same(0, 20_000_000),
      { targetOffset: 20_000_050, baseOffset: 20_000_000, length: 27_800_000 },
    ]);
    assert.equal(plan.bytesSent, 5 * MIB);
    const moved = plan.parts[5];
    assert.deepEqual(moved?.kind === 'copy' && moved.from, { first: 25 * MIB - 50, last: 30 * MIB - 51 });
  });

  it('copies no part of which a single byte is missing', () => {
    const size = 40 * MIB;
    const sentOf = (offset: number, length: number) =>
      planned(size, size, [same(offset, length)])
        .parts.filter(({ kind }) => kind === 'send')
        .map(({ number }) => number);
    assert.deepEqual(sentOf(5 * MIB, 30 * MIB), [1, 8]);
    assert.deepEqual(sentOf(5 * MIB + 1, 30 * MIB), [1, 2, 8]);
    assert.deepEqual(sentOf(5 * MIB, 30 * MIB - 1), [1, 7, 8]);
  });

  it('joins matches that continue each other, and cuts what lies beyond the base', () => {
    const halves = [same(0, 7 * MIB), same(7 * MIB, 13 * MIB)];
    assert.equal(planned(20 * MIB, 20 * MIB, halves).bytesSent, 0);
    assert.equal(planned(20 * MIB, 18 * MIB, [same(0, 20 * MIB)]).bytesSent, 5 * MIB);
  });

  it('sends all when the changes are everywhere, or the base is gone, too small, or of little use', () => {
    const size = 100 * MIB;
    const scattered = Array.from({ length: 100 }, (_, i) => same(i * MIB, MIB - 4096));
    const cases: [UploadPlan, RegExp][] = [
      [planned(size, size, scattered), /whole in 13 parts, as the changes are spread/],
      [planned(size, size, [same(0, 6 * MIB)]), /too little of it is unchanged/],
      [planned(size, 5 * MIB, [same(0, 5 * MIB)]), /so small an object/],
      [planUpload({ size, base: null }), /whole in 13 parts\.$/],
    ];
    for (const [plan, reason] of cases) {
      assert.equal(plan.kind, 'multipart');
      assert.equal(plan.partBytes, 8 * MIB);
      assert.equal(plan.requests, 15);
      assert.match(plan.reason, reason);
    }
  });

  it('puts a small object in one request', () => {
    for (const size of [0, 1, 5 * MIB]) assert.equal(planned(size, size, [same(0, size)]).kind, 'put');
    assert.equal(planUpload({ size: 8 * MIB, base: null }).kind, 'put');
    assert.equal(planUpload({ size: 8 * MIB + 1, base: null }).parts.length, 2);
    assert.equal(planned(7 * MIB, 7 * MIB, [same(0, 6 * MIB)]).bytesSent, 2 * MIB);
  });

  it('stays within 10,000 parts: beyond 48.8 GiB they grow by whole MiB', () => {
    const size = 100 * GIB;
    const plan = planned(size, size, [same(0, size - 1)]);
    assert.equal(plan.partBytes, 11 * MIB);
    assert.equal(plan.kind, 'copy');
    assert.equal(planned(48 * GIB, size, [same(0, 48 * GIB)]).partBytes, 5 * MIB);
  });
});

describe('planRanges', () => {
  function build(plan: RangePlan, base: Buffer, object: Buffer): Buffer {
    const built = Buffer.alloc(object.length, 0xee);
    for (const { targetOffset, baseOffset, length } of plan.copy)
      base.copy(built, targetOffset, baseOffset, baseOffset + length);
    for (const { first, last } of plan.fetch) object.copy(built, first, first, last + 1);
    return built;
  }

  it('gives the whole file once, byte by byte, for any pair', () => {
    for (let seed = 0; seed < 150; seed++) {
      const { base, target, story } = filePair(seed);
      const plan = planRanges(target.length, matchesOfIndexes(indexed(base), indexed(target)));
      assert.ok(build(plan, base, target).equals(target), story.join('; '));
      const fetched = plan.fetch.reduce((sum, { first, last }) => sum + last - first + 1, 0);
      const copied = plan.copy.reduce((sum, { length }) => sum + length, 0);
      assert.deepEqual([plan.bytesFetched, plan.bytesCopied], [fetched, copied]);
      assert.equal(fetched + copied, target.length);
    }
  });

  it('fetches ranges as one across gaps of up to 256 KiB', () => {
    const at = (offset: number, length: number): Match => ({ targetOffset: offset, baseOffset: offset, length });
    const kib = 1024;
    const joined = planRanges(1000 * kib, [at(64 * kib, 256 * kib)]);
    assert.deepEqual(joined.fetch, [{ first: 0, last: 1000 * kib - 1 }]);
    assert.deepEqual(joined.copy, [], 'what comes with a range is not copied as well');
    const apart = planRanges(1000 * kib, [at(64 * kib, 257 * kib)]);
    assert.deepEqual(apart.fetch, [
      { first: 0, last: 64 * kib - 1 },
      { first: 321 * kib, last: 1000 * kib - 1 },
    ]);
    assert.equal(apart.requests, 2);
    // A short match before the first range, or after the last one, is copied: no fetching joins over it.
    const middle = planRanges(1000 * kib, [at(0, 64 * kib), at(128 * kib, 872 * kib)]);
    assert.deepEqual(middle.fetch, [{ first: 64 * kib, last: 128 * kib - 1 }]);
    assert.equal(middle.copy.length, 2);
    assert.deepEqual(planRanges(0, []), { fetch: [], copy: [], bytesFetched: 0, bytesCopied: 0, requests: 0 });
    assert.equal(planRanges(20 * MIB, []).requests, 3);
  });
});

describe('chooseDownload', () => {
  const size = 100 * MIB;
  const ranges = (bytesFetched: number, requests: number): RangePlan => ({
    fetch: [],
    copy: [],
    bytesFetched,
    bytesCopied: size - bytesFetched,
    requests,
  });
  const facts = { size, local: false, deltas: null, ranges: null };

  it('takes what is at hand, then what costs least', () => {
    const kindOf = (more: Partial<Parameters<typeof chooseDownload>[0]>) => chooseDownload({ ...facts, ...more }).kind;
    assert.equal(kindOf({ local: true, deltas: [1] }), 'local');
    assert.equal(kindOf({}), 'full');
    assert.equal(kindOf({ deltas: [25_000], ranges: ranges(6 * MIB, 40) }), 'delta');
    assert.equal(kindOf({ deltas: [20 * MIB], ranges: ranges(6 * MIB, 40) }), 'ranges');
    assert.equal(kindOf({ ranges: ranges(size, 13) }), 'full', 'nothing at hand');
    assert.equal(kindOf({ ranges: ranges(60 * MIB, 700) }), 'full', 'so many requests cost more than they save');
  });

  it('bounds chains of deltas: 8 hops, a quarter of the size', () => {
    const kindOf = (deltas: number[]) => chooseDownload({ ...facts, deltas }).kind;
    assert.equal(kindOf(Array<number>(8).fill(1000)), 'delta');
    assert.equal(kindOf(Array<number>(9).fill(1000)), 'full');
    assert.equal(kindOf([25 * MIB]), 'delta');
    assert.equal(kindOf([25 * MIB, 1]), 'full');
    assert.equal(kindOf([]), 'full');
  });

  it('says what it will cost, and why', () => {
    assert.deepEqual(chooseDownload({ ...facts, deltas: [1000, 500] }), {
      kind: 'delta',
      bytes: 1500,
      requests: 2,
      reason: 'Only the changes of 2 versions since a version at hand are fetched.',
    });
    assert.deepEqual([chooseDownload(facts).bytes, chooseDownload(facts).requests], [size, 13]);
  });
});
