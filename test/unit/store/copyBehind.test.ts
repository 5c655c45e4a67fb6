import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DataManagerError } from '../../../src/core/errors';
import { copyBehind, copyRange } from '../../../src/core/store/copyBehind';
import { alignedBuffer, openDirect } from '../../../src/core/store/directFile';
import { tempDir } from '../../support/tempDir';

// Two whole pieces, and an end that no disk takes without its cache.
const bytes = randomBytes(2 * (4 << 20) + 70_001);

describe('copyBehind', () => {
  let [source, target] = ['', ''];
  let [from, to] = [] as unknown as [FileHandle, FileHandle];
  beforeEach(async () => {
    [source, target] = [join(tempDir(), 'source'), join(tempDir(), 'target')];
    writeFileSync(source, bytes);
    [from, to] = [await open(source, 'r'), await open(target, 'w')];
  });
  afterEach(async () => {
    await from.close();
    await to.close();
  });
  const pair = (path = target) => ({
    from: { handle: from, path: source },
    to: { handle: to, path, shownAs: 'utopia.sqlite' },
  });
  const inSteps = (step: number) => async (copied: number) => Math.min(copied + step, bytes.length);

  for (const step of [1_000_003, 9 << 20]) {
    it(`copies what comes ${step} bytes at a time`, async () => {
      await copyBehind({ ...pair(), size: bytes.length, arrived: inSteps(step) });
      assert.ok(readFileSync(target).equals(bytes));
    });
  }

  it('copies through the page cache where there is no way past it', async () => {
    await copyBehind({ ...pair(join(target, 'no such')), size: bytes.length, arrived: inSteps(3_000_000) });
    assert.ok(readFileSync(target).equals(bytes));
  });

  it('says what stopped it', async () => {
    const stopped = async (copied: number) => (copied > 5_000_000 ? Promise.reject(new Error('Enough.')) : 5_000_001);
    await assert.rejects(copyBehind({ ...pair(), size: bytes.length, arrived: stopped }), /Enough/);
    const hasCode = (error: unknown) => DataManagerError.is(error) && error.code === 'FILE_CHANGED';
    const longer = { size: bytes.length + 10, arrived: async () => bytes.length + 10 };
    await assert.rejects(copyBehind({ ...pair(), ...longer }), hasCode);
  });

  it('says so when only the first piece fails, while the next bytes are waited for', async () => {
    const read = async (buffer: Buffer, offset: number, length: number, at: number) =>
      at === 0 ? { bytesRead: 0, buffer } : from.read(buffer, offset, length, at);
    const failing = { handle: { read } as unknown as FileHandle, path: source };
    const slowly = async (copied: number) => {
      await setTimeout(20);
      return Math.min(copied + (4 << 20), bytes.length);
    };
    const hasCode = (error: unknown) => DataManagerError.is(error) && error.code === 'FILE_CHANGED';
    for (const path of [target, join(target, 'no such')]) {
      const options = { ...pair(path), from: failing, size: bytes.length, arrived: slowly };
      await assert.rejects(copyBehind(options), hasCode, path);
    }
  });

  it('copies a range alone', async () => {
    await copyBehind({ ...pair(), size: bytes.length, arrived: inSteps(bytes.length) });
    const wrong = Buffer.alloc(100_000);
    await to.write(wrong, 0, wrong.length, 4_100_000);
    await copyRange(pair(), { first: 4_100_000, last: 4_199_999 });
    assert.ok(readFileSync(target).equals(bytes));
  });
});

describe('a file that is written past the page cache', () => {
  it('takes bytes from anywhere in memory', async function () {
    const path = join(tempDir(), 'file');
    const handle = await open(path, 'w');
    const direct = await openDirect({ handle, path, shownAs: path });
    if (!direct) {
      await handle.close();
      this.skip(); // a file system without such writes
    }
    const aligned = alignedBuffer(65_536) as Buffer;
    bytes.copy(aligned, 0, 0, 65_536);
    await direct.write(aligned, 0);
    await direct.write(bytes.subarray(65_536, 200_003), 65_536);
    await direct.close();
    await handle.close();
    assert.ok(readFileSync(path).equals(bytes.subarray(0, 200_003)));
  });
});
