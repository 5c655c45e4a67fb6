import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DataManagerError } from '../../../src/core/errors';
import { BlockIndexBuilder, indexedBlock, parseBlockIndex } from '../../../src/core/store/blockIndex';
import { type FollowHooks, followFile } from '../../../src/core/store/followFile';
import { createFollowThread, type FollowFile } from '../../../src/core/store/followThread';
import { tempDir } from '../../support/tempDir';

const SIZE = 40_000_123;
const bytes = randomBytes(SIZE);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const builder = new BlockIndexBuilder();
builder.add(bytes);
const index = builder.finish(sha256);
const leaves = parseBlockIndex(index, { sha256, size: SIZE }) as Uint8Array;

const thread = createFollowThread(join(process.cwd(), 'dist/follower.js'));
after(() => thread.dispose());

const all: FollowHooks = {
  arrived: async () => SIZE,
  damaged: () => Promise.reject(new Error('nothing is damaged')),
};

function written(content: Buffer = bytes): string {
  const path = join(tempDir(), 'partial');
  writeFileSync(path, content);
  return path;
}

const ways: readonly (readonly [string, FollowFile])[] = [
  ['here', followFile],
  ['in a thread', thread.follow],
];

for (const [name, follow] of ways) {
  describe(`a file that is read behind its writer, ${name}`, () => {
    it('gives its hash and its index, however it arrives', async () => {
      const path = written(Buffer.alloc(0));
      const file = openSync(path, 'r+');
      let there = 0;
      const arrived = async (read: number): Promise<number> => {
        assert.equal(read, there);
        await new Promise(setImmediate);
        const next = Math.min(SIZE, there + 3_333_333);
        writeSync(file, bytes, there, next - there, there);
        there = next;
        return there;
      };
      const request = { path, size: SIZE, leaves };
      const followed = await follow(request, { ...all, arrived });
      assert.equal(followed.sha256, sha256);
      assert.deepEqual(Buffer.from(followed.index ?? []), Buffer.from(index));
    });

    it('has just the wrong blocks brought again', async () => {
      const wrong = Buffer.from(bytes);
      for (const at of [70_000, 140_000, SIZE - 1]) wrong[at] = (wrong[at] ?? 0) ^ 1;
      const path = written(wrong);
      const file = openSync(path, 'r+');
      const asked: unknown[] = [];
      const followed = await follow(
        { path, size: SIZE, leaves },
        {
          ...all,
          async damaged({ first, last }) {
            asked.push([first, last]);
            writeSync(file, bytes, first, last - first + 1, first);
            return true;
          },
        },
      );
      assert.equal(followed.sha256, sha256);
      const lastBlock = Math.floor(SIZE / indexedBlock) * indexedBlock;
      assert.deepEqual(asked, [
        [indexedBlock, 3 * indexedBlock - 1],
        [lastBlock, SIZE - 1],
      ]);
    });

    it('reads on without an index that is not to be believed', async () => {
      const lies = new Uint8Array(leaves.length);
      let asked = 0;
      const damaged = async () => {
        asked += 1;
        return false;
      };
      const followed = await follow({ path: written(), size: SIZE, leaves: lies }, { ...all, damaged });
      assert.deepEqual([followed.sha256, asked], [sha256, 1]);
    });

    it('says what is wrong with its files', async () => {
      const hasCode = (code: string) => (error: unknown) => DataManagerError.is(error) && error.code === code;
      const request = { path: written(), size: SIZE, leaves: null };
      await assert.rejects(follow({ ...request, path: written(bytes.subarray(1)) }, all), hasCode('FILE_CHANGED'));
    });

    it('ends with what a hook throws', async () => {
      const request = { path: written(), size: SIZE, leaves: null };
      const cancelled = new DataManagerError('CANCELLED', 'Cancelled.');
      const arrived = async (read: number) => (read === 0 ? 5_000_000 : Promise.reject(cancelled));
      await assert.rejects(follow(request, { ...all, arrived }), (error) => error === cancelled);
      const lies = new Uint8Array(leaves.length);
      const damaged = () => Promise.reject(cancelled);
      // Meanwhile the next piece is waited for, and never comes.
      const waiting = (read: number) => (read === 0 ? Promise.resolve(1 << 20) : new Promise<never>(() => {}));
      await assert.rejects(
        follow({ ...request, leaves: lies }, { arrived: waiting, damaged }),
        (error) => error === cancelled,
      );
    });
  });
}

describe('a file that is too long to get an index in any case', () => {
  const LARGE = 120 << 20;
  const large = Buffer.alloc(LARGE, 'data manager ');
  const whole = createHash('sha256').update(large).digest('hex');

  it('is hashed as a whole alone, unless all of it has to be looked at', async () => {
    const path = written(large);
    const request = { path, size: LARGE, leaves: null };
    const arrived = async (): Promise<number> => LARGE;
    const hurried = await followFile(request, { ...all, arrived });
    assert.equal(hurried.sha256, whole);
    assert.ok(hurried.index === null);
    const thorough = await followFile({ ...request, thorough: true }, { ...all, arrived });
    assert.ok(parseBlockIndex(thorough.index ?? Buffer.alloc(0), { sha256: whole, size: LARGE }));
  });

  it('gets its index when there is time between the bytes', async () => {
    let since = performance.now();
    const arrived = async (read: number): Promise<number> => {
      await setTimeout(3 * (performance.now() - since));
      since = performance.now();
      return Math.min(read + (4 << 20), LARGE);
    };
    const followed = await followFile({ path: written(large), size: LARGE, leaves: null }, { ...all, arrived });
    assert.ok(parseBlockIndex(followed.index ?? Buffer.alloc(0), { sha256: whole, size: LARGE }));
  });
});

describe('a thread that follows files', () => {
  it('is done without when it can not run, or dies', async () => {
    const request = { path: written(), size: SIZE, leaves };
    const script = join(tempDir(), 'dies.js');
    for (const code of [
      'process.exit(3)',
      'require("node:worker_threads").parentPort.on("message", () => { throw new Error("boom") })',
    ]) {
      writeFileSync(script, code);
      const dying = createFollowThread(script);
      assert.equal((await dying.follow(request, all)).sha256, sha256);
      await dying.dispose();
    }
    const missing = createFollowThread(join(tempDir(), 'nowhere.js'));
    assert.equal((await missing.follow(request, all)).sha256, sha256);
  });

  it('serves several files at once', async () => {
    const request = { path: written(), size: SIZE, leaves };
    const followed = await Promise.all([1, 2, 3].map(() => thread.follow(request, all)));
    assert.ok(followed.every((file) => file.sha256 === sha256));
  });
});
