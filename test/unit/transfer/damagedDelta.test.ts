import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { DataManagerError } from '../../../src/core/errors';
import { applyDelta } from '../../../src/core/transfer/applyDelta';
import {
  type DeltaHeader,
  decodeDeltaHeader,
  deltaHeaderBytes,
  encodeDeltaHeader,
} from '../../../src/core/transfer/deltaFormat';
import { makeDelta } from '../../../src/core/transfer/makeDelta';
import { randomNumbers } from '../../support/randomPair';
import { tempDir } from '../../support/tempDir';

const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const contentsOf = (bytes: Uint8Array) => ({ size: bytes.length, sha256: shaOf(bytes) });

/** What a forger would do: a delta whose every checksum is right. */
function sealed(header: DeltaHeader, body: Buffer): Buffer {
  return Buffer.concat([encodeDeltaHeader({ ...header, body: contentsOf(body) }), body]);
}

function pack(raw: Buffer): Buffer {
  return brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
}

function frame(operations: readonly number[], payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(operations.length, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, Buffer.from(operations), payload]);
}

describe('a delta that is damaged or hostile', () => {
  const base = Buffer.concat([randomBytes(6000), Buffer.alloc(6000, 'row of text\n')]);
  const target = Buffer.concat([base.subarray(500, 4000), randomBytes(300), base.subarray(3000), Buffer.from('end')]);
  target[2000] = (target[2000] as number) ^ 1;
  let folder: string;
  let basePath: string;
  let good: Buffer;
  let header: DeltaHeader;
  let outputPath: string;

  before(async () => {
    folder = tempDir();
    basePath = join(folder, 'base');
    outputPath = join(folder, 'out');
    writeFileSync(basePath, base);
    writeFileSync(join(folder, 'target'), target);
    const deltaPath = join(folder, 'delta');
    const known = { path: basePath, sha256: shaOf(base) };
    await makeDelta({ base: known, target: { path: join(folder, 'target') }, deltaPath, maxBytes: 1e6 });
    good = readFileSync(deltaPath);
    header = decodeDeltaHeader(good);
  });

  /** The code of the error, or null when the result is right; anything else fails the test. */
  async function outcome(bytes: Buffer, what: string, wanted = contentsOf(target)): Promise<string | null> {
    rmSync(outputPath, { force: true });
    const known = { path: basePath, ...contentsOf(base) };
    try {
      await applyDelta({ base: known, delta: { bytes }, target: wanted, outputPath });
    } catch (error) {
      assert.ok(DataManagerError.is(error), `${what}: ${error instanceof Error ? error.stack : error}`);
      assert.ok(['DELTA_INVALID', 'HASH_MISMATCH'].includes(error.code), `${what}: ${error.code}`);
      assert.ok(error.message.length < 200 && error.hint, what);
      assert.ok(!existsSync(outputPath), what);
      return error.code;
    }
    assert.ok(readFileSync(outputPath).equals(target), what);
    return null;
  }

  it('is told apart from a good one, wherever a byte is wrong, missing or too many', async () => {
    assert.equal(await outcome(good, 'good'), null);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ (1 + (at % 255));
      assert.equal(await outcome(bad, `byte ${at}`), 'DELTA_INVALID');
    }
    for (let length = 0; length < good.length; length += length < 200 ? 1 : 17) {
      assert.equal(await outcome(good.subarray(0, length), `${length} bytes`), 'DELTA_INVALID');
    }
    assert.equal(await outcome(Buffer.concat([good, Buffer.from([0])]), 'a byte more'), 'DELTA_INVALID');
  }).timeout(30_000);

  it('gives an error or the right bytes when its checksums were made to fit: 5,000 forgeries', async () => {
    const random = randomNumbers(5);
    const below = (limit: number) => Math.floor(random() * limit);
    const mutate = (bytes: Buffer): Buffer => {
      const copy = Buffer.from(bytes);
      for (let count = 1 + below(3); count > 0 && copy.length > 0; count--) {
        copy[below(copy.length)] = [0, 1, 127, 128, 255, below(256)][below(6)] as number;
      }
      const [cut, end] = [below(copy.length + 1), below(copy.length + 1)];
      switch (below(5)) {
        case 0:
          return copy.subarray(0, cut);
        case 1:
          return Buffer.concat([copy, copy.subarray(cut)]);
        case 2:
          return Buffer.concat([copy.subarray(0, cut), copy.subarray(Math.max(cut, end))]);
        default:
          return copy;
      }
    };
    const body = good.subarray(deltaHeaderBytes);
    const raw = brotliDecompressSync(body);
    const operationBytes = 8 + raw.readUInt32BE(0);
    const codes = new Map<string | null, number>();
    for (let i = 0; i < 5000; i++) {
      // Mostly what the operations say: there is the most to get wrong.
      const forged =
        i % 4 === 0
          ? sealed(header, mutate(body))
          : sealed(
              header,
              pack(Buffer.concat([mutate(raw.subarray(0, operationBytes)), raw.subarray(operationBytes)])),
            );
      const code = await outcome(forged, `forgery ${i}`);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    // All three ways to end were seen, so the forgeries reach deep enough.
    assert.ok(
      (codes.get('DELTA_INVALID') ?? 0) > 1000 && (codes.get('HASH_MISMATCH') ?? 0) > 100,
      [...codes].join(' '),
    );
  }).timeout(120_000);

  it('can neither reach outside its files nor make more than it says', async () => {
    const cases: [string, Buffer][] = [
      ['no operations', Buffer.alloc(0)],
      ['an empty frame', frame([])],
      ['a copy before the base', frame([4 << 2, 1])],
      ['a copy past the base', frame([4, ...[0xff, 0xff, 0x7f]])],
      ['a length of zero', frame([0, 0])],
      ['an unknown kind', frame([7, 0])],
      ['a cut operation', frame([0x84])],
      ['a number without end', frame([4 + 128, 128, 128, 128, 128, 128, 128, 128, 128, 1])],
      ['a length beyond any file', frame([128, 255, 255, 255, 255, 255, 255, 127, 0])],
      ['an insert without payload', frame([4 + 2])],
      ['payload that nobody uses', frame([4, 0], Buffer.from('x'))],
      ['too little', frame([4, 0])],
      ['too much', Buffer.concat(Array.from({ length: 5 }, () => frame([0xc0, 0xb8, 0x02, 0])))],
      ['a frame of 4 GiB', Buffer.from('ffffffffffffffff', 'hex')],
      ['half a frame header', Buffer.from([0, 0, 0])],
      ['a frame cut short', frame([4, 0]).subarray(0, 9)],
    ];
    for (const [what, raw] of cases)
      assert.equal(await outcome(sealed(header, pack(raw)), what), 'DELTA_INVALID', what);
    const other: [string, Buffer][] = [
      ['no Brotli', Buffer.from('this is not packed')],
      ['nothing', Buffer.alloc(0)],
      ['another base', sealed({ ...header, base: header.target }, good.subarray(deltaHeaderBytes))],
      ['another target', sealed({ ...header, target: header.base }, good.subarray(deltaHeaderBytes))],
    ];
    for (const [what, bytes] of other) {
      const delta = bytes.length > deltaHeaderBytes ? bytes : sealed(header, bytes);
      assert.equal(await outcome(delta, what), 'DELTA_INVALID', what);
    }
  });

  it('stays small in memory and short in time when it unpacks to gigabytes', async () => {
    const bombs: [string, Buffer][] = [
      ['zeros', pack(Buffer.alloc(200 << 20))],
      [
        'one insert frame after the other',
        pack(Buffer.concat(Array.from({ length: 200 }, () => frame([0x82, 0x80, 0x80, 0x02], Buffer.alloc(1 << 20))))),
      ],
      [
        'a million copies',
        pack(
          Buffer.concat(
            Array.from({ length: 10 }, () => frame(Array.from({ length: 200_000 }, (_, i) => (i % 2 ? 1 : 4)))),
          ),
        ),
      ],
    ];
    for (const [what, body] of bombs) {
      global.gc?.();
      const before = process.memoryUsage().rss;
      const started = performance.now();
      assert.equal(await outcome(sealed(header, body), what), 'DELTA_INVALID', what);
      assert.ok(performance.now() - started < 2000, `${what}: ${performance.now() - started} ms`);
      assert.ok(
        process.memoryUsage().rss - before < 100 << 20,
        `${what}: ${process.memoryUsage().rss - before} bytes more`,
      );
    }
  }).timeout(30_000);
});
