import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError, type ErrorCode } from '../../src/core/errors';
import type { ObjectInfo, ObjectSource, ObjectStore } from '../../src/core/store/objectStore';
import { tempDir } from '../support/tempDir';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const inMemory = (bytes: Uint8Array): ObjectSource => ({ bytes, sha256: sha256(bytes) });

export function onDisk(bytes: Uint8Array): ObjectSource & { readonly path: string } {
  const path = join(tempDir(), 'source');
  writeFileSync(path, bytes);
  return { path, size: bytes.length, sha256: sha256(bytes) };
}

export async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}

export async function listAll(store: ObjectStore, prefix = ''): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) all.push(info);
  return all;
}

export const hasCode = (code: ErrorCode) => (error: unknown) => {
  assert.ok(DataManagerError.is(error, code), `expected ${code}, got ${String(error)}`);
  return true;
};

/** What every store must do. `makeStore` gives an empty one. */
export function describeStore(name: string, makeStore: () => Promise<ObjectStore>): void {
  describe(`${name}: the contract of a store`, () => {
    let store: ObjectStore;
    beforeEach(async () => {
      store = await makeStore();
    });

    it('gives back what was put, from a buffer and from a file', async () => {
      const bytes = randomBytes(3_000_000);
      const seen: number[] = [];
      const put = await store.put('a/one', onDisk(bytes), { onProgress: ({ done }) => seen.push(done) });
      assert.equal(put.created, true);
      assert.equal(put.bytesSent, bytes.length);
      assert.equal(seen.at(-1), bytes.length);
      await store.put('a/two', inMemory(bytes.subarray(0, 10)));
      assert.deepEqual(await readAll(store.get('a/one')), bytes);
      assert.deepEqual(await readAll(store.get('a/two')), bytes.subarray(0, 10));
    });

    it('keeps empty objects', async () => {
      await store.put('empty', inMemory(Buffer.alloc(0)));
      assert.equal((await readAll(store.get('empty'))).length, 0);
      assert.equal((await store.head('empty'))?.size, 0);
    });

    it('knows size and key of an object, and null for none', async () => {
      const bytes = randomBytes(1234);
      await store.put('a/one', inMemory(bytes));
      const info = await store.head('a/one');
      assert.equal(info?.key, 'a/one');
      assert.equal(info?.size, 1234);
      assert.ok(info?.sha256 === null || info?.sha256 === sha256(bytes));
      assert.equal(await store.head('a'), null);
      assert.equal(await store.head('a/on'), null);
      assert.equal(await store.head('a/one/more'), null);
    });

    it('reports progress that only grows', async () => {
      const bytes = randomBytes(3_000_000);
      await store.put('one', inMemory(bytes));
      const seen: number[] = [];
      for await (const _ of store.get('one', { onProgress: ({ done }) => seen.push(done) }));
      assert.equal(seen.at(-1), bytes.length);
      assert.deepEqual(
        seen,
        [...seen].sort((a, b) => a - b),
      );
    });

    it('gives ranges, clamped to the end', async () => {
      const bytes = randomBytes(100_000);
      await store.put('one', inMemory(bytes));
      const range = async (first: number, last: number) => readAll(store.get('one', { range: { first, last } }));
      assert.deepEqual(await range(0, 0), bytes.subarray(0, 1));
      assert.deepEqual(await range(1000, 1999), bytes.subarray(1000, 2000));
      assert.deepEqual(await range(99_990, 500_000), bytes.subarray(99_990));
      await assert.rejects(range(100_000, 100_010), hasCode('STORE_FAILED'));
    });

    it('says OBJECT_MISSING for an absent object', async () => {
      await assert.rejects(readAll(store.get('absent')), hasCode('OBJECT_MISSING'));
    });

    it('never overwrites', async () => {
      const first = randomBytes(5000);
      assert.equal((await store.put('one', inMemory(first))).created, true);
      const again = await store.put('one', inMemory(randomBytes(5000)));
      assert.deepEqual([again.created, again.bytesSent], [false, 0]);
      assert.deepEqual(await readAll(store.get('one')), first);
    });

    it('refuses to build on a damaged object under a content-addressed key', async () => {
      const bytes = randomBytes(5000);
      const key = `one/${sha256(bytes)}.sqlite`;
      await store.put(key, inMemory(bytes.subarray(0, 100)));
      await assert.rejects(store.put(key, inMemory(bytes)), hasCode('STORE_FAILED'));
    });

    it('lets one of eight writers win, and all end well', async () => {
      const bytes = randomBytes(200_000);
      const puts = await Promise.all(Array.from({ length: 8 }, () => store.put('deep/er/one', inMemory(bytes))));
      assert.equal(puts.filter((put) => put.created).length, 1);
      assert.deepEqual(await readAll(store.get('deep/er/one')), bytes);
      assert.equal((await listAll(store)).length, 1);
    });

    it('stores a file of 20 MB', async () => {
      const bytes = randomBytes(20_000_000);
      const seen: number[] = [];
      const put = await store.put('big', onDisk(bytes), { onProgress: ({ done }) => seen.push(done) });
      assert.deepEqual([put.created, put.bytesSent], [true, bytes.length]);
      assert.deepEqual(
        seen,
        [...seen].sort((a, b) => a - b),
      );
      assert.equal(seen.at(-1), bytes.length);
      assert.equal(sha256(await readAll(store.get('big'))), sha256(bytes));
    });

    for (const size of [50_000, 20_000_000]) {
      it(`leaves nothing when the file (${size} bytes) is not the one that was hashed`, async () => {
        const source = onDisk(randomBytes(size));
        await assert.rejects(store.put('x/one', { ...source, sha256: '0'.repeat(64) }), hasCode('FILE_CHANGED'));
        await assert.rejects(store.put('x/one', { ...source, size: size + 1 }), hasCode('FILE_CHANGED'));
        assert.equal(await store.head('x/one'), null);
        assert.deepEqual(await listAll(store), []);
      });
    }

    it('leaves nothing when a put is cancelled midway', async () => {
      const stop = new AbortController();
      const put = store.put('big', onDisk(randomBytes(40_000_000)), {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      await assert.rejects(put, hasCode('CANCELLED'));
      assert.equal(await store.head('big'), null);
      assert.deepEqual(await listAll(store), []);
    });

    it('stops a get when it is cancelled', async () => {
      await store.put('big', inMemory(randomBytes(6_000_000)));
      const stop = new AbortController();
      const read = async () => {
        for await (const _ of store.get('big', { signal: stop.signal })) stop.abort();
      };
      await assert.rejects(read(), hasCode('CANCELLED'));
    });

    it('does nothing at all with a signal that is aborted', async () => {
      const signal = AbortSignal.abort();
      await assert.rejects(store.put('one', inMemory(randomBytes(10)), { signal }), hasCode('CANCELLED'));
      await assert.rejects(store.head('one', { signal }), hasCode('CANCELLED'));
      await assert.rejects(readAll(store.get('one', { signal })), hasCode('CANCELLED'));
      await assert.rejects(store.delete('one', { signal }), hasCode('CANCELLED'));
      await assert.rejects(store.verify({ signal }), hasCode('CANCELLED'));
      assert.deepEqual(await listAll(store), []);
    });

    it('deletes, also what is not there', async () => {
      await store.put('a/b/one', inMemory(randomBytes(10)));
      await store.delete('a/b/one');
      await store.delete('a/b/one');
      assert.equal(await store.head('a/b/one'), null);
      assert.deepEqual(await listAll(store), []);
    });

    it('lists in key order, by any prefix', async () => {
      const keys = ['a.x', 'a/b', 'a/b.c', 'a/b/c', 'a0', 'b', 'é', 'a/b-c'].filter((key) => key !== 'a/b');
      for (const key of keys) await store.put(key, inMemory(Buffer.from(key)));
      const expected = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      const listed = await listAll(store);
      assert.deepEqual(
        listed.map(({ key, size }) => [key, size]),
        expected.map((key) => [key, Buffer.byteLength(key)]),
      );
      const keysOf = async (prefix: string) => (await listAll(store, prefix)).map(({ key }) => key);
      assert.deepEqual(await keysOf('a/'), ['a/b-c', 'a/b.c', 'a/b/c']);
      assert.deepEqual(await keysOf('a/b/'), ['a/b/c']);
      assert.deepEqual(await keysOf('a/b'), ['a/b-c', 'a/b.c', 'a/b/c']);
      assert.deepEqual(await keysOf('nothing'), []);
    });

    it('takes odd keys', async () => {
      const keys = [
        'with space.db',
        'plus+and%20%',
        'hash#and?mark',
        'quote\'"&<>',
        'ünï/çödé/日本',
        '~!@$()*,;=[]',
        '..a/b..',
      ];
      for (const key of keys) await store.put(key, inMemory(Buffer.from(key)));
      for (const key of keys) {
        assert.equal(String(await readAll(store.get(key))), key);
        assert.equal((await listAll(store, key))[0]?.key, key);
      }
      assert.equal((await listAll(store)).length, keys.length);
      for (const key of keys) await store.delete(key);
      assert.deepEqual(await listAll(store), []);
    });

    const hostile = [
      '',
      '/etc/passwd',
      '../up',
      'a/../../up',
      'a/./b',
      'a//b',
      'a/',
      'C:/x',
      'c:x',
      'a\\b',
      'a\0b',
      'a\nb',
      'a\x7fb',
    ];
    hostile.push('.datamanager-tmp-1', 'x'.repeat(1025), `${'y'.repeat(256)}/z`, '\ud800');
    for (const key of hostile) {
      it(`refuses the key ${JSON.stringify(key.slice(0, 20))}`, async () => {
        await assert.rejects(store.put(key, inMemory(randomBytes(10))), hasCode('KEY_INVALID'));
        await assert.rejects(store.head(key), hasCode('KEY_INVALID'));
        await assert.rejects(readAll(store.get(key)), hasCode('KEY_INVALID'));
        await assert.rejects(store.delete(key), hasCode('KEY_INVALID'));
        assert.deepEqual(await listAll(store), []);
      });
    }

    it('refuses to list outside', async () => {
      await assert.rejects(listAll(store, '../'), hasCode('KEY_INVALID'));
      await assert.rejects(listAll(store, '/'), hasCode('KEY_INVALID'));
    });

    it('verifies every right and leaves no probe', async () => {
      const checks = await store.verify();
      assert.deepEqual(
        checks.map(({ check, ok }) => [check, ok]),
        ['reach', 'list', 'read', 'write', 'delete'].map((check) => [check, true]),
      );
      assert.deepEqual(await listAll(store), []);
    });
  });
}

export const filesIn = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort();
