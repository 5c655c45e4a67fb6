import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBlockIndex } from '../../src/core/store/blockIndex';
import { createCache } from '../../src/core/store/cache';
import { downloadObject } from '../../src/core/store/download';
import { downloadToCache } from '../../src/core/store/downloadToCache';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { tempDir } from '../support/tempDir';
import { hasCode, sha256 as hashOf, inMemory } from './contract';

const SIZE = 90_000_123;

/** What every S3 server must let us do with large downloads: several connections at once, and going on after an interruption. */
export function describeRanged(name: string, makeStore: () => ObjectStore): void {
  describe(`${name}: downloads in ranges`, () => {
    const bytes = randomBytes(SIZE);
    const sha256 = hashOf(bytes);
    const key = 'large';
    let store: ObjectStore;
    before(async () => {
      store = makeStore();
      await store.put(key, inMemory(bytes));
    });
    const request = (folder = tempDir()) => {
      const cache = createCache({ folder });
      const target = join(tempDir(), 'out.sqlite');
      return { openStore: async () => store, key, sha256, size: SIZE, target, cache };
    };
    /** Stops when so many bytes are there; resolves to how many were. */
    const interrupt = async (options: ReturnType<typeof request>, after: number): Promise<number> => {
      const stop = new AbortController();
      let there = 0;
      const onProgress = ({ done }: { readonly done: number }) => {
        there = done;
        if (done >= after) stop.abort();
      };
      await assert.rejects(downloadObject({ ...options, signal: stop.signal, onProgress }), hasCode('CANCELLED'));
      return there;
    };
    const unfinished = (folder: string) => readdirSync(join(folder, sha256.slice(0, 2)));

    it('brings the bytes and fills the cache, with a block index', async () => {
      const options = request();
      const seen: number[] = [];
      const got = await downloadObject({ ...options, onProgress: ({ done }) => seen.push(done) });
      assert.equal(got.bytesReceived, SIZE);
      assert.equal(got.requests, Math.ceil(SIZE / (8 << 20)));
      assert.ok(readFileSync(options.target).equals(bytes));
      assert.ok(readFileSync(options.cache.path(sha256)).equals(bytes));
      assert.ok(await readBlockIndex(options.cache.indexPath(sha256), { sha256, size: SIZE }));
      assert.deepEqual(unfinished(options.cache.folder).sort(), [sha256, `${sha256}.idx`]);
      assert.deepEqual(
        seen,
        [...seen].sort((a, b) => a - b),
      );
      assert.equal(seen.at(-1), SIZE);
    });

    it('fetches straight into the cache', async () => {
      const options = request();
      const { path } = await downloadToCache(options);
      assert.ok(readFileSync(path).equals(bytes));
    });

    it('goes on where a cancelled download stopped', async () => {
      const options = request();
      const there = await interrupt(options, 20_000_000);
      assert.ok(there < SIZE);
      const got = await downloadObject(options);
      assert.equal(got.bytesResumed + got.bytesReceived, SIZE);
      assert.ok(got.bytesResumed >= there, `${got.bytesResumed} of ${there} bytes were used again`);
      assert.ok(readFileSync(options.target).equals(bytes));
      assert.deepEqual(unfinished(options.cache.folder).sort(), [sha256, `${sha256}.idx`]);
    });

    it('goes on with the download of a process that died', async () => {
      const options = request();
      await interrupt(options, 20_000_000);
      const folder = join(options.cache.folder, sha256.slice(0, 2));
      const dead = spawnSync(process.execPath, ['-e', '']).pid;
      for (const end of ['', '.notes']) {
        const left = `${sha256}.partial`;
        renameSync(join(folder, left + end), join(folder, `${left}.${dead}.0123456789ab${end}`));
      }
      assert.ok((await downloadObject(options)).bytesResumed >= 20_000_000);
      assert.ok(readFileSync(options.target).equals(bytes));
    });

    it('leaves alone what a living process works on', async () => {
      const options = request();
      await interrupt(options, 20_000_000);
      const folder = join(options.cache.folder, sha256.slice(0, 2));
      const theirs = `${sha256}.partial.${process.ppid}.0123456789ab`;
      renameSync(join(folder, `${sha256}.partial`), join(folder, theirs));
      assert.equal((await downloadObject(options)).bytesReceived, SIZE);
      assert.ok(readdirSync(folder).includes(theirs));
    });

    it('does not believe what a power cut left of an unfinished file', async () => {
      for (const damage of ['zeros', 'short'] as const) {
        const options = request();
        await interrupt(options, 20_000_000);
        const left = join(options.cache.folder, sha256.slice(0, 2), `${sha256}.partial`);
        if (damage === 'short') truncateSync(left, 5_000_000);
        else writeFileSync(left, Buffer.concat([Buffer.alloc(1 << 20), readFileSync(left).subarray(1 << 20)]));
        await downloadObject(options);
        assert.ok(readFileSync(options.target).equals(bytes), damage);
      }
    });

    it('says HASH_MISMATCH for an object with other bytes, and keeps none of them', async () => {
      const options = { ...request(), sha256: 'a'.repeat(64) };
      await assert.rejects(downloadObject(options), hasCode('HASH_MISMATCH'));
      assert.deepEqual(readdirSync(join(options.cache.folder, 'aa')), []);
      await assert.rejects(downloadToCache(options), hasCode('HASH_MISMATCH'));
      assert.deepEqual(readdirSync(join(options.cache.folder, 'aa')), []);
    });
  });
}
