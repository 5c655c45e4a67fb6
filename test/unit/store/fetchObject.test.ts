import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { BlockIndexBuilder, indexedBlock, parseBlockIndex } from '../../../src/core/store/blockIndex';
import { createCache } from '../../../src/core/store/cache';
import { fetchObject } from '../../../src/core/store/fetchObject';
import { diskFull } from '../../../src/core/store/fileErrors';
import type { ByteRange, ObjectStore } from '../../../src/core/store/objectStore';
import type { PartialFile } from '../../../src/core/store/partialFile';
import { tempDir } from '../../support/tempDir';

const SIZE = 130 << 20;
const PIECE = 8 << 20;

describe('fetchObject', () => {
  const bytes = randomBytes(SIZE);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const builder = new BlockIndexBuilder();
  builder.add(bytes);
  const leaves = parseBlockIndex(builder.finish(sha256), { sha256, size: SIZE });

  /** A store in which the first `times` replies that hold a byte have it wrong. */
  function flipping(at: number, times: number) {
    const asked: ByteRange[] = [];
    const store = {
      kind: 's3',
      location: 'memory',
      async readInto(_key: string, range: ByteRange, buffer: Buffer) {
        asked.push(range);
        bytes.copy(buffer, 0, range.first, range.last + 1);
        const there = asked.filter(({ first, last }) => first <= at && at <= last).length;
        if (range.first <= at && at <= range.last && there <= times) buffer[at - range.first] = (bytes[at] ?? 0) ^ 0xff;
        return 1;
      },
    } as unknown as ObjectStore;
    return { store, asked };
  }
  const fetch = (store: ObjectStore, more: object = {}) =>
    fetchObject({ store, key: 'k', sha256, size: SIZE, cache: createCache({ folder: tempDir() }), ...more });

  it('fetches only the block again that came wrong', async () => {
    const { store, asked } = flipping(5_000_000, 1);
    const cache = createCache({ folder: tempDir() });
    const target = join(tempDir(), 'out.sqlite');
    const handle = await open(target, 'w');
    const fetched = await fetch(store, { leaves, cache, copy: { handle, path: target, shownAs: target } });
    await handle.close();
    assert.ok(readFileSync(target).equals(bytes), 'the copy');
    assert.equal(fetched?.bytesReceived, SIZE + indexedBlock);
    assert.equal(fetched.requests, Math.ceil(SIZE / PIECE) + 1);
    const again = asked.filter(({ first, last }) => last - first < PIECE - 1).find(({ first }) => first > 0);
    const block = Math.floor(5_000_000 / indexedBlock) * indexedBlock;
    assert.deepEqual(again, { first: block, last: block + indexedBlock - 1 });
    await fetched.commit();
    assert.ok(readFileSync(cache.path(sha256)).equals(bytes));
  });

  it('finds the wrong block also when there was no time to look at it', async () => {
    // Whoever begins to read when all is there is as far behind as can be.
    const { followFile } = await import('../../../src/core/store/followFile');
    const late: typeof followFile = async (request, hooks) => {
      for (let there = 0; there < SIZE; ) there = await hooks.arrived(there);
      return followFile(request, hooks);
    };
    const fetched = await fetch(flipping(100 << 20, 1).store, { leaves, follow: late });
    assert.equal(fetched?.bytesReceived, SIZE + indexedBlock);
    await fetched.commit();
  });

  it('says HASH_MISMATCH when a block stays wrong, or nothing says which one is', async () => {
    const hasCode = (error: unknown) => DataManagerError.is(error) && error.code === 'HASH_MISMATCH';
    const always = flipping(5_000_000, Number.POSITIVE_INFINITY);
    await assert.rejects(fetch(always.store, { leaves }), hasCode);
    assert.equal(always.asked.length, Math.ceil(SIZE / PIECE) + 2);
    await assert.rejects(fetch(flipping(5_000_000, 1).store), hasCode);
  });

  it('leaves a cache that has become full, so that the bytes can be had without it', async () => {
    const cache = createCache({ folder: tempDir() });
    const { store } = flipping(0, 0);
    const seed = async (partial: PartialFile) => Promise.reject(diskFull(partial.path));
    assert.equal(await fetch(store, { cache, seed }), null);
    assert.deepEqual(readdirSync(dirname(cache.path(sha256))), []);
    const elsewhere = async () => Promise.reject(diskFull('/data/utopia.sqlite'));
    await assert.rejects(fetch(store, { cache, seed: elsewhere }), (error) => DataManagerError.is(error, 'DISK_FULL'));
  });
});
