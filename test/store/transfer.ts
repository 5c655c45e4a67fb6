import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset, VersionEntry } from '../../src/core/catalog/manifest';
import { fetchVersion } from '../../src/core/operations/fetchVersion';
import { BlockIndexBuilder } from '../../src/core/store/blockIndex';
import { createCache } from '../../src/core/store/cache';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { deltaKey, indexKey } from '../../src/core/transfer/companions';
import { sendObject } from '../../src/core/transfer/sendObject';
import { tempDir } from '../support/tempDir';
import { hasCode, listAll, sha256 } from './contract';

const PAGE = 4096;

/** Sending and fetching versions that share most of their bytes, on any store. */
export function describeTransfer(name: string, makeStore: () => ObjectStore): void {
  describe(`${name}: only what changed is sent and fetched`, () => {
    const first = randomBytes(24_000_000 - (24_000_000 % PAGE));
    const second = edited(first, [3, 700, 701, 4000]);
    const third = Buffer.concat([edited(second, [20]), randomBytes(PAGE * 2)]);
    const files = [first, second, third].map((bytes, i) => stored(bytes, i + 1));
    const dataset = { name: 'utopia', history: files.map(({ entry }) => entry).reverse() } as unknown as Dataset;
    const versionOf = (i: number) => ({ dataset, entry: files[i - 1]?.entry as VersionEntry });
    const cacheFolder = tempDir();
    let store: ObjectStore;

    const send = async (i: number, cache = createCache({ folder: cacheFolder })) => {
      const file = files[i - 1] as (typeof files)[number];
      await cache.addFile(file.path, file.sha256);
      const base = files[i - 2] ?? null;
      const source = { path: file.path, sha256: file.sha256, size: file.bytes.length };
      return sendObject({
        ...{ store, key: file.key, file: source, cache, notesFolder: tempDir(), now: Date.now },
        base: base && { key: base.key, sha256: base.sha256, size: base.bytes.length },
      });
    };
    /** A machine whose cache holds these versions and nothing else. */
    const machineWith = async (...versions: readonly number[]) => {
      const cache = createCache({ folder: tempDir() });
      for (const i of versions) await cache.addFile(files[i - 1]?.path ?? '', files[i - 1]?.sha256 ?? '');
      return { cache, openStore: async () => store };
    };
    const fetched = async (machine: Awaited<ReturnType<typeof machineWith>>, i: number) => {
      const target = join(tempDir(), 'out.sqlite');
      const got = await fetchVersion(machine, versionOf(i), target, {});
      assert.ok(readFileSync(target).equals(files[i - 1]?.bytes ?? Buffer.alloc(0)), 'other bytes arrived');
      return got;
    };

    before(async () => {
      store = makeStore();
      await send(1);
    });

    it('sends the parts that changed, a delta and an index', async () => {
      const sent = await send(2);
      assert.equal(sent.bytesCopied > 0, store.kind === 's3', sent.how);
      if (store.kind === 's3') assert.ok(sent.bytesSent < second.length * 0.7, `${sent.bytesSent} bytes: ${sent.how}`);
      await send(3);
      const keys = (await listAll(store)).map(({ key }) => key);
      for (const [i, file] of files.entries()) {
        assert.ok(keys.includes(indexKey(file.key)), file.key);
        const before = files[i - 1];
        if (before) assert.ok(keys.includes(deltaKey(file.key, before.sha256)));
      }
      assert.equal(keys.length, 3 + 3 + 2);
    });

    it('plans by the index in the store where the old bytes are not at hand', async () => {
      const other = stored(edited(third, [1]), 9);
      const cache = createCache({ folder: tempDir() });
      const sent = await sendObject({
        ...{ store, key: other.key, cache, notesFolder: tempDir(), now: Date.now },
        file: { path: other.path, sha256: other.sha256, size: other.bytes.length },
        base: { key: files[2]?.key ?? '', sha256: files[2]?.sha256 ?? '', size: third.length },
      });
      if (store.kind === 's3') assert.ok(sent.bytesCopied > third.length / 2, sent.how);
      assert.equal((await store.head(other.key))?.size, other.bytes.length);
    });

    it('sends nothing that is there', async () => {
      const sent = await send(2);
      assert.deepEqual([sent.created, sent.bytesSent, sent.bytesCopied], [false, 0, 0]);
    });

    it('fetches a delta, or two, from the version that is at hand', async () => {
      const one = await fetched(await machineWith(1), 2);
      assert.equal(one.from, 'delta');
      assert.equal(one.requests, 1);
      assert.ok(one.bytesReceived < 20 * PAGE, `${one.bytesReceived} bytes`);
      const machine = await machineWith(1);
      const two = await fetched(machine, 3);
      assert.deepEqual([two.from, two.requests], ['delta', 2]);
      assert.equal((await fetched(machine, 3)).from, 'cache');
      const single = await machineWith(1);
      await fetched(single, 2);
      // What it took over from the index of the version before is what hashing would have given.
      const { sha256, bytes } = files[1] as (typeof files)[number];
      const builder = new BlockIndexBuilder();
      builder.add(bytes);
      assert.deepEqual(readFileSync(single.cache.indexPath(sha256)), Buffer.from(builder.finish(sha256)));
      assert.deepEqual(leftovers(machine.cache.folder), []);
    });

    it('fetches the differing blocks when only a newer version is at hand', async () => {
      const got = await fetched(await machineWith(3), 1);
      if (store.kind === 'folder') return assert.equal(got.from, 'full');
      assert.equal(got.from, 'ranges');
      assert.ok(got.bytesReceived < 3_000_000, `${got.bytesReceived} bytes`);
      assert.equal(got.bytesReceived + got.bytesSeeded, first.length);
    });

    it('is not misled by a wrong delta, a wrong index or a damaged cache', async () => {
      const [one, two] = files as [(typeof files)[number], (typeof files)[number]];
      const key = deltaKey(two.key, one.sha256);
      await store.delete(key);
      await store.put(key, { bytes: Buffer.from('no delta'), sha256: sha256(Buffer.from('no delta')) });
      assert.notEqual((await fetched(await machineWith(1), 2)).from, 'delta');

      const machine = await machineWith(3);
      damage(machine.cache.path(files[2]?.sha256 ?? ''));
      // Of what the damaged file gave, only the wrong blocks are fetched again.
      const mended = await fetched(machine, 2);
      if (store.kind === 'folder') assert.equal(mended.from, 'full');
      else assert.ok(mended.from === 'ranges' && mended.bytesReceived < two.bytes.length / 2, JSON.stringify(mended));

      await store.delete(indexKey(two.key));
      const index = Buffer.from('no index');
      await store.put(indexKey(two.key), { bytes: index, sha256: sha256(index) });
      assert.equal((await fetched(await machineWith(3), 2)).from, 'full');
      assert.equal((await fetched(await machineWith(), 2)).from, 'full');
    });

    it('sends only the delta when asked to, from which anybody can make the version', async () => {
      const other = makeStore();
      const [one, two] = files as [(typeof files)[number], (typeof files)[number]];
      const cache = createCache({ folder: cacheFolder });
      await cache.addFile(one.path, one.sha256);
      const file = (of: typeof one) => ({ path: of.path, sha256: of.sha256, size: of.bytes.length });
      const common = { store: other, cache, notesFolder: tempDir(), now: Date.now, deltaFirst: true };
      const base = { key: one.key, sha256: one.sha256, size: one.bytes.length };
      // Nothing whole to build on: the version before goes whole.
      assert.equal((await sendObject({ ...common, key: one.key, file: file(one), base: null })).whole, true);
      const sent = await sendObject({ ...common, key: two.key, file: file(two), base });
      assert.equal(sent.whole, false);
      assert.ok(sent.bytesSent < 20 * PAGE, `${sent.bytesSent} bytes`);
      assert.equal(await other.head(two.key), null);

      const target = join(tempDir(), 'out.sqlite');
      const machine = { cache: createCache({ folder: tempDir() }), openStore: async () => other };
      const got = await fetchVersion(machine, versionOf(2), target, {});
      assert.equal(got.from, 'delta');
      assert.ok(readFileSync(target).equals(second));
    });

    it('leaves nothing when it is cancelled', async () => {
      const stop = new AbortController();
      const machine = await machineWith(2);
      const target = join(tempDir(), 'out.sqlite');
      const onProgress = () => stop.abort();
      const fetching = fetchVersion(machine, versionOf(3), target, { signal: stop.signal, onProgress });
      await assert.rejects(fetching, hasCode('CANCELLED'));
      assert.deepEqual(leftovers(machine.cache.folder), []);
    });
  });
}

function edited(bytes: Buffer, pages: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const page of pages) copy.write(`changed ${page}`, page * PAGE + 100);
  return copy;
}

function stored(bytes: Buffer, version: number) {
  const path = join(tempDir(), `v${version}.sqlite`);
  writeFileSync(path, bytes);
  const hash = sha256(bytes);
  const key = `utopia/${hash}.sqlite`;
  const entry = { version: `v${version}`, key, sha256: hash, size: bytes.length, status: 'published' };
  return { bytes, path, sha256: hash, key, entry: entry as unknown as VersionEntry };
}

/** One bit, past the header, as a failing disk would do it. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[1_000_000] = (bytes[1_000_000] ?? 0) ^ 1;
  rmSync(path);
  writeFileSync(path, bytes);
}

function leftovers(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('tmp'));
}
